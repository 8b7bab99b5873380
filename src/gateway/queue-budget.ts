/**
 * The bytes that wait for all connections of a node together. Each send queue has a limit of its own; with many slow
 * readers their sum would still take all memory. When it passes the budget, the fattest reader goes first.
 *
 * Counted is what the system has not taken from a queue, and what is held back in it. A broadcast that waits for many
 * readers is in memory once, and counts for each of them: so the sum is never less than the memory. A queue that is
 * written to without waiting costs nothing here; nothing is done for each frame.
 */

/** A send queue for which something waits. */
export interface Waiting {
  /** As it is now. */
  readonly waitingBytes: number;
  /** Cuts its reader: nothing waits any more. */
  crowdedOut(): void;
}

/** After readers were cut, there is so much room again: else the next frame would cut the next one. */
const ROOM = 1 / 8;

export class QueueBudget {
  readonly #maxBytes: number;
  /** Each with as much as it is counted with. */
  readonly #waiting = new Map<Waiting, number>();
  #total = 0;
  /** When more is counted, it is counted anew: sockets have taken bytes meanwhile. */
  #lookAtBytes: number;
  #look: "none" | "due" = "none";

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#lookAtBytes = maxBytes;
  }

  /** To be called when bytes begin to wait in a queue, are more than before, or wait no longer (0). */
  note(queue: Waiting, bytes: number): void {
    this.#total += bytes - (this.#waiting.get(queue) ?? 0);
    if (bytes === 0) this.#waiting.delete(queue);
    else this.#waiting.set(queue, bytes);
    // not now: queues may be in the middle of a broadcast
    if (this.#total <= this.#lookAtBytes || this.#look === "due") return;
    this.#look = "due";
    setImmediate(() => this.#relieve());
  }

  #relieve(): void {
    for (const queue of this.#waiting.keys()) this.note(queue, queue.waitingBytes);
    if (this.#total > this.#maxBytes) {
      const fattest = [...this.#waiting].toSorted(([, one], [, other]) => other - one);
      for (const [queue] of fattest) {
        if (this.#total <= this.#maxBytes * (1 - ROOM)) break;
        this.note(queue, 0);
        queue.crowdedOut();
      }
    }
    this.#look = "none";
    // if readers catch up just below the budget, not every frame looks at all of them
    this.#lookAtBytes = Math.max(this.#maxBytes, this.#total + this.#maxBytes * (ROOM / 2));
  }
}
