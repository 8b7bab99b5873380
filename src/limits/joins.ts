/**
 * How often clients may come in: everybody hears of each who comes, and of each who goes. One that comes back again and again
 * waits a little; whoever would wait long is refused.
 */
import { KeyedBuckets } from "./keyed-buckets.js";
import type { Rate } from "./token-bucket.js";

/** By one name, from one address. */
const OF_CLIENT: Rate = { perSecond: 2, capacity: 4 };
/** From one address: at once, all who may be connected from there. */
const OF_ADDRESS: Rate = { perSecond: 20, capacity: 1_000 };
/** Where more may be asked for than by default, more may come in. */
const [TOKENS_PER_JOIN, ADDRESS_TOKENS_PER_JOIN] = [25, 100];
/** Longer than this nobody waits. */
const MAX_WAIT_MS = 2_000;
const MOST_KEYS = 20_000;

/** Who comes in. */
export interface Comer {
  /** The name, and from where. */
  readonly client: string;
  /** See `addressKey`. Undefined: it is not counted. */
  readonly address: string | undefined;
}

/** All times are of a steady clock, in ms. */
export class Joins {
  readonly #clients: KeyedBuckets;
  readonly #addresses: KeyedBuckets | undefined;

  /**
   * @param perSecond tokens of a connection
   * @param perSecondOfAddress tokens of an address; 0: as many as it wants
   */
  constructor(perSecond: number, perSecondOfAddress: number) {
    this.#clients = new KeyedBuckets(faster(OF_CLIENT, perSecond / TOKENS_PER_JOIN), MOST_KEYS);
    if (perSecondOfAddress === 0) return;
    const ofAddress = faster(OF_ADDRESS, perSecondOfAddress / ADDRESS_TOKENS_PER_JOIN);
    this.#addresses = new KeyedBuckets(ofAddress, MOST_KEYS);
  }

  /**
   * Takes a place for one who wants to come in.
   *
   * @returns in how many ms this one may come in; or, if that is too long to wait, in how many ms it may try again
   */
  take(
    { client, address }: Comer,
    nowMs: number,
  ): { readonly outcome: "taken" | "refused"; readonly inMs: number } {
    const ofAddress = address === undefined ? 0 : (this.#addresses?.waitMs(address, nowMs) ?? 0);
    const inMs = Math.max(this.#clients.waitMs(client, nowMs), ofAddress);
    if (inMs > MAX_WAIT_MS) return { outcome: "refused", inMs };
    this.#clients.spend(client, 1, nowMs);
    if (address !== undefined) this.#addresses?.spend(address, 1, nowMs);
    return { outcome: "taken", inMs };
  }

  /** Nobody has heard of the one for whom it was taken. */
  giveBack({ client, address }: Comer, nowMs: number): void {
    this.#clients.giveBack(client, 1, nowMs);
    if (address !== undefined) this.#addresses?.giveBack(address, 1, nowMs);
  }
}

/** The rate; or, if it is faster, so many a second, and accordingly more at once. */
function faster(least: Rate, perSecond: number): Rate {
  const times = Math.max(1, perSecond / least.perSecond);
  return { perSecond: least.perSecond * times, capacity: least.capacity * times };
}
