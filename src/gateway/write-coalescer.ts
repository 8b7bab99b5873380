/**
 * Write coalescing: what is queued within a window leaves in one write, because system calls are most of the cost of a
 * fan-out. The window begins with the last flush: after a quiet time, what is queued leaves at the end of this turn of
 * the event loop. A flush that took long makes the next window longer: a busy node writes less often, instead of
 * falling further and further behind.
 */
import { performance } from "node:perf_hooks";

/** Something that has frames to write. */
export interface Writer {
  /** Writes what is queued, if anything still is. */
  flush(): void;
}

/** How long a window is, in ms. `load` says how busy the event loop was since it was asked last, from 0 to 1. */
export type WindowLength = (lastFlushMs: number, load: () => number) => number;

/** Time, and the event loop. */
export interface LoopClock {
  nowMs(): number;
  /** How busy the event loop was since this was asked last, from 0 to 1. */
  readonly load: () => number;
  /** Runs it at the end of this turn. */
  soon(run: () => void): void;
  later(run: () => void, ms: number): void;
}

/** The longest window of what only one client waits for. */
const MAX_TURN_MS = 5;
/** What everybody gets leaves no more often than a screen shows it: a write costs more than the frames in it. */
const MIN_BROADCAST_MS = 16;
const MAX_BROADCAST_MS = 50;
/** A shorter rest of a window is not waited for. */
const LEAST_REST_MS = 1;

/** For frames that only one client waits for, as replies: a turn of the event loop, or as long as the last flush took. */
export const turn: WindowLength = (lastFlushMs) => Math.min(lastFlushMs, MAX_TURN_MS);

/** For frames that everybody gets. On a busy node, flushes take at most a quarter of the time. */
export const broadcastWindow: WindowLength = (lastFlushMs, load) =>
  Math.min(Math.max(MIN_BROADCAST_MS, (1 + 2 * load()) * lastFlushMs), MAX_BROADCAST_MS);

export class WriteCoalescer {
  readonly #lengthOf: WindowLength;
  readonly #clock: LoopClock;
  #waiting: Writer[] = [];
  #flushedAtMs = -Infinity;
  #windowMs = 0;

  constructor(lengthOf: WindowLength, clock: LoopClock = eventLoop()) {
    this.#lengthOf = lengthOf;
    this.#clock = clock;
  }

  /** Flushes the writer at the end of this window; to be called once per window. */
  queue(writer: Writer): void {
    this.#waiting.push(writer);
    if (this.#waiting.length > 1) return;
    const restMs = this.#flushedAtMs + this.#windowMs - this.#clock.nowMs();
    if (restMs < LEAST_REST_MS) this.#clock.soon(this.#flush);
    else this.#clock.later(this.#flush, restMs);
  }

  readonly #flush = (): void => {
    const began = this.#clock.nowMs();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const writer of waiting) writer.flush();
    this.#flushedAtMs = this.#clock.nowMs();
    this.#windowMs = this.#lengthOf(this.#flushedAtMs - began, this.#clock.load);
  };
}

function eventLoop(): LoopClock {
  let before = performance.eventLoopUtilization();
  return {
    nowMs: () => performance.now(),
    load() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    soon: (run) => void setImmediate(run),
    later: (run, ms) => void setTimeout(run, ms),
  };
}
