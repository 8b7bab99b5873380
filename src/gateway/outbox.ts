/**
 * The outbox of a connection: frames queued in the same moment leave in one write, and a reader
 * that does not keep up is cut before its queue costs the others anything.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

export interface OutboxLimits {
  /** More unsent bytes than this, and the reader is cut. */
  readonly maxBytes: number;
  /** Unsent bytes of which none was taken for this long, and the reader is cut. */
  readonly maxStallMs: number;
}

export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #onCut: (why: "overfull" | "stalled") => void;
  #webSocket: WebSocket | undefined;
  #socket: Socket | undefined;
  /** While frames are held back. */
  #held: Uint8Array[] | undefined = [];
  #isCorked = false;
  #taken = 0;
  #takenAt: number | undefined;

  /** Holds frames back until {@link release}. */
  constructor(limits: OutboxLimits, onCut: (why: "overfull" | "stalled") => void) {
    this.#limits = limits;
    this.#onCut = onCut;
  }

  attach(webSocket: WebSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.send(frame);
  }

  /** Forgets what was held back. */
  clear(): void {
    if (this.#held !== undefined) this.#held = [];
  }

  /** Queues a frame behind all others, those held back included. */
  push(frame: Uint8Array): void {
    if (this.#held === undefined) this.send(frame);
    else this.#held.push(frame);
  }

  /** Queues a binary frame; it leaves at the end of this turn of the event loop. */
  send(frame: Uint8Array): void {
    if (this.#socket === undefined || this.#webSocket?.readyState !== 1) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(this.#flush);
    }
    this.#webSocket.send(frame, SEND_OPTIONS);
    if (this.#socket.writableLength > this.#limits.maxBytes) this.#cut("overfull");
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

  #cut(why: "overfull" | "stalled"): void {
    this.#onCut(why);
    // not close(): that would wait for the reader to take what it does not take
    this.#webSocket?.terminate();
  }

  readonly #flush = (): void => {
    this.#isCorked = false;
    this.#socket?.uncork();
  };
}

const SEND_OPTIONS = { binary: true, compress: false, fin: true } as const;
