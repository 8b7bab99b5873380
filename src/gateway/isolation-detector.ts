/**
 * Alone: whether a gateway that is not ready should let its clients go. While Redis is away nobody
 * serves, and clients are best off where they are; but if others serve, and this one has not for a
 * while, they are better off there. Pure: time and what was seen go in, the decision comes out.
 */

/**
 * What one round of questions to the other gateways found. serving: one of them is ready. waiting:
 * none is ready, or there are no others. silent: there are others, and none of them can be reached.
 */
export type Others = "serving" | "waiting" | "silent";

/** For so long others must have served, and this gateway not. As deploy/haproxy/cut.lua judges. */
export const ISOLATED_AFTER_MS = 10_000;
/** With more time between two looks nobody knows what was in between: this process stood still, perhaps. */
const BLIND_AFTER_MS = 5_000;

export class IsolationDetector {
  /** Since when each look found that this gateway does not serve, and that it is not the whole chat. */
  #sinceMs: number | undefined;
  #lookedMs = -Infinity;

  /** Takes what was just seen. Returns whether the clients should leave. Steady clock, ms. */
  judge(nowMs: number, seen: "ready" | Others): boolean {
    const wasBlind = nowMs - this.#lookedMs > BLIND_AFTER_MS;
    this.#lookedMs = nowMs;
    if (seen === "ready" || seen === "waiting") this.#sinceMs = undefined;
    else if (wasBlind) this.#sinceMs = nowMs;
    else this.#sinceMs ??= nowMs;
    return this.#sinceMs !== undefined && nowMs - this.#sinceMs >= ISOLATED_AFTER_MS;
  }
}
