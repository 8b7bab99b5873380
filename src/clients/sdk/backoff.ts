/** How long to wait before the next attempt. After which close codes there is one: wire/close-codes. */

const BASE_MS = 250;
const CAP_MS = 10_000;
/** A node that was not suspected for so long is trusted again: the next attempt is a first one. */
const TRUSTED_AFTER_MS = 120_000;

/** Full jitter: anything from 0 to 250 ms the first time, up to 10 s later. */
export function retryDelayMs(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}

/** Paces the attempts to leave a node that seems not to serve: while no node serves, they become fewer. */
export class MoveBackoff {
  #attempts = 0;
  #lastMs = -Infinity;
  #waitMs = 0;

  /** Whether an attempt may begin now; if so, it counts as one. */
  take(nowMs: number): boolean {
    const sinceMs = nowMs - this.#lastMs;
    if (sinceMs < this.#waitMs) return false;
    if (sinceMs > TRUSTED_AFTER_MS) this.#attempts = 0;
    this.#lastMs = nowMs;
    this.#waitMs = (0.5 + Math.random() / 2) * Math.min(60_000, 5_000 * 2 ** this.#attempts++);
    return true;
  }
}
