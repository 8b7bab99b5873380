/** A browser tells when the network changed, or the page was asleep: then no timer is worth waiting for. */

const SIGNS = ["online", "offline", "pageshow", "visibilitychange", "resume"] as const;

interface Sign {
  readonly type: string;
  /** Of `pageshow`: whether the page is shown again, and not for the first time. */
  readonly persisted?: boolean;
}

type Listen = (type: string, listener: (sign: Sign) => void, isCapturing: boolean) => void;

interface Page {
  readonly addEventListener?: Listen;
  readonly removeEventListener?: Listen;
  readonly document?: { readonly hidden: boolean };
}

/** Calls `wake` at each sign, until the function that comes back is called. In Node there are none. */
export function onWake(wake: () => void): () => void {
  const page = globalThis as Page;
  const told = ({ type, persisted }: Sign): void => {
    if (type === "pageshow" && persisted !== true) return;
    if (type === "visibilitychange" && page.document?.hidden === true) return;
    wake();
  };
  // capturing: what is told to the document comes by the window
  for (const sign of SIGNS) page.addEventListener?.(sign, told, true);
  return () => {
    for (const sign of SIGNS) page.removeEventListener?.(sign, told, true);
  };
}
