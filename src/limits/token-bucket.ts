/**
 * A token bucket: so much may be spent at once, and so much more each second. What is spent may cost more than there is:
 * the debt has to be paid before anything else may be spent.
 */
export interface Rate {
  /** Tokens that come back in a second. */
  readonly perSecond: number;
  /** Tokens of a full bucket; at least one. */
  readonly capacity: number;
}

/** Of a token: sums of fractions are not exact. */
const ROUNDING = 1e-6;

/** So many tokens a second, in bursts of up to two seconds' worth. */
export function rateOf(perSecond: number): Rate {
  return { perSecond, capacity: 2 * perSecond };
}

/** All times are of a steady clock, in ms. */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  /** Full. */
  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.capacity;
    this.#atMs = nowMs;
  }

  /** In how many ms there will be a token: 0 if there is one. */
  waitMs(nowMs: number): number {
    const missing = 1 - this.#tokensAt(nowMs);
    return missing < ROUNDING
      ? 0
      : Math.max(1, Math.ceil((missing / this.#rate.perSecond) * 1_000));
  }

  /** Spends tokens, whether there are so many or not. A debt is never greater than a full bucket. */
  spend(cost: number, nowMs: number): void {
    this.#tokens = Math.max(-this.#rate.capacity, this.#tokensAt(nowMs) - cost);
    this.#atMs = nowMs;
  }

  /** What was spent is not needed after all. */
  giveBack(cost: number, nowMs: number): void {
    this.spend(-cost, nowMs);
  }

  isFull(nowMs: number): boolean {
    return this.#tokensAt(nowMs) >= this.#rate.capacity;
  }

  #tokensAt(nowMs: number): number {
    const gained = ((nowMs - this.#atMs) / 1_000) * this.#rate.perSecond;
    return Math.min(this.#rate.capacity, this.#tokens + Math.max(0, gained));
  }
}
