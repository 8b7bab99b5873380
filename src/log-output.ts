/**
 * Where log lines go: to standard output, those of a moment in one write, because a write costs more than a line. None
 * is lost when the process ends by itself, by a signal that it heeds, or by an error that nobody caught. A reader that
 * stops does not stop the gateway: lines wait for it up to a limit, and then they are dropped, and counted. Nor does a disk
 * that is full: what cannot be written is dropped, and counted.
 */
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import type { DestinationStream } from "pino";
import { Window, type Gatherer } from "./window.js";

const LOG_WINDOW_MS = 25;
/** Characters that wait for a slow reader: of all lines, and of those that are worth a look (warn and above). */
const [MOST_WAITING, MOST_WORTH] = [1_048_576, 2_097_152];
/** A process that ends waits so long for the reader of its last lines, and looks so often whether it reads. */
const [LAST_WITHIN_MS, LOOKS_EACH_MS] = [2_000, 5];
const STANDARD_OUTPUT = 1;
/** Of lines below warn. */
const OF_INFO = /^\{"level":[1-3]0,/;

/** Takes what it can of the bytes at once. Returns how many it has taken, or that none of them can be written. */
export type Output = (bytes: Buffer) => number | "lost";

export function standardOutput(): LineGatherer {
  const lines = new LineGatherer(new Window(() => LOG_WINDOW_MS), writeTo(unblocked()));
  process.once("exit", () => lines.end());
  return lines;
}

export class LineGatherer implements DestinationStream, Gatherer {
  /** Is told how many lines were dropped, when there is room again. */
  onDropped: (lines: number) => void = () => {};
  readonly #window: Pick<Window, "queue">;
  readonly #output: Output;
  #text = "";
  /** What the output has not taken yet. */
  #rest: Buffer = Buffer.alloc(0);
  #dropped = 0;
  /** How the last write ended. Of one that was lost nobody can be told yet. */
  #lastWrite: "taken" | "lost" = "taken";

  constructor(window: Pick<Window, "queue">, output: Output) {
    this.#window = window;
    this.#output = output;
  }

  write(line: string): void {
    const waiting = this.#text.length + this.#rest.length;
    if (waiting + line.length > (OF_INFO.test(line) ? MOST_WAITING : MOST_WORTH)) {
      this.#dropped++;
      return;
    }
    if (waiting === 0) this.#window.queue(this);
    this.#text += line;
  }

  flush(): void {
    this.#push();
    if (this.#rest.length > 0) this.#window.queue(this); // its reader is slow
    else if (this.#dropped > 0 && this.#lastWrite === "taken") {
      const dropped = this.#dropped;
      this.#dropped = 0;
      this.onDropped(dropped);
    }
  }

  /** The process ends: waits for a slow reader, but not for long. */
  end(): void {
    const untilMs = performance.now() + LAST_WITHIN_MS;
    for (this.#push(); this.#rest.length > 0 && performance.now() < untilMs; this.#push()) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOKS_EACH_MS);
    }
  }

  #push(): void {
    if (this.#text !== "") {
      this.#rest = Buffer.concat([this.#rest, Buffer.from(this.#text)]);
      this.#text = "";
    }
    if (this.#rest.length === 0) return;
    const taken = this.#output(this.#rest);
    this.#lastWrite = taken === "lost" ? "lost" : "taken";
    if (taken === "lost") this.#dropped += linesOf(this.#rest);
    this.#rest = this.#rest.subarray(taken === "lost" ? this.#rest.length : taken);
  }
}

function linesOf(bytes: Buffer): number {
  let lines = 0;
  for (let end = bytes.indexOf("\n"); end !== -1; end = bytes.indexOf("\n", end + 1)) lines++;
  return lines;
}

/**
 * Standard output, opened anew if it is a pipe: so that a full one says so instead of blocking, and whoever else writes there
 * still blocks. Elsewhere (a file, a terminal, a socket) and where that is not allowed, it is itself.
 */
function unblocked(): number {
  const { O_WRONLY, O_NONBLOCK } = constants;
  try {
    if (!fstatSync(STANDARD_OUTPUT).isFIFO()) return STANDARD_OUTPUT;
    const opened = openSync(`/proc/self/fd/${STANDARD_OUTPUT}`, O_WRONLY | O_NONBLOCK);
    if (fstatSync(opened).isFIFO()) return opened;
    closeSync(opened);
  } catch {
    // a system without /proc, or a user who may not open it
  }
  return STANDARD_OUTPUT;
}

/** Whatever else fails is not worth the gateway: nobody reads any more, or the disk is full, or broken. */
function writeTo(file: number): Output {
  return (bytes) => {
    try {
      return writeSync(file, bytes);
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EAGAIN" ? 0 : "lost";
    }
  };
}
