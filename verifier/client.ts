/**
 * A classic client of the run. It sends a message, or a burst of them, waits for the answers, records
 * what happens, and connects again whenever its connection ends.
 */
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { frameOf } from "#tertulia/wire/bytes.js";
import { CODE, OP } from "./classic-numbers.js";
import type { Credentials } from "./credentials.js";
import type { History } from "./history.js";
import type { Random } from "./random.js";

export interface ClientSettings {
  readonly name: string;
  /** The ids of its messages begin with it. Two clients may share a name, but not this. */
  readonly idPrefix: string;
  /** The users that it writes to, besides everybody. */
  readonly peers: readonly string[];
  /** Where it connects. */
  readonly urls: readonly string[];
  /** All names and ids of the run begin with it. What others say is not recorded. */
  readonly tag: string;
  /** The time between an answer and the next message. */
  readonly thinkMs: number;
  /** The most messages a second. */
  readonly rate: number;
  /** How many of its messages go to everybody, from 0 to 1. */
  readonly general: number;
  readonly credentials: Credentials;
}

/** A client of the run, in any dialect. */
export interface RunClient {
  readonly settings: ClientSettings;
  /** The number of its open session; undefined if it has none or waits for answers. */
  readonly session: number | undefined;
  start(): void;
  /** Writes no more; goes on hearing, and coming back. */
  finishWriting(): void;
  close(): Promise<void>;
}

let sessions = 0;

/** A number that no session of this process has had. */
export function nextSession(): number {
  return ++sessions;
}

/** An answer may take an operation's deadline and a little more. */
const ANSWER_WITHIN_MS = 12_000;

export class Client implements RunClient {
  readonly settings: ClientSettings;
  readonly #history: History;
  readonly #random: Random;
  readonly #stop = new AbortController();
  #webSocket: WebSocket | undefined;
  #session = 0;
  #count = 0;
  #mayWrite = true;
  /** Ids of the burst that are not answered yet, in the order in which they were sent. */
  readonly #awaited = new Set<string>();
  #wake: () => void = () => {};
  #answer: (frame: Buffer) => void = () => {};
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

  /** Asks for the status of a user. One question at a time, when all is quiet. */
  async statusOf(name: string): Promise<number | undefined> {
    const answer = await this.#ask(frameOf(OP.lookup, Buffer.from(name)));
    return answer[0] === CODE.user ? answer.at(-1) : undefined;
  }

