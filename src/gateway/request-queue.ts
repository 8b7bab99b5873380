/** The request queue of a connection: frames wait for their turn. A long queue stops reading from the client. */
import type { RawData, WebSocket } from "ws";
import type { Request } from "../session/requests.js";

/** A frame, or a request that the node makes for the client. */
export type Waiting = Buffer | Request;

/** Backpressure: with more frames than this in the queue, the client is not read from. */
const MAX_WAITING = 64;

export class RequestQueue {
  readonly #onWaiting: () => void;
  #waiting: Waiting[] = [];
  #webSocket: WebSocket | undefined;

  /** @param onWaiting there is something to take */
  constructor(onWaiting: () => void) {
    this.#onWaiting = onWaiting;
  }

  /** Queues all frames of the WebSocket from here on. */
  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    webSocket.on("message", (data: RawData) => this.push(data as Buffer));
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#waiting.length > MAX_WAITING) this.#webSocket?.pause();
    this.#onWaiting();
  }

  /** Takes the next one. To be called when the request before it is done. */
  shift(): Waiting | undefined {
    if (this.#webSocket?.isPaused === true && this.#waiting.length < MAX_WAITING / 2) {
      this.#webSocket.resume();
    }
    return this.#waiting.shift();
  }

  /** Drops everything in the queue. */
  clear(): void {
    this.#waiting = [];
  }
}
