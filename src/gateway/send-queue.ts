/**
 * The send queue of a connection: frames that are queued in the same moment leave in one write (write coalescing), and
 * a slow reader is cut before its queue costs the others anything.
 *
 * Frames are written to the socket directly, not through ws, whose sender has no queue of its own without compression;
 * control frames and the close are left to ws. ARCHITECTURE.md, libraries' internals.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { joined, type Frame } from "./frame.js";
import type { Writer, WriteCoalescer } from "./write-coalescer.js";

/** When frames leave: those for this client alone, and those that everybody gets. */
export interface Windows {
  readonly own: WriteCoalescer;
  readonly broadcast: WriteCoalescer;
}

export interface SendQueueLimits {
  /** With more unsent bytes than this when the next frame is due, the reader is cut. */
  readonly maxBytes: number;
  /** If none of the unsent bytes was read for this long, the reader is cut. */
  readonly maxStallMs: number;
}

/** With more queued bytes than this, they are written at once. */
const FLUSHED_AT_BYTES = 65_536;
/** How often a catch-up looks whether there is room for its next page. */
const ROOM_CHECK_MS = 20;

export class SendQueue implements Writer {
  readonly #limits: SendQueueLimits;
  readonly #onCut: (why: "overfull" | "stalled") => void;
  readonly #windows: Windows;
  #webSocket: WebSocket | undefined;
  #socket: Socket | undefined;
  /** Frames that are held back; undefined while none are. */
  #corked: Frame[] | undefined = [];
  #corkedBytes = 0;
  /** To be written at the end of a window. */
  #queued: Frame[] = [];
  /** The window that they wait for. With one of its own, the client does not wait for that of everybody. */
  #waitsFor: keyof Windows | undefined;
  #queuedBytes = 0;
  /**
   * Cut: `onCut` was called, and nothing is queued any more. Known here before the session knows: its other effects of
   * this moment are still to come. Afterwards the session's state says the same, and sends nothing.
   */
  #state: "writing" | "cut" = "writing";
  #taken = 0;
  #takenAt: number | undefined;

  /**
   * Corked until the first {@link uncork}.
   *
   * @param onCut the reader is too slow: its connection must be ended
   */
  constructor(
    limits: SendQueueLimits,
    windows: Windows,
    onCut: (why: "overfull" | "stalled") => void,
  ) {
    this.#limits = limits;
    this.#windows = windows;
    this.#onCut = onCut;
  }

  attach(webSocket: WebSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  cork(): void {
    this.#corked ??= [];
  }

  uncork(): void {
    const held = this.#corked ?? [];
    this.#corked = undefined;
    this.#corkedBytes = 0;
    for (const frame of held) this.send(frame);
  }

  /** Drops the frames that are held back. */
  clear(): void {
    if (this.#corked !== undefined) this.#corked = [];
    this.#corkedBytes = 0;
  }

  /** Queues a frame, if there is one, behind all others, including those that are held back. */
  push(frame: Frame | undefined, window: keyof Windows = "own"): void {
    if (frame === undefined) return;
    if (this.#corked === undefined) return this.send(frame, window);
    if (this.#state === "cut") return;
    if (this.#isOverfull) return this.#cut("overfull");
    this.#corked.push(frame);
    this.#corkedBytes += frame.length;
  }

  /** Backpressure: resolves when most of the queue is free, or the connection is closed. */
  async untilRoom(): Promise<void> {
    while (this.#socket?.writable === true && this.#unsentBytes > this.#limits.maxBytes / 4) {
      await new Promise((resolve) => setTimeout(resolve, ROOM_CHECK_MS));
    }
  }

  /** Queues a frame, if there is one, ahead of those that are held back. It leaves at the end of the window. */
  send(frame: Frame | undefined, window: keyof Windows = "own"): void {
    if (frame === undefined) return;
    if (this.#state === "cut" || this.#socket === undefined) return;
    if (this.#webSocket?.readyState !== 1) return;
    // compared before this frame is added: one answer alone may exceed the limit
    if (this.#isOverfull) return this.#cut("overfull");
    this.#queued.push(frame);
    this.#await(window);
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > FLUSHED_AT_BYTES) this.flush(); // a fast reader takes it without delay
  }

  /** Writes the queued frames: at the end of a window, and before the connection is closed. */
  flush(): void {
    const frames = this.#queued;
    if (frames.length === 0) return;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#waitsFor = undefined;
    if (this.#webSocket?.readyState !== 1) return; // nothing may follow a close frame
    this.#socket?.write(joined(frames));
  }

  /** Cuts a reader that has read nothing for too long. To be called regularly; steady clock, ms. */
  checkPace(now: number): void {
    if (this.#socket === undefined) return;
    const unsent = this.#socket.writableLength; // queued frames do not count: they leave within a window
    const taken = this.#socket.bytesWritten - unsent;
    if (unsent === 0 || taken !== this.#taken || this.#takenAt === undefined) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    if (now - this.#takenAt > this.#limits.maxStallMs) this.#cut("stalled");
  }

  #await(window: keyof Windows): void {
    if (this.#waitsFor === window || this.#waitsFor === "own") return;
    this.#waitsFor = window;
    this.#windows[window].queue(this);
  }

  get #unsentBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#queuedBytes + this.#corkedBytes;
  }

  get #isOverfull(): boolean {
    return this.#unsentBytes > this.#limits.maxBytes;
  }

  #cut(why: "overfull" | "stalled"): void {
    if (this.#state === "cut") return;
    this.#state = "cut";
    this.#onCut(why);
  }
}
