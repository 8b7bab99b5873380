/**
 * A client of the run: a classic client that writes one message after the other, each only when the
 * last one was answered, records what happens, and comes back whenever its connection ends.
 */
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { frameOf } from "../wire/bytes.js";
import type { History } from "./history.js";
import type { Random } from "./random.js";

export interface ClientSettings {
  readonly name: string;
  /** Begins the ids of its messages; two clients may share a name, but not this. */
  readonly idPrefix: string;
  /** Whom it writes to, besides everybody. */
  readonly peers: readonly string[];
  /** Where gateways listen, as this client sees them. */
  readonly urls: readonly string[];
  /** Between an answer and the next message. */
  readonly thinkMs: number;
  /** How many of its messages go to everybody, from 0 to 1. */
  readonly general: number;
}

let sessions = 0;

/** An answer may take an operation's deadline and a bit more. */
const ANSWER_WITHIN_MS = 12_000;

export class Client {
  readonly settings: ClientSettings;
  readonly #history: History;
  readonly #random: Random;
  readonly #stop = new AbortController();
  #webSocket: WebSocket | undefined;
  #session = 0;
  #count = 0;
  #mayWrite = true;
  #answer: (what: "ok" | "fail" | "unknown" | "gone") => void = () => {};
  #awaited = "";
  #running: Promise<void> = Promise.resolve();

  constructor(settings: ClientSettings, history: History, random: Random) {
    this.settings = settings;
    this.#history = history;
    this.#random = random;
  }

  /** The number of its open session, or undefined. */
  get session(): number | undefined {
    return this.#webSocket === undefined ? undefined : this.#session;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Writes no more; goes on hearing, and coming back. */
  finishWriting(): void {
    this.#mayWrite = false;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#webSocket?.terminate();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      if (this.#webSocket === undefined) {
        const isOpen = await this.#connect();
        if (!isOpen) await this.#rest(this.#random.between(50, 250));
      } else if (this.#mayWrite) {
        await this.#write();
        if (this.settings.thinkMs > 0) await this.#rest(this.settings.thinkMs);
      } else await this.#rest(50);
    }
  }

  async #rest(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  async #connect(): Promise<boolean> {
    const gateway = Math.floor(this.#random.next() * this.settings.urls.length);
    const url = `${this.settings.urls[gateway]!}/?name=${this.settings.name}`;
    const webSocket = new WebSocket(url, { handshakeTimeout: 3_000, perMessageDeflate: false });
    return new Promise((resolve) => {
      webSocket.on("error", () => resolve(false)); // a refusal, or a connection that failed
      webSocket.on("open", () => {
        const session = ++sessions;
        this.#webSocket = webSocket;
        this.#session = session;
        this.#history.add({ kind: "open", session, name: this.settings.name, gateway });
        webSocket.on("message", (frame) => this.#hear(session, frame as Buffer));
        webSocket.on("close", () => {
          this.#history.add({ kind: "closed", session });
          if (this.#session !== session) return;
          this.#webSocket = undefined;
          this.#answer("gone");
        });
        resolve(true);
      });
    });
  }

  async #write(): Promise<void> {
    const { name, idPrefix, peers, general } = this.settings;
    const isGeneral = peers.length === 0 || this.#random.next() < general;
    const to = isGeneral ? "~" : this.#random.pick(peers);
    const conv = isGeneral ? "~" : [name, to].toSorted().join("|");
    const id = `${idPrefix}.${++this.#count}`;
    this.#history.add({ kind: "invoke", session: this.#session, id, conv });
    const answered = new Promise<"ok" | "fail" | "unknown" | "gone">((resolve) => {
      this.#answer = resolve;
    });
    this.#awaited = id;
    const timer = setTimeout(() => this.#answer("unknown"), ANSWER_WITHIN_MS);
    this.#webSocket!.send(frameOf(4, Buffer.from(to), Buffer.from(`${conv} ${id}`)));
    const outcome = await answered;
    clearTimeout(timer);
    this.#awaited = "";
    this.#history.add({ kind: outcome === "gone" ? "unknown" : outcome, id });
    // a connection that does not answer is given up, as people do
    if (outcome === "unknown") this.#webSocket?.terminate();
  }

  #hear(session: number, frame: Buffer): void {
    const [code, length] = frame as unknown as [number, number];
    if (code === 55) {
      const [conv, id] = frame.toString("latin1", 3 + length).split(" ") as [string, string];
      this.#history.add({ kind: "heard", session, id, conv });
      if (id === this.#awaited) this.#answer("ok");
    } else if (code === 53 || code === 54) {
      const name = frame.toString("latin1", 2, 2 + length);
      this.#history.add({ kind: "presence", session, name, status: frame[2 + length]! });
    } else if (code === 50) this.#answer(length === 6 ? "unknown" : "fail");
  }
}
