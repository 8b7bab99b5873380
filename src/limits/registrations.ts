/**
 * How many new names may come from one address. A name stays for ever, so a stranger with a loop would fill the memory of
 * Redis. Names that are known cost nothing in the end.
 */
import { KeyedBuckets } from "./keyed-buckets.js";

const MOST_ADDRESSES = 20_000;
/** At once, so many minutes' worth: a class of two hundred behind one address may begin together. */
const MINUTES_AT_ONCE = 5;

/** All times are of a steady clock, in ms. */
export class Registrations {
  readonly #buckets: KeyedBuckets;

  /** @param perMinute of one address */
  constructor(perMinute: number) {
    const rate = { perSecond: perMinute / 60, capacity: MINUTES_AT_ONCE * perMinute };
    this.#buckets = new KeyedBuckets(rate, MOST_ADDRESSES);
  }

  /**
   * Takes the place of a new name, before it is known whether it is one: many may come at the same time.
   *
   * @param address see `addressKey`
   * @returns 0: it was taken; else in how many ms there may be one
   */
  take(address: string, nowMs: number): number {
    const waitMs = this.#buckets.waitMs(address, nowMs);
    if (waitMs === 0) this.#buckets.spend(address, 1, nowMs);
    return waitMs;
  }

  /** The name was not new, or did not come in. */
  giveBack(address: string, nowMs: number): void {
    this.#buckets.giveBack(address, 1, nowMs);
  }
}
