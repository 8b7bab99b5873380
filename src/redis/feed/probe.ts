/**
 * The probe: what this node publishes to itself must come back through its own subscription. A
 * subscription that is open and tells nothing looks like a quiet one; only this shows the difference.
 */

/** Unheard of so many in a row, a subscription is deaf. Sent once a beat. */
const DEAF_AFTER = 3;

export class Probe {
  readonly #publish: (number: string) => Promise<unknown>;
  readonly #onHeard: (seconds: number) => void;
  readonly #sentAt = new Map<number, number>();
  #sent = 0;
  /** The newest that Redis has answered for. */
  #taken = 0;
  #heard = 0;
  /** The newest that was sent before this subscription. */
  #base = 0;
  #wake: () => void = () => {};

  constructor(publish: (number: string) => Promise<unknown>, onHeard: (seconds: number) => void) {
    this.#publish = publish;
    this.#onHeard = onHeard;
  }

  /** Whether this subscription has told of a probe, and not too long ago. */
  get isProven(): boolean {
    return this.#heard > this.#base && this.#sent - this.#heard < DEAF_AFTER;
  }

  /** Whether Redis took probes that did not come back: then it is the subscription. */
  get isDeaf(): boolean {
    return this.#taken - Math.max(this.#heard, this.#base) >= DEAF_AFTER;
  }

  /** @throws whatever the connection says. */
  async send(): Promise<void> {
    const number = ++this.#sent;
    this.#sentAt.set(number, performance.now());
    this.#sentAt.delete(number - 2 * DEAF_AFTER);
    await this.#publish(String(number));
    this.#taken = number;
  }

  hear(number: number): void {
    const sentAt = this.#sentAt.get(number);
    if (sentAt !== undefined) this.#onHeard((performance.now() - sentAt) / 1_000);
    this.#heard = Math.max(this.#heard, number);
    this.#wake();
  }

  /** A new subscription: nothing is proven about it yet. */
  begin(): void {
    this.#base = this.#sent;
  }

  /** Ends when the next probe is heard. */
  untilHeard(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
