/**
 * Write coalescing: frames that are queued for a connection within a short window leave in one write, because system
 * calls are most of the cost of a fan-out. The window is a turn of the event loop. If the last flush took longer, the
 * window is as long as that flush: a busy node then writes less often, instead of falling further and further behind.
 */

/** Something that has frames to write. */
export interface Writer {
  flush(): void;
}

/** The longest window. */
const MAX_WINDOW_MS = 5;

export class WriteCoalescer {
  #waiting: Writer[] = [];
  #lastFlushMs = 0;
  #flushedAtMs = 0;

  /** Flushes the writer at the end of this window; to be called once per window. */
  queue(writer: Writer): void {
    this.#waiting.push(writer);
    if (this.#waiting.length > 1) return;
    const restMs =
      Math.min(this.#lastFlushMs, MAX_WINDOW_MS) - (performance.now() - this.#flushedAtMs);
    if (restMs < 1) setImmediate(this.#flush);
    else setTimeout(this.#flush, restMs);
  }

  readonly #flush = (): void => {
    const began = performance.now();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const writer of waiting) writer.flush();
    this.#flushedAtMs = performance.now();
    this.#lastFlushMs = this.#flushedAtMs - began;
  };
}
