/** Browser events after which a backoff should end at once: the network changed, or the page was asleep. */

const SIGNS = ["online", "offline", "pageshow", "visibilitychange", "resume"] as const;

interface Sign {
  readonly type: string;
  /** Of `pageshow`: the page was restored from the back/forward cache. */
  readonly persisted?: boolean;
}

type Listen = (type: string, listener: (sign: Sign) => void, isCapturing: boolean) => void;

interface Page {
  readonly addEventListener?: Listen;
  readonly removeEventListener?: Listen;
  readonly document?: { readonly hidden: boolean };
}

/** Calls `wake` at each such event. Returns a function that stops this. In Node there are no such events. */
export function onWake(wake: () => void): () => void {
  const page = globalThis as Page;
  const onSign = ({ type, persisted }: Sign): void => {
    if (type === "pageshow" && persisted !== true) return;
    if (type === "visibilitychange" && page.document?.hidden === true) return;
    wake();
  };
  // capturing: events of the document pass the window
  for (const sign of SIGNS) page.addEventListener?.(sign, onSign, true);
  return () => {
    for (const sign of SIGNS) page.removeEventListener?.(sign, onSign, true);
  };
}
