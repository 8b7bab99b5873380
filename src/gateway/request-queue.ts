/** The request queue of a connection: frames wait for their turn, and a flood has to wait. */
import type { RawData, WebSocket } from "ws";
import type { Request } from "../session/requests.js";

/** A frame, or what the node asks for its client. */
export type Waiting = Buffer | Request;

/** Frames that wait before the client is made to wait: backpressure. */
const MAX_WAITING = 64;

export class RequestQueue {
  readonly #onWaiting: () => void;
  #waiting: Waiting[] = [];
  #webSocket: WebSocket | undefined;

  /** @param onWaiting something waits, and may be taken */
  constructor(onWaiting: () => void) {
    this.#onWaiting = onWaiting;
  }

  /** Takes all messages of the connection from here on. */
  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    webSocket.on("message", (data: RawData) => this.push(data as Buffer));
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#waiting.length > MAX_WAITING) this.#webSocket?.pause();
    this.#onWaiting();
  }

  /** Takes the next one, when those before are done. */
  shift(): Waiting | undefined {
    if (this.#webSocket?.isPaused === true && this.#waiting.length < MAX_WAITING / 2) {
      this.#webSocket.resume();
    }
    return this.#waiting.shift();
  }

  /** Forgets what waits. */
  clear(): void {
    this.#waiting = [];
  }
}
