/** When to try again, and after which close code not to. PROTOCOL.md, closing. */

const BASE_MS = 250;
const CAP_MS = 10_000;

/** Full jitter: anything from 0 to 250 ms the first time, up to 10 s later. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}

export type AfterClose = "end" | "again at once" | "again";

/** 1000 and everything that reads like HTTP's 4xx are for good; a restart is expected back at once. */
export function afterClose(code: number): AfterClose {
  if (code === 1000 || (code >= 4400 && code < 4500)) return "end";
  return code === 1012 ? "again at once" : "again";
}