  /** Asks for the newest messages with a user: their ids, oldest first. One question at a time, when all is quiet. */
  async historyWith(name: string): Promise<string[]> {
    const answer = await this.#ask(frameOf(OP.history, Buffer.from(name)));
    const ids: string[] = [];
    for (let offset = 2; answer[0] === CODE.history && offset < answer.length;) {
      const text = offset + 1 + answer[offset]!;
      offset = text + 1 + answer[text]!;
      ids.push(answer.toString("latin1", text + 1, offset).split(" ")[1] ?? "");
    }
    return ids;
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
        const began = performance.now();
        const count = await this.#write();
        const due = (count * 1_000) / this.settings.rate - (performance.now() - began);
        const restMs = Math.max(due, this.settings.thinkMs);
        if (restMs > 0) await this.#rest(restMs);
      } else await this.#rest(50);
    }
  }

  async #rest(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  async #connect(): Promise<boolean> {
    const gateway = Math.floor(this.#random.next() * this.settings.urls.length);
    const { name, urls, credentials } = this.settings;
    const { query, headers } = credentials.request();
    const url = `${urls[gateway]!}/?name=${name}${query}`;
    // passwords take a while to be looked at, one after the other
    const handshakeTimeout = query === "" ? 3_000 : 10_000;
    const options = { handshakeTimeout, headers, perMessageDeflate: false };
    const webSocket = new WebSocket(url, options);
    const since = this.#history.now();
    let attempt: "unanswered" | "refused" | "open" = "unanswered";
    return new Promise((resolve) => {
      webSocket.on("unexpected-response", (_request, { statusCode = 0 }) => {
        // after 4xx the name is not claimed; after 503 it may be, for the gateway got no answer from Redis
        if (statusCode < 500) attempt = "refused";
        webSocket.terminate();
      });
      webSocket.on("error", () => {
        if (attempt === "unanswered") this.#history.add({ kind: attempt, name, gateway, since });
        resolve(false);
      });
      webSocket.on("open", () => {
        attempt = "open";
        const session = nextSession();
        this.#webSocket = webSocket;
        this.#session = session;
        this.#history.add({ kind: "open", session, name, gateway });
        webSocket.on("message", (frame) => this.#hear(session, frame as Buffer));
        webSocket.on("close", () => {
          this.#history.add({ kind: "closed", session });
          if (this.#session !== session) return;
          this.#webSocket = undefined;
          this.#giveUp("unknown");
        });
        resolve(true);
      });
    });
  }

  /** Returns how many messages it wrote. */
  async #write(): Promise<number> {
    const { name, idPrefix, peers, general } = this.settings;
    const isGeneral = peers.length === 0 || this.#random.next() < general;
    const to = isGeneral ? "~" : this.#random.pick(peers);
    const conv = isGeneral ? "~" : [name, to].toSorted().join("|");
    const burst = this.#random.next() < 0.2 ? 4 : 1;
    const webSocket = this.#webSocket!;
    const answered = new Promise<void>((resolve) => (this.#wake = resolve));
    for (let i = 0; i < burst; i++) {
      const id = `${idPrefix}.${++this.#count}`;
      this.#awaited.add(id);
      this.#history.add({ kind: "invoke", session: this.#session, id, conv });
      webSocket.send(frameOf(OP.send, Buffer.from(to), Buffer.from(`${conv} ${id}`)));
    }
    const timer = setTimeout(() => this.#giveUp("unknown"), ANSWER_WITHIN_MS);
    await answered;
    clearTimeout(timer);
    return burst;
  }

  /** An error does not say which message of a burst it is about: then the outcome of all is unknown. */
  #refused(outcome: "fail" | "unknown"): void {
    this.#giveUp(this.#awaited.size === 1 ? outcome : "unknown");
  }

  #giveUp(outcome: "fail" | "unknown"): void {
    const isLost = outcome === "unknown" && this.#awaited.size > 0;
    for (const id of this.#awaited) this.#history.add({ kind: outcome, id });
    this.#awaited.clear();
    this.#wake();
    // as a person would, it gives up a connection that does not answer
    if (isLost) this.#webSocket?.terminate();
  }

  #hear(session: number, frame: Buffer): void {
    const [code, length] = frame as unknown as [number, number];
    if (code === CODE.message) {
      const [conv = "", id = ""] = frame.toString("latin1", 3 + length).split(" ");
      if (!this.#isOfThisRun(id)) return;
      this.#history.add({ kind: "heard", session, id, conv });
      if (session !== this.#session || !this.#awaited.delete(id)) return;
      this.#history.add({ kind: "ok", id });
      if (this.#awaited.size === 0) this.#wake();
    } else if (code === CODE.registered || code === CODE.status) {
      const name = frame.toString("latin1", 2, 2 + length);
      if (!this.#isOfThisRun(name)) return;
      this.#history.add({ kind: "presence", session, name, status: frame[2 + length]! });
    } else if (code === CODE.error) this.#refused(length === 6 ? "unknown" : "fail");
    else this.#answer(frame);
  }

  #isOfThisRun(word: string): boolean {
    return word !== "" && word.startsWith(this.settings.tag);
  }

  /** Resolves with an empty answer if none comes. */
  #ask(request: Uint8Array): Promise<Buffer> {
    const answered = new Promise<Buffer>((resolve) => (this.#answer = resolve));
    this.#webSocket?.send(request);
    const silence = pause(ANSWER_WITHIN_MS, Buffer.alloc(0), { ref: false });
    return Promise.race([answered, silence]);
  }
}
