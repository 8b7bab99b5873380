/** Redis' clock as this node knows it: set by the heartbeats, and advanced by the node's own steady clock. */

export class RedisClock {
  readonly #steadyMs: () => number;
  /** Redis' time minus the steady clock's. */
  #offsetMs: number | undefined;
  #latestMs = 0;

  constructor(steadyMs: () => number = () => performance.now()) {
    this.#steadyMs = steadyMs;
  }

  /**
   * Takes Redis' time, which was read between these two moments of the steady clock. The longer an answer took, the
   * less it says: the clock moves only as far as it is proved wrong.
   */
  hear(redisMs: number, askedMs: number, answeredMs: number): void {
    const [least, most] = [redisMs - answeredMs, redisMs + 1 - askedMs];
    this.#offsetMs = Math.min(most, Math.max(least, this.#offsetMs ?? (least + most) / 2));
  }

  /** Milliseconds since 1970. It never goes back: it stands still until Redis' clock has caught up. */
  get nowMs(): number {
    if (this.#offsetMs === undefined) throw new Error("Redis has not told its time yet");
    this.#latestMs = Math.max(this.#latestMs, Math.floor(this.#steadyMs() + this.#offsetMs));
    return this.#latestMs;
  }
}
