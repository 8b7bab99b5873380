/**
 * How many new names may come from one address. A name stays for ever, so a stranger with a loop would fill the memory of
 * Redis. Names that are known cost nothing.
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

  /** In how many ms a new name may come from this address: 0 if it may now. See `addressKey`. */
  waitMs(address: string, nowMs: number): number {
    return this.#buckets.waitMs(address, nowMs);
  }

  /** A new name has come from this address. */
  count(address: string, nowMs: number): void {
    this.#buckets.spend(address, 1, nowMs);
  }
}
