/**
 * A broadcast: the frames of a window that are for everybody, kept once for all sessions of a dialect that get every
 * one of them. A frame costs the same for one session as for thousands, until the window ends and each socket is
 * written to.
 */
import type { Dialect } from "../wire/dialect.js";
import type { Frame } from "./frame.js";
import type { Gatherer, Window } from "../window.js";

/** With more bytes than this, they are written at once. */
const FLUSHED_AT_BYTES = 65_536;

/** What a listener has not got yet: the last frames of the window. */
export interface Pending {
  /** In one buffer, shared by all listeners that have the same to get: it must not be changed. */
  readonly joined: Buffer;
  /** Of all frames but the last. */
  readonly bytesBeforeLast: number;
}

export class Broadcast implements Gatherer {
  readonly dialect: Dialect;
  readonly #listeners = new Set<Gatherer>();
  /** At the end of each of them it is flushed, if it was not before. */
  readonly #windows = new Set<Pick<Window, "queue">>();
  /** Of this window. All frames are numbered, in all windows; these begin with number `#first`. */
  #frames: Frame[] = [];
  #first = 0;
  #bytes = 0;
  /** By the number of their first frame. Most listeners have all frames of the window to get. */
  readonly #pending = new Map<number, Pending>();

  constructor(dialect: Dialect) {
    this.dialect = dialect;
  }

  /** The number of the next frame. */
  get end(): number {
    return this.#first + this.#frames.length;
  }

  /** The listener gets the frames from number `end` on. It takes them when it is flushed, or before. */
  add(listener: Gatherer): void {
    this.#listeners.add(listener);
  }

  delete(listener: Gatherer): void {
    this.#listeners.delete(listener);
  }

  /**
   * Sends a frame, if there is one in this dialect, to all listeners: at the end of this window, with a later frame whose
   * window ends before, or at once if there are many bytes by then. Returns how many listeners get it.
   */
  push(frameFor: (dialect: Dialect) => Frame | undefined, window: Pick<Window, "queue">): number {
    const { size } = this.#listeners;
    const frame = size > 0 ? frameFor(this.dialect) : undefined;
    if (frame === undefined) return 0;
    this.#pending.clear();
    this.#frames.push(frame);
    if (!this.#windows.has(window)) {
      this.#windows.add(window);
      window.queue(this);
    }
    this.#bytes += frame.length;
    if (this.#bytes > FLUSHED_AT_BYTES) this.flush();
    return size;
  }

  /** The frames from this number on. */
  framesFrom(number: number): readonly Frame[] {
    return this.#frames.slice(Math.max(0, number - this.#first));
  }

  /** The same, joined; undefined if there are none. */
  pendingFrom(number: number): Pending | undefined {
    const from = Math.max(number, this.#first);
    if (from >= this.end) return undefined;
    const known = this.#pending.get(from);
    if (known !== undefined) return known;
    const frames = this.framesFrom(from);
    const joined = frames.length === 1 ? frames[0]! : Buffer.concat(frames);
    const pending = { joined, bytesBeforeLast: joined.length - frames.at(-1)!.length };
    this.#pending.set(from, pending);
    return pending;
  }

  /** Ends the window: each listener takes what it has not got. */
  flush(): void {
    if (this.#frames.length === 0) return; // they have left before
    for (const listener of this.#listeners) listener.flush();
    this.#windows.clear();
    this.#first = this.end;
    this.#frames = [];
    this.#bytes = 0;
    this.#pending.clear();
  }
}
