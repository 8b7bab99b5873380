/**
 * The isolation detector: decides whether a gateway that is not ready should let its clients go. While Redis is away
 * for all gateways, clients are best off where they are. If other gateways serve, and this one has not for a while,
 * clients are better off there. Pure: time and observations go in, the decision comes out.
 */

/**
 * What one round of questions to the other gateways found. serving: one of them is ready. waiting:
 * none is ready, or there are no others. silent: there are others, and none of them can be reached.
 */
export type Others = "serving" | "waiting" | "silent";

/** How long others must have served while this gateway has not. The same as in deploy/haproxy/cut.lua. */
export const ISOLATED_AFTER_MS = 10_000;
/** After a longer pause between two observations the time starts anew: this process may have been frozen. */
const STALE_AFTER_MS = 5_000;

export class IsolationDetector {
  /** Since when each observation was that only this gateway does not serve. */
  #sinceMs: number | undefined;
  #observedAtMs = -Infinity;

  /** Takes an observation; returns whether the clients should leave. Steady clock, ms. */
  judge(nowMs: number, seen: "ready" | Others): boolean {
    const isStale = nowMs - this.#observedAtMs > STALE_AFTER_MS;
    this.#observedAtMs = nowMs;
    if (seen === "ready" || seen === "waiting") this.#sinceMs = undefined;
    else if (isStale) this.#sinceMs = nowMs;
    else this.#sinceMs ??= nowMs;
    return this.#sinceMs !== undefined && nowMs - this.#sinceMs >= ISOLATED_AFTER_MS;
  }
}
