/** A lifetime: parts are started in order and stopped in reverse, also when one of them cannot start. */
import type { Log } from "../observe.js";

export interface Part {
  /** For the log. */
  readonly name: string;
  /** @param signal aborted when nobody waits for the start any more: the part can stop trying */
  readonly start?: (signal: AbortSignal) => Promise<void> | void;
  /**
   * Leaves nothing behind: no handle, no lease, no subscription. It is also called after a start that failed
   * half-way, or that is still under way but is not waited for any more.
   */
  readonly stop?: () => Promise<void> | void;
}

export class Lifetime {
  readonly #log: Pick<Log, "warn">;
  readonly #begun: Part[] = [];
  readonly #stopping = new AbortController();
  #stopped: Promise<void> | undefined;

  constructor(log: Pick<Log, "warn">) {
    this.#log = log;
  }

  /**
   * Starts the parts, one after the other.
   * @param signal gives up
   * @throws what the start of a part threw, or the reason of the signal; all that was begun is stopped by then
   */
  async start(parts: readonly Part[], signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    try {
      for (const part of parts) {
        either.throwIfAborted();
        this.#begun.push(part);
        await unlessAborted(part.start?.(either), either);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** May be called twice. Never rejects: a part that cannot be stopped is logged, and the others are stopped. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(new Error("the node is stopping"));
    for (const { name, stop } of this.#begun.toReversed()) {
      try {
        await stop?.();
      } catch (error) {
        this.#log.warn(
          { event: "part_not_stopped", part: name, err: error },
          "part could not be stopped",
        );
      }
    }
  }
}

/** Waits for a step, but no longer than until the signal is aborted. */
async function unlessAborted(step: Promise<void> | void, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { signal: over.signal });
  });
  try {
    await Promise.race([step, aborted]);
  } finally {
    over.abort();
  }
}
