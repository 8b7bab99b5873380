/**
 * The outbox of a connection: frames queued in the same moment leave in one write, and a reader
 * that does not keep up is cut before its queue costs the others anything.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

export interface OutboxLimits {
  /** More unsent bytes than this when the next frame is due, and the reader is cut. */
  readonly maxBytes: number;
  /** Unsent bytes of which none was taken for this long, and the reader is cut. */
  readonly maxStallMs: number;
}

export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #onCut: (why: "overfull" | "stalled") => void;
  readonly #options: { binary: boolean; compress: false; fin: true };
  #webSocket: WebSocket | undefined;
  #socket: Socket | undefined;
  /** While frames are held back. */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  #isCorked = false;
  #isCut = false;
  #taken = 0;
  #takenAt: number | undefined;

  /**
   * Holds frames back until {@link release}.
   *
   * @param onCut the reader does not keep up: its connection is to be ended
   */
  constructor(
    limits: OutboxLimits,
    frames: "binary" | "text",
    onCut: (why: "overfull" | "stalled") => void,
  ) {
    this.#limits = limits;
    this.#options = { binary: frames === "binary", compress: false, fin: true };
    this.#onCut = onCut;
  }

  attach(webSocket: WebSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
    if (this.#isCut) this.#onCut("overfull"); // there was no connection to be cut yet
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#heldBytes = 0;
    for (const frame of held) this.send(frame);
  }

  /** Forgets what was held back. */
  clear(): void {
    if (this.#held !== undefined) this.#held = [];
    this.#heldBytes = 0;
  }

  /** Queues a frame behind all others, those held back included. */
  push(frame: Uint8Array): void {
    if (this.#held === undefined) return this.send(frame);
    if (this.#isCut) return;
    if (this.#isOverfull) return this.#cut("overfull");
    this.#held.push(frame);
    this.#heldBytes += frame.length;
  }

  /** Resolves when a good part of the queue is free, or the connection is gone. */
  async untilRoom(): Promise<void> {
    while (this.#socket?.writable === true && this.#unsentBytes > this.#limits.maxBytes / 4) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Queues a frame; it leaves at the end of this turn of the event loop. */
  send(frame: Uint8Array): void {
    if (this.#isCut || this.#socket === undefined || this.#webSocket?.readyState !== 1) return;
    // one answer alone may be larger than all that a slow reader may owe
    if (this.#isOverfull) return this.#cut("overfull");
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(this.#flush);
    }
    this.#webSocket.send(frame, this.#options);
  }

  /** Cuts a reader that has taken nothing for too long. To be called now and then; steady clock, ms. */
  checkPace(now: number): void {
    if (this.#socket === undefined) return;
    const unsent = this.#socket.writableLength;
    const taken = this.#socket.bytesWritten - unsent;
    if (unsent === 0 || taken !== this.#taken || this.#takenAt === undefined) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    if (now - this.#takenAt > this.#limits.maxStallMs) this.#cut("stalled");
  }

  get #unsentBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#heldBytes;
  }

  get #isOverfull(): boolean {
    return this.#unsentBytes > this.#limits.maxBytes;
  }

  #cut(why: "overfull" | "stalled"): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#onCut(why);
  }

  readonly #flush = (): void => {
    this.#isCorked = false;
    this.#socket?.uncork();
  };
}
