/**
 * The probe: what this node publishes to itself must come back through its own subscription. Without it, a dead
 * subscription looks like a quiet one. It has no connection and no clock: its user publishes, and passes the time.
 */

/** The subscription is deaf if so many probes in a row did not come back. One is sent each beat. */
const DEAF_AFTER = 3;

export class Probe {
  readonly #sentAtMs = new Map<number, number>();
  #sent = 0;
  /** The newest probe that Redis has accepted. */
  #taken = 0;
  #heard = 0;
  /** The newest probe that was sent before this subscription. */
  #sentBefore = 0;

  /** Whether this subscription has lately delivered a probe. */
  get isProven(): boolean {
    return this.#heard > this.#sentBefore && this.#sent - this.#heard < DEAF_AFTER;
  }

  /** Whether Redis accepted probes that did not come back: then the subscription is at fault. */
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

  /** Redis has accepted it. */
  take(number: number): void {
    this.#taken = number;
  }

  /** Whether this is the number of a probe. Anybody who can publish can publish anything on its channel. */
  isSent(number: number): boolean {
    return Number.isInteger(number) && number > 0 && number <= this.#sent;
  }

  /** It came back. Returns its round trip time in ms, if that is still known. */
  hear(number: number, nowMs: number): number | undefined {
    const sentAtMs = this.#sentAtMs.get(number);
    this.#heard = Math.max(this.#heard, number);
    return sentAtMs === undefined ? undefined : nowMs - sentAtMs;
  }

  /** There is a new subscription, which has proved nothing yet. */
  resubscribed(): void {
    this.#sentBefore = this.#sent;
  }
}
