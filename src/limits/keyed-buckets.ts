/**
 * A token bucket for each key: a user, an address. Their number is bounded. A bucket that is full again is dropped, for a
 * new one would be full as well; any other stays, so that nobody gets a new bucket by bringing many other keys. Keys for
 * which there is no room share one bucket.
 */
import { TokenBucket, type Rate } from "./token-bucket.js";

/** While there is no room, full buckets are looked for at most so often. */
const SWEEP_EVERY_MS = 1_000;

export class KeyedBuckets {
  readonly #rate: Rate;
  readonly #most: number;
  readonly #buckets = new Map<string, TokenBucket>();
  #shared: TokenBucket | undefined;
  #sweptAtMs = -Infinity;

  /** @param most buckets that are kept, besides the one that is shared */
  constructor(rate: Rate, most: number) {
    this.#rate = rate;
    this.#most = most;
  }

  /** How many buckets are kept. */
  get size(): number {
    return this.#buckets.size;
  }

  /** In how many ms there will be a token for this key: 0 if there is one. */
  waitMs(key: string, nowMs: number): number {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known.waitMs(nowMs);
    return this.#hasRoom(nowMs) ? 0 : (this.#shared?.waitMs(nowMs) ?? 0);
  }

  /** Spends tokens of this key, whether there are so many or not. */
  spend(key: string, cost: number, nowMs: number): void {
    let bucket = this.#buckets.get(key);
    if (bucket === undefined && this.#hasRoom(nowMs)) {
      bucket = new TokenBucket(this.#rate, nowMs);
      this.#buckets.set(key, bucket);
    }
    bucket ??= this.#shared ??= new TokenBucket(this.#rate, nowMs);
    bucket.spend(cost, nowMs);
  }

  /** What was spent is not needed after all. */
  giveBack(key: string, cost: number, nowMs: number): void {
    const bucket = this.#buckets.get(key) ?? this.#shared;
    bucket?.giveBack(cost, nowMs);
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#buckets.size < this.#most) return true;
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS) return false;
    this.#sweptAtMs = nowMs;
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(key);
    return this.#buckets.size < this.#most;
  }
}
