/** JSON clients that connect, are welcomed, and say nothing. */
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";

const AT_ONCE = 50;
/** Until what a join leaves behind is over: its acknowledgement, its activity, its notices. */
const SETTLE_MS = 2_000;

export class Idlers {
  #sockets = [];
  #port;

  constructor(port) {
    this.#port = port;
  }

  /** So many more are connected and welcomed, and all is quiet. */
  async join(count) {
    for (let i = 0; i < count; i += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, count - i) }, () => this.#connect());
      await Promise.all(some);
    }
    await pause(SETTLE_MS);
  }

  leave() {
    for (const socket of this.#sockets) socket.terminate();
  }

  async #connect() {
    const name = `idle-${this.#sockets.length}`;
    const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/ws?name=${name}`, {
      perMessageDeflate: false,
    });
    this.#sockets.push(socket);
    const [first] = await once(socket, "message");
    if (JSON.parse(first).type !== "welcome") throw new Error(String(first));
  }
}
