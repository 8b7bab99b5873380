/** Keepalive: whether the client of a connection is alive. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Input } from "../session/inputs.js";
import { takenByKernel } from "./library-internals.js";
import { NOTHING, unacknowledgedBy, type Unacknowledged } from "./unacknowledged.js";

const PING_EVERY_MS = 25_000;
const SILENT_FOR_MS = 60_000;
/** How long a client may take to prove that it is alive. */
const PROOF_WITHIN_MS = 2_000;
/** A client that has sent something, or connected, so lately is alive. */
const FRESH_MS = 500;
/** After this, we look at what is unacknowledged. A client that cannot be pinged has closed by then, or is alive. */
const HALF_WAY_MS = 1_000;
/** A client that cannot be pinged is not nudged more often: it shows the frame to its user. */
const NUDGE_EVERY_MS = 10_000;
/** A kernel retransmits at least so often in that time. */
const RESENT_IN_VAIN = 2;
const STEP_MS = 250;

export class Keepalive {
  readonly #machine: { put(input: Input): void };
  #webSocket: WebSocket | undefined;
  #socket: Socket | undefined;
  #unacknowledgedBy = unacknowledgedBy;
  #heardAt = performance.now();
  #pingedAt = performance.now();
  #nudgedAt = -Infinity;

  /** @param machine gets the input `cut` if the client is not alive */
  constructor(machine: { put(input: Input): void }) {
    this.#machine = machine;
  }

  /** @param unacknowledged what the client's machine has not acknowledged, as far as is known */
  attach(webSocket: WebSocket, socket: Socket, unacknowledged = unacknowledgedBy): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#unacknowledgedBy = unacknowledged;
    this.#heardAt = performance.now();
  }

  /** To be called when the client has sent anything. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** Pings the client regularly, and cuts it after a long silence. To be called regularly; steady clock, ms. */
  check(now: number): void {
    if (now - this.#heardAt > SILENT_FOR_MS)
      this.#machine.put({ type: "cut", why: "silent for too long" });
    else if (now - this.#pingedAt > PING_EVERY_MS) {
      this.#pingedAt = now;
      this.#webSocket?.ping();
    }
  }

  /**
   * Whether the client is alive. Pings it, and cuts it if it has not answered after two seconds, unless the ping
   * is still on its way: behind much data, on a slow line.
   */
  async answers(): Promise<boolean> {
    const [webSocket, socket] = [this.#webSocket, this.#socket];
    if (webSocket === undefined || socket === undefined || this.#isFresh) return true;
    const since = performance.now();
    webSocket.ping();
    const pingEnds = socket.bytesWritten;
    if (await this.#shows(webSocket, since, HALF_WAY_MS)) return true;
    const taken = await this.#takenBy(socket);
    if (await this.#shows(webSocket, since, PROOF_WITHIN_MS - HALF_WAY_MS)) return true;
    if (taken < pingEnds && taken < (await this.#takenBy(socket))) return true;
    this.#machine.put({ type: "cut", why: "did not answer when its name was contested" });
    return false;
  }

  /**
   * Whether the connection of a client that must not be pinged is still open a second after it was sent something. A
   * machine that does not know the connection answers with a reset; a client that has quit closes at the next frame. If
   * the machine acknowledges nothing, the client is cut. A client that hangs cannot be told from one that is silent.
   */
  async survives(nudge: () => void): Promise<boolean> {
    const webSocket = this.#webSocket;
    const now = performance.now();
    if (webSocket === undefined || this.#isFresh || now - this.#nudgedAt < NUDGE_EVERY_MS) {
      return true;
    }
    this.#nudgedAt = now;
    nudge();
    if (await this.#shows(webSocket, now, HALF_WAY_MS)) return true;
    if (webSocket.readyState !== WebSocket.OPEN) return false;
    if ((await this.#underWay()).resent === 0) return true;
    if (await this.#shows(webSocket, now, PROOF_WITHIN_MS - HALF_WAY_MS)) return true;
    if (webSocket.readyState === WebSocket.OPEN) {
      if ((await this.#underWay()).resent < RESENT_IN_VAIN) return true;
    }
    this.#machine.put({
      type: "cut",
      why: "its machine did not answer when its name was contested",
    });
    return false;
  }

  async #underWay(): Promise<Unacknowledged> {
    return this.#socket === undefined ? NOTHING : this.#unacknowledgedBy(this.#socket);
  }

  /** Bytes that the client's machine has acknowledged. */
  async #takenBy(socket: Socket): Promise<number> {
    const { bytes } = await this.#underWay();
    const taken = takenByKernel(socket) ?? socket.bytesWritten - socket.writableLength;
    return taken - bytes;
  }

  get #isFresh(): boolean {
    // while the node does not read from this socket, a pong cannot arrive either
    return this.#webSocket?.isPaused === true || performance.now() - this.#heardAt < FRESH_MS;
  }

  /**
   * Waits until the client sends anything after `since`. Time in which this process stood still does not count.
   */
  async #shows(webSocket: WebSocket, since: number, withinMs: number): Promise<boolean> {
    let wake = (): void => {};
    const sign = new Promise<void>((resolve) => (wake = resolve));
    const signs = ["message", "pong", "close"] as const;
    for (const each of signs) webSocket.on(each, wake);
    const isOpen = (): boolean => webSocket.readyState === WebSocket.OPEN;
    for (let leftMs = withinMs; leftMs > 0 && this.#heardAt < since && isOpen();) {
      const began = performance.now();
      await Promise.race([sign, pause(STEP_MS, undefined, { ref: false })]);
      await nextTurn(); // reads what has come
      leftMs -= Math.min(performance.now() - began, 2 * STEP_MS);
    }
    for (const each of signs) webSocket.off(each, wake);
    return this.#heardAt >= since;
  }
}
