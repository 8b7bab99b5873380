/**
 * The probe: what this node publishes to itself must come back through its own subscription. A
 * subscription that is open and tells nothing looks like a quiet one; only this shows the difference.
 * Knows no connection and no clock: who uses it publishes, and tells it the time.
 */

/** So many in a row did not come back: the subscription is deaf. One is sent each beat. */
const DEAF_AFTER = 3;

export class Probe {
  readonly #sentAtMs = new Map<number, number>();
  #sent = 0;
  /** The newest that Redis has taken. */
  #taken = 0;
  #heard = 0;
  /** The newest that was sent before this subscription. */
  #sentBefore = 0;

  /** Whether this subscription has told of a probe, and not too long ago. */
  get isProven(): boolean {
    return this.#heard > this.#sentBefore && this.#sent - this.#heard < DEAF_AFTER;
  }

  /** Whether Redis took probes that did not come back: then it is the subscription. */
  get isDeaf(): boolean {
    return this.#taken - Math.max(this.#heard, this.#sentBefore) >= DEAF_AFTER;
  }

  /** The number to publish now. */
  next(nowMs: number): number {
    const number = ++this.#sent;
    this.#sentAtMs.set(number, nowMs);
    this.#sentAtMs.delete(number - 2 * DEAF_AFTER);
    return number;
  }

  /** Redis has taken it. */
  take(number: number): void {
    this.#taken = number;
  }

  /** It came back; after how long, if that is still known. */
  hear(number: number, nowMs: number): number | undefined {
    const sentAtMs = this.#sentAtMs.get(number);
    this.#heard = Math.max(this.#heard, number);
    return sentAtMs === undefined ? undefined : nowMs - sentAtMs;
  }

  /** There is a new subscription: nothing is proven about it yet. */
  resubscribed(): void {
    this.#sentBefore = this.#sent;
  }
}
