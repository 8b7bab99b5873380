/**
 * A window: what is queued within it is flushed together, at its end. It begins with the last flush: after a quiet time,
 * what is queued is flushed at the end of this turn of the event loop.
 */
import { performance } from "node:perf_hooks";

/** Something that gathers until it is flushed. */
export interface Gatherer {
  /** Passes on what was gathered, if there still is anything. */
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

/** A shorter rest of a window is not waited for. */
const LEAST_REST_MS = 1;

/** A window that is longer on a busy node: by `moreMs` if the event loop is never idle. */
export function longerUnderLoad(leastMs: number, moreMs: number): WindowLength {
  return (_lastFlushMs, load) => leastMs + moreMs * load();
}

export class Window {
  readonly #lengthOf: WindowLength;
  readonly #clock: LoopClock;
  #waiting: Gatherer[] = [];
  #flushedAtMs = -Infinity;
  #windowMs = 0;

  constructor(lengthOf: WindowLength, clock: LoopClock = eventLoop()) {
    this.#lengthOf = lengthOf;
    this.#clock = clock;
  }

  /** Flushes the gatherer at the end of this window; to be called once per window. */
  queue(gatherer: Gatherer): void {
    this.#waiting.push(gatherer);
    if (this.#waiting.length > 1) return;
    const restMs = this.#flushedAtMs + this.#windowMs - this.#clock.nowMs();
    if (restMs < LEAST_REST_MS) this.#clock.soon(this.#flush);
    else this.#clock.later(this.#flush, restMs);
  }

  readonly #flush = (): void => {
    const began = this.#clock.nowMs();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const gatherer of waiting) gatherer.flush();
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
