/** Redis' clock as this node knows it: what heartbeats tell, carried on by the node's own steady clock. */

export class RedisClock {
  readonly #steadyMs: () => number;
  /** What Redis' clock shows when the steady clock shows 0. */
  #offsetMs: number | undefined;
  #latestMs = 0;

  constructor(steadyMs: () => number = () => performance.now()) {
    this.#steadyMs = steadyMs;
  }

  /**
   * Redis has told its time, between these two moments of the steady clock. An answer that took long
   * says little, and moves only a clock that it proves wrong.
   */
  hear(redisMs: number, askedMs: number, answeredMs: number): void {
    const [least, most] = [redisMs - answeredMs, redisMs + 1 - askedMs];
    this.#offsetMs = Math.min(most, Math.max(least, this.#offsetMs ?? (least + most) / 2));
  }

  /** Milliseconds since 1970. Never goes back: it stands still until Redis' clock has caught up. */
  get nowMs(): number {
    if (this.#offsetMs === undefined) throw new Error("Redis has not told its time yet");
    this.#latestMs = Math.max(this.#latestMs, Math.floor(this.#steadyMs() + this.#offsetMs));
    return this.#latestMs;
  }
}
