/**
 * The outbox of a connection: frames queued in the same moment leave in one write, and a reader
 * that does not keep up is found before its queue costs the others anything.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

export interface OutboxLimits {
  /** More unsent bytes than this, and the reader is too slow. */
  readonly maxBytes: number;
  /** Unsent bytes of which none was taken for this long, and the reader is too slow. */
  readonly maxStallMs: number;
}

export class Outbox {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #limits: OutboxLimits;
  #isCorked = false;
  #taken = 0;
  #takenAt: number | undefined;

  constructor(webSocket: WebSocket, socket: Socket, limits: OutboxLimits) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limits = limits;
  }

  /** Queues a binary frame; it leaves at the end of this turn of the event loop. */
  send(frame: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      setImmediate(this.#flush);
    }
    this.#webSocket.send(frame, SEND_OPTIONS);
  }

  get isOverfull(): boolean {
    return this.#socket.writableLength > this.#limits.maxBytes;
  }

  /** Whether the reader has taken nothing for too long. To be asked now and then; steady clock, ms. */
  isStalled(now: number): boolean {
    const unsent = this.#socket.writableLength;
    const taken = this.#socket.bytesWritten - unsent;
    if (unsent === 0 || taken !== this.#taken || this.#takenAt === undefined) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return now - this.#takenAt > this.#limits.maxStallMs;
  }

  readonly #flush = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };
}

const SEND_OPTIONS = { binary: true, compress: false, fin: true } as const;
