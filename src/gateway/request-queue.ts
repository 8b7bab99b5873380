/** The inbox of a connection: frames are carried out one after the other, and a flood has to wait. */
import type { RawData, WebSocket } from "ws";

/** Frames that wait to be carried out before the client is made to wait. */
const MAX_WAITING = 64;

export class RequestQueue {
  readonly #carryOut: (frame: Buffer) => Promise<void>;
  #waiting: Buffer[] = [];
  #working: Promise<void> = Promise.resolve();
  #isWorking = false;
  #webSocket: WebSocket | undefined;

  constructor(carryOut: (frame: Buffer) => Promise<void>) {
    this.#carryOut = carryOut;
  }

  /** Takes all messages of the connection from here on. */
  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    webSocket.on("message", (data: RawData) => this.push(data as Buffer));
  }

  push(frame: Buffer): void {
    this.#waiting.push(frame);
    if (this.#waiting.length > MAX_WAITING) this.#webSocket?.pause();
    void this.drain();
  }

  /** Ends when all that has come is carried out. */
  drain(): Promise<void> {
    if (!this.#isWorking) this.#working = this.#work();
    return this.#working;
  }

  /** Forgets what has not been carried out. */
  clear(): void {
    this.#waiting = [];
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    for (let frame = this.#waiting.shift(); frame !== undefined; frame = this.#waiting.shift()) {
      await this.#carryOut(frame);
      if (this.#webSocket?.isPaused && this.#waiting.length < MAX_WAITING / 2) {
        this.#webSocket.resume();
      }
    }
    // in the same breath as the look at the queue: a frame that comes now finds nobody at work
    this.#isWorking = false;
  }
}
