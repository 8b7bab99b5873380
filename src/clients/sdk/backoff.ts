/** When to try again, and after which close code not to. PROTOCOL.md, closing. */

const BASE_MS = 250;
const CAP_MS = 10_000;

/** Full jitter: anything from 0 to 250 ms the first time, up to 10 s later. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}

/** Between two attempts to leave a node that does not serve; the others may not serve either. */
export function moveDelayMs(attempt: number): number {
  return (0.5 + Math.random() / 2) * Math.min(60_000, 5_000 * 2 ** attempt);
}

export type AfterClose = "end" | "again at once" | "again";

/** 1000 and everything that reads like HTTP's 4xx are for good; a restart is expected back at once. */
export function afterClose(code: number): AfterClose {
  if (code === 1000 || (code >= 4400 && code < 4500)) return "end";
  return code === 1012 ? "again at once" : "again";
}
