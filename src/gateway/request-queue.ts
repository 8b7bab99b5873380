/** The request queue of a connection: frames wait for their turn. A long queue stops reading from the client. */
import type { WebSocket } from "ws";
import type { Request } from "../session/requests.js";

/** A frame, or a request that the node makes for the client. */
export type Waiting = Buffer | Request;

/** Backpressure: with more frames than this in the queue, the client is not read from. */
const MAX_WAITING = 64;

export class RequestQueue {
  #waiting: Waiting[] = [];
  #webSocket: WebSocket | undefined;

  /** @param webSocket is not read from while the queue is long */
  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
  }

  /** Returns how many wait now. */
  push(waiting: Waiting): number {
    this.#waiting.push(waiting);
    if (this.isLong) this.#webSocket?.pause();
    return this.#waiting.length;
  }

  /** Whether so many wait that the client is not read from. */
  get isLong(): boolean {
    return this.#waiting.length > MAX_WAITING;
  }

  /** The next one, which stays in the queue. */
  get first(): Waiting | undefined {
    return this.#waiting[0];
  }

  /** The one behind it. */
  get second(): Waiting | undefined {
    return this.#waiting[1];
  }

  /** Drops those behind the next one that are the same, byte for byte. Returns how many. */
  skipSame(): number {
    const { first } = this;
    if (!Buffer.isBuffer(first)) return 0;
    const next = this.#waiting.findIndex((each) => !Buffer.isBuffer(each) || !each.equals(first));
    const end = next < 0 ? this.#waiting.length : next;
    return this.#waiting.splice(1, end - 1).length;
  }

  /** Takes the next one. To be called when its turn has come: see `allowedFrame`. */
  shift(): Waiting | undefined {
    if (this.#webSocket?.isPaused === true && this.#waiting.length < MAX_WAITING / 2) {
      this.#webSocket.resume();
    }
    return this.#waiting.shift();
  }

  /** The client is not read from any more. */
  close(): void {
    this.#webSocket?.pause();
  }

  /** Drops everything in the queue. */
  clear(): void {
    this.#waiting = [];
  }
}
