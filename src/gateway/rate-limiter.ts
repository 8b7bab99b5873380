/** A rate: so many a second, and two seconds' worth at once. */
export class TokenBucket {
  readonly #perSecond: number;
  #left: number;
  #at: number;

  /** @param now steady clock, ms */
  constructor(perSecond: number, now: number) {
    this.#perSecond = perSecond;
    this.#left = 2 * perSecond;
    this.#at = now;
  }

  /** Takes one; returns 0, or after how many ms there will be one. */
  take(now: number): number {
    const gained = ((now - this.#at) / 1_000) * this.#perSecond;
    this.#left = Math.min(2 * this.#perSecond, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return Math.ceil(((1 - this.#left) / this.#perSecond) * 1_000);
    this.#left -= 1;
    return 0;
  }
}
