/**
 * What may be written to one recipient by those to whom it has not written: a few words by each, and by all of them together
 * as much as one connection may ask for. Otherwise a few of them, each within its own limit, send more than the recipient can read, until it is cut.
 * Whether it has written to somebody is what this gateway has heard lately.
 */
import type { Name } from "../chat/names.js";
import { KeyedBuckets } from "./keyed-buckets.js";
import { rateOf, type Rate } from "./token-bucket.js";

/** Messages of one user to one recipient that wait for nobody else's: a stranger can say what it wants, whoever floods. */
const OF_PAIR: Rate = { perSecond: 0.5, capacity: 3 };

const MOST_RECIPIENTS = 20_000;
const MOST_PAIRS = 50_000;
/** A recipient on a slow line reads some fifty kilobytes a second. */
const BYTES_PER_TOKEN = 1_024;

/** All times are of a steady clock, in ms. */
export class Unanswered {
  readonly #recipients: KeyedBuckets;
  readonly #pairs = new KeyedBuckets(OF_PAIR, MOST_PAIRS);
  /** Who has written to whom. The one that was heard last is the last one. */
  readonly #written = new Set<string>();

  /** @param perSecond tokens of a connection */
  constructor(perSecond: number) {
    this.#recipients = new KeyedBuckets(rateOf(perSecond), MOST_RECIPIENTS);
  }

  /** A private message was announced. */
  heard(author: Name, recipient: Name): void {
    const pair = pairOf(author, recipient);
    this.#written.delete(pair);
    this.#written.add(pair);
    if (this.#written.size <= MOST_PAIRS) return;
    const [oldest] = this.#written;
    this.#written.delete(oldest!);
  }

  /** In how many ms a message of so many bytes may be sent: 0 if it may now. */
  waitMs(author: Name, recipient: Name, bytes: number, nowMs: number): number {
    if (this.#isAnswered(author, recipient)) return 0;
    const ofAll = this.#recipients.waitMs(recipient, nowMs);
    return bytes < BYTES_PER_TOKEN
      ? Math.min(ofAll, this.#pairs.waitMs(pairOf(author, recipient), nowMs))
      : ofAll;
  }

  /** A message of so many bytes is sent. */
  spend(author: Name, recipient: Name, bytes: number, nowMs: number): void {
    if (this.#isAnswered(author, recipient)) return;
    if (this.#hasWordsLeft(author, recipient, bytes, nowMs)) {
      return this.#pairs.spend(pairOf(author, recipient), 1, nowMs);
    }
    this.#recipients.spend(recipient, 1 + Math.floor(bytes / BYTES_PER_TOKEN), nowMs);
  }

  #hasWordsLeft(author: Name, recipient: Name, bytes: number, nowMs: number): boolean {
    return bytes < BYTES_PER_TOKEN && this.#pairs.waitMs(pairOf(author, recipient), nowMs) === 0;
  }

  #isAnswered(author: Name, recipient: Name): boolean {
    return author === recipient || this.#written.has(pairOf(recipient, author));
  }
}

/** No name has a control byte, so no two are alike. */
function pairOf(author: Name, recipient: Name): string {
  return `${author}\n${recipient}`;
}
