/** A rate limiter: a token bucket that refills at a rate per second, and holds two seconds' worth. */
export class TokenBucket {
  readonly #perSecond: number;
  #tokens: number;
  #refilledAtMs: number;

  /** @param now steady clock, ms */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#tokens = 2 * perSecond;
    this.#refilledAtMs = now;
  }

  /** Takes a token and returns 0; without one, returns after how many ms there will be one. */
  take(now: number): number {
    const gained = ((now - this.#refilledAtMs) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(2 * this.#perSecond, this.#tokens + gained);
    this.#refilledAtMs = now;
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1_000);
    this.#tokens -= 1;
    return 0;
  }
}
