/**
 * Writes: what is queued for a connection in the same moment leaves in one write, for system calls are
 * what telling many costs most. A moment is a turn of the event loop; while writing takes long, it is as
 * long as the last writing took, so that a busy node writes less often rather than later and later.
 */

/** Has something to write. */
export interface Writer {
  flush(): void;
}

/** Longer is not waited, in ms. */
const LONGEST_MOMENT_MS = 5;

export class WriteCoalescer {
  #waiting: Writer[] = [];
  #tookMs = 0;
  #endedAtMs = 0;

  /** Lets it write at the end of this moment; to be called once a moment. */
  queue(writer: Writer): void {
    this.#waiting.push(writer);
    if (this.#waiting.length > 1) return;
    const restMs =
      Math.min(this.#tookMs, LONGEST_MOMENT_MS) - (performance.now() - this.#endedAtMs);
    if (restMs < 1) setImmediate(this.#flush);
    else setTimeout(this.#flush, restMs);
  }

  readonly #flush = (): void => {
    const began = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const writer of waiting) writer.flush();
    this.#endedAtMs = performance.now();
    this.#tookMs = this.#endedAtMs - began;
  };
}
