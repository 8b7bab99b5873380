/** The pulse of a connection: whether its client is there. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";

const PING_EVERY_MS = 25_000;
const SILENT_FOR_MS = 60_000;
/** How long a client may take to show that it is there. */
const PROOF_WITHIN_MS = 1_500;
/** A client that was heard, or has connected, so lately is there. */
const FRESH_MS = 500;
/** How long the end of a connection that cannot be pinged is waited for. */
const NUDGED_FOR_MS = 1_000;
/** Such a one is not nudged more often: its client shows what it is told. */
const NUDGE_EVERY_MS = 10_000;
/** So often a kernel sends again in that time at least. */
const RESENT_IN_VAIN = 2;
const STEP_MS = 250;

export class Pulse {
  readonly #cut: (why: string) => void;
  #webSocket: WebSocket | undefined;
  #heardAt = performance.now();
  #pingedAt = performance.now();
  #nudgedAt = -Infinity;

  /** @param cut ends a connection whose client is not there */
  constructor(cut: (why: string) => void) {
    this.#cut = cut;
  }

  attach(webSocket: WebSocket): void {
    this.#webSocket = webSocket;
    this.#heardAt = performance.now();
    const isAlive = (): void => void (this.#heardAt = performance.now());
    webSocket.on("message", isAlive);
    webSocket.on("pong", isAlive);
  }

  /** Pings it now and then, and cuts it after a long silence. To be called now and then; steady clock, ms. */
  check(now: number): void {
    if (now - this.#heardAt > SILENT_FOR_MS) this.#cut("silent for too long");
    else if (now - this.#pingedAt > PING_EVERY_MS) {
      this.#pingedAt = now;
      this.#webSocket?.ping();
    }
  }

  /** Whether the client is there. Pings it; it is cut if it has not answered in time. */
  async answers(): Promise<boolean> {
    const webSocket = this.#webSocket;
    if (webSocket === undefined || this.#isFresh) return true;
    webSocket.ping();
    if (await this.#shows(webSocket, PROOF_WITHIN_MS)) return true;
    this.#cut("did not answer when its name was contested");
    return false;
  }

  /**
   * Whether the connection of a client that must not be pinged has not ended, a second after it was told something. A
   * machine that knows nothing of the connection answers with its end; so does a client that has quit, and
   * waits only for the next frame. If a machine acknowledges nothing for longer than that, the client is cut.
   * One that hangs for good cannot be told from one that is silent.
   *
   * @param resent how often what is not acknowledged was sent again, as far as is known
   */
  async survives(nudge: () => void, resent: () => Promise<number>): Promise<boolean> {
    const webSocket = this.#webSocket;
    const now = performance.now();
    if (webSocket === undefined || this.#isFresh || now - this.#nudgedAt < NUDGE_EVERY_MS) {
      return true;
    }
    this.#nudgedAt = now;
    nudge();
    if (await this.#shows(webSocket, NUDGED_FOR_MS)) return true;
    if (webSocket.readyState !== WebSocket.OPEN) return false;
    if ((await resent()) === 0) return true;
    if (await this.#shows(webSocket, PROOF_WITHIN_MS - NUDGED_FOR_MS)) return true;
    if (webSocket.readyState === WebSocket.OPEN && (await resent()) < RESENT_IN_VAIN) return true;
    this.#cut("its machine did not answer when its name was contested");
    return false;
  }

  get #isFresh(): boolean {
    // a flood has to wait, and so has a pong behind it
    return this.#webSocket?.isPaused === true || performance.now() - this.#heardAt < FRESH_MS;
  }

  /** Waits for anything from the client. That this process stood still is not time in which it could be heard. */
  async #shows(webSocket: WebSocket, withinMs: number): Promise<boolean> {
    const since = performance.now();
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
