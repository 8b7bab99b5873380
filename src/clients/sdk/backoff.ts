/** How long to wait before the next attempt. After which close codes there is one: wire/close-codes. */

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
