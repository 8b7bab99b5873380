/**
 * What a connection may ask for: tokens of its own, of its user (who may have several connections) and of its address.
 * Of these, the address has the fewest for each connection if there are many behind it. So that one of them cannot take
 * everything from the others, each has a small reserve, which is used while the address has no tokens.
 *
 * All limits are of one gateway: it does not ask what was asked of others.
 */
import type { Name } from "../chat/names.js";
import { Joins } from "./joins.js";
import { KeyedBuckets } from "./keyed-buckets.js";
import { TokenBucket, rateOf, type Rate } from "./token-bucket.js";
import { Unanswered } from "./unanswered.js";

/** For whom something is asked. */
export interface Spender {
  /** Undefined while there is no name. */
  readonly user: Name | undefined;
  /** See `addressKey`. Undefined: it is not counted. */
  readonly address: string | undefined;
}

export interface RequestRates {
  /** Tokens a second of one connection. A user has twice as many for all connections together. */
  readonly perSecond: number;
  /**
   * Tokens a second of all connections of one address; 0: as many as they want. Undefined: so many of a public one, and as
   * many as they want of a private one, which may be a balancer's.
   */
  readonly perSecondOfAddress: number | undefined;
}

/** Of a public address, if no number was chosen. */
const OF_PUBLIC = 2_000;

/** Buckets that are kept for users, and for addresses. */
const MOST_KEYS = 20_000;
/** A person who writes now and then, with a client that polls now and then. */
const RESERVE: Rate = { perSecond: 2, capacity: 20 };

/** Everybody hears of each: of a user, some at once, then two a second. */
const STATUSES: Rate = { perSecond: 2, capacity: 4 };

/** So often it is told that a user is typing. Clients say it once in some seconds. */
const TYPING: Rate = { perSecond: 1, capacity: 4 };

/** Of wrong keys for one name from one address: a client that waits for its name asks some thirty times. */
const WRONG_KEYS: Rate = { perSecond: 1 / 3, capacity: 40 };

/** What all connections of a gateway share. */
export class RequestLimits {
  /** Keys that were shown for a name and are not its key, by address and name. */
  readonly wrongKeys = new KeyedBuckets(WRONG_KEYS, MOST_KEYS);
  readonly own: Rate;
  readonly users: KeyedBuckets;
  /** How often users may change their status. */
  readonly statuses = new KeyedBuckets(STATUSES, MOST_KEYS);
  /** How often it is told that users are typing. */
  readonly typing = new KeyedBuckets(TYPING, MOST_KEYS);
  readonly joins: Joins;
  /** What may be written to users who have not answered. */
  readonly unanswered: Unanswered;
  readonly addresses: KeyedBuckets | undefined;
  /** Whether private addresses are counted, too. */
  readonly isForPrivate: boolean;

  constructor({ perSecond, perSecondOfAddress }: RequestRates) {
    this.isForPrivate = perSecondOfAddress !== undefined;
    const ofAddress = perSecondOfAddress ?? OF_PUBLIC;
    this.own = rateOf(perSecond);
    this.joins = new Joins(perSecond, ofAddress);
    this.unanswered = new Unanswered(perSecond);
    this.users = new KeyedBuckets(rateOf(2 * perSecond), MOST_KEYS);
    if (ofAddress > 0) this.addresses = new KeyedBuckets(rateOf(ofAddress), MOST_KEYS);
  }

  /** Whether others are told now that the user is typing. */
  mayTellTyping(user: Name, nowMs: number): boolean {
    if (this.typing.waitMs(user, nowMs) > 0) return false;
    this.typing.spend(user, 1, nowMs);
    return true;
  }
}

/** Of one connection. All times are of a steady clock, in ms. */
export class Budget {
  readonly #limits: RequestLimits;
  readonly #own: TokenBucket;
  /** While none of it was used, it is full. */
  #reserve: TokenBucket | undefined;

  constructor(limits: RequestLimits, nowMs: number) {
    this.#limits = limits;
    this.#own = new TokenBucket(limits.own, nowMs);
  }

  /** In how many ms the connection may ask for something: 0 if it may now. */
  waitMs(spender: Spender, nowMs: number): number {
    const { user } = spender;
    return Math.max(
      this.#own.waitMs(nowMs),
      user === undefined ? 0 : this.#limits.users.waitMs(user, nowMs),
      this.waitMsOfAddress(spender, nowMs),
    );
  }

  /** The same, of the tokens of its address alone. */
  waitMsOfAddress({ address }: Spender, nowMs: number): number {
    if (address === undefined) return 0;
    const ofAddress = this.#limits.addresses?.waitMs(address, nowMs) ?? 0;
    return Math.min(ofAddress, this.#reserve?.waitMs(nowMs) ?? 0);
  }

  /** Spends what a request costs, whether there is so much or not. */
  spend({ user, address }: Spender, cost: number, nowMs: number): void {
    if (cost <= 0) return;
    const { users, addresses } = this.#limits;
    this.#own.spend(cost, nowMs);
    if (user !== undefined) users.spend(user, cost, nowMs);
    if (addresses === undefined || address === undefined) return;
    if (addresses.waitMs(address, nowMs) === 0) return addresses.spend(address, cost, nowMs);
    this.#reserve ??= new TokenBucket(RESERVE, nowMs);
    this.#reserve.spend(cost, nowMs);
  }

  /** In how many ms the user may set a status that others hear of: 0 if it may now. */
  statusWaitMs({ user }: Spender, nowMs: number): number {
    return user === undefined ? 0 : this.#limits.statuses.waitMs(user, nowMs);
  }

  /** The user sets a status. */
  spendStatus({ user }: Spender, nowMs: number): void {
    if (user !== undefined) this.#limits.statuses.spend(user, 1, nowMs);
  }

  /** In how many ms the user may write so many bytes to another one: 0 if it may now. */
  messageWaitMs({ user }: Spender, to: Name, bytes: number, nowMs: number): number {
    return user === undefined ? 0 : this.#limits.unanswered.waitMs(user, to, bytes, nowMs);
  }

  /** The user writes so many bytes to another one. */
  spendMessage({ user }: Spender, to: Name, bytes: number, nowMs: number): void {
    if (user !== undefined) this.#limits.unanswered.spend(user, to, bytes, nowMs);
  }
}
