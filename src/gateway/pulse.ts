/** The pulse of a connection: pings it now and then, and cuts one that has been silent for too long. */
import type { WebSocket } from "ws";

const PING_EVERY_MS = 25_000;
const SILENT_FOR_MS = 60_000;

export class Pulse {
  #webSocket: WebSocket | undefined;
  #heardAt = performance.now();
  #pingedAt = performance.now();

  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    const isAlive = (): void => void (this.#heardAt = performance.now());
    webSocket.on("message", isAlive);
    webSocket.on("pong", isAlive);
  }

  /** To be called now and then; steady clock, ms. */
  check(now: number): void {
    if (now - this.#heardAt > SILENT_FOR_MS) this.#webSocket?.terminate();
    else if (now - this.#pingedAt > PING_EVERY_MS) {
      this.#pingedAt = now;
      this.#webSocket?.ping();
    }
  }
}
