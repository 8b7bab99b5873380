/**
 * A JSON client of the run, on the SDK, which connects again by itself. It sends messages and records what it
 * hears. For the rules all its connections are one session, which must hear everything once.
 */
import { setTimeout as pause } from "node:timers/promises";
import {
  connect,
  TertuliaError,
  type Message,
  type Tertulia,
} from "#tertulia/clients/sdk/tertulia.js";
import { nextSession, type ClientSettings, type RunClient } from "./client.js";
import type { History } from "./history.js";
import { ANY_GATEWAY } from "./rules/run-history.js";
import type { Random } from "./random.js";

export class SdkClient implements RunClient {
  readonly settings: ClientSettings;
  readonly #history: History;
  readonly #random: Random;
  readonly #stop = new AbortController();
  #tertulia: Tertulia | undefined;
  #session = 0;
  #count = 0;
  #mayWrite = true;
  #running: Promise<void> = Promise.resolve();

  constructor(settings: ClientSettings, history: History, random: Random) {
    this.settings = settings;
    this.#history = history;
    this.#random = random;
  }

  get session(): number | undefined {
    const isDone = this.#tertulia?.state.name === "open" && this.#tertulia.pending === 0;
    return isDone ? this.#session : undefined;
  }

  start(): void {
    const { name, urls, credentials } = this.settings;
    const first = Math.floor(this.#random.next() * urls.length);
    const options = { name, ...credentials.options };
    const tertulia = connect([...urls.slice(first), ...urls.slice(0, first)], options);
    this.#tertulia = tertulia;
    const off = tertulia.on("welcome", () => {
      off();
      this.#beginSession();
    });
    tertulia.on("message", (message) => this.#hear(message));
    // after a gap (a failover took messages back, or they expired) a new session begins for the rules
    tertulia.on("gap", () => this.#beginSession());
    this.#running = this.#run(tertulia);
  }

  finishWriting(): void {
    this.#mayWrite = false;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#tertulia?.close();
    await this.#running;
  }

  async #run(tertulia: Tertulia): Promise<void> {
    const { signal } = this.#stop;
    await tertulia.joined({ signal }).catch(() => {});
    while (!signal.aborted) {
      if (this.#mayWrite) await this.#write(tertulia);
      await pause(this.#mayWrite ? this.settings.thinkMs : 50, undefined, { signal }).catch(
        () => {},
      );
    }
  }

  #beginSession(): void {
    if (this.#session !== 0) this.#history.add({ kind: "closed", session: this.#session });
    this.#session = nextSession();
    const { name } = this.settings;
    this.#history.add({ kind: "open", session: this.#session, name, gateway: ANY_GATEWAY });
  }

  async #write(tertulia: Tertulia): Promise<void> {
    const { name, idPrefix, peers, general, rate } = this.settings;
    const to = this.#random.next() < general ? "~" : this.#random.pick(peers);
    const conv = to === "~" ? "~" : [name, to].toSorted().join("|");
    const burst = this.#random.next() < 0.2 ? 4 : 1;
    const began = performance.now();
    const publishing = Array.from({ length: burst }, async () => {
      const id = `${idPrefix}.${++this.#count}`;
      this.#history.add({ kind: "invoke", session: this.#session, id, conv });
      try {
        await tertulia.publish(to === "~" ? "~" : `@${to}`, `${conv} ${id}`);
        this.#history.add({ kind: "ok", id });
      } catch (error) {
        const isRefused = error instanceof TertuliaError && error.code === "not_found";
        this.#history.add({ kind: isRefused ? "fail" : "unknown", id });
      }
    });
    await Promise.all(publishing);
    const wait = (burst / rate) * 1_000 - (performance.now() - began);
    if (wait > 0) await pause(wait, undefined, { signal: this.#stop.signal }).catch(() => {});
  }

  #hear({ text }: Message): void {
    const [conv, id] = text.split(" ") as [string, string | undefined];
    if (id?.startsWith(this.settings.tag) !== true) return; // not of this run
    this.#history.add({ kind: "heard", session: this.#session, id, conv });
  }
}
