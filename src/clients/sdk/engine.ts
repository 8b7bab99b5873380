/** What is behind the face: puts the parts of a client together, and hands on what each one says. */
import type { Events } from "../../wire/json-schema.js";
import type { Debug } from "./debug.js";
import { Emitter, tell } from "./emitter.js";
import type { TertuliaError } from "./error.js";
import type { HistoryPage, Published, State, Status } from "./events.js";
import { MessageSequencer } from "./message-sequencer.js";
import { CursorStorage } from "./cursor-storage.js";
import { Reconnector, whyClosed } from "./reconnector.js";
import type { Connection, Told } from "./connection.js";
import { checkOptions, checkUrls } from "./misuse.js";
import type { ConnectOptions, HistoryOptions, PublishOptions, Timing } from "./options.js";
import { RequestQueue } from "./request-queue.js";
import { ownWebSocket, randomId } from "./platform.js";
import { Presence } from "./presence.js";
import { spelt } from "./spelling.js";
import { onWake } from "./wake.js";

const TIMING: Timing = {
  openWithinMs: 10_000,
  pingAfterMs: 10_000,
  pongWithinMs: 10_000,
  nameWithinMs: 6_000,
};
const TYPING_EVERY_MS = 3_000;

export class Engine {
  readonly name: string;
  readonly key: string;
  readonly emitter = new Emitter();
  readonly inbox: MessageSequencer;
  readonly outbox: RequestQueue;
  readonly presence: Presence;
  readonly line: Reconnector;
  /** What this user chose, here or on another device. Only busy outlives a connection. */
  status: Status;
  readonly #keeper: CursorStorage;
  readonly #stopListening: () => void;
  readonly #typedMs = new Map<string, number>();
  #link: Connection | undefined;

  constructor(url: string | readonly string[], options: ConnectOptions) {
    const urls = checkUrls(url);
    checkOptions(options);
    const { client, signal, storage } = options;
    signal?.throwIfAborted();
    const name = spelt(options.name);
    const debug: Debug = (event) => options.debug && tell(options.debug, event);
    this.#keeper = new CursorStorage({
      storage,
      item: `tertulia ${urls.join(" ")} ${name}`,
      failed: (error) => debug({ type: "storage", error }),
    });
    const key = options.key ?? this.#keeper.key;
    this.name = name;
    this.status = options.isBusy === true ? "busy" : "active";
    this.key = key ?? randomId();
    this.outbox = new RequestQueue(options.outboxLimit ?? 1_000, (isAble) =>
      this.line.served(isAble),
    );
    this.inbox = new MessageSequencer({
      cursors: options.cursors ?? this.#keeper.cursors,
      deliver: (message) => {
        this.emitter.emit("message", message);
        this.#keep();
      },
      gap: (gap) => {
        this.emitter.emit("gap", gap);
        this.#keep();
      },
      fetch: (conv, after) => this.history(conv, { after, limit: 200 }),
    });
    this.#keep();
    this.presence = new Presence(this.outbox, (change) => {
      this.status = new Map(change.set).get(name) ?? this.status;
      this.emitter.emit("presence", change);
    });
    this.line = new Reconnector({
      urls,
      WebSocket: options.WebSocket ?? ownWebSocket(),
      timing: { ...TIMING, ...options.timing },
      isComingBack: key !== undefined,
      hello: () => ({
        type: "hello",
        name,
        key: this.key,
        status: this.status === "busy" ? "busy" : undefined,
        client,
        resume: this.inbox.resume(),
      }),
      changed: (state) => this.#changed(state),
      opened: (link, welcome) => this.#opened(link, welcome),
      lost: () => {
        this.#link = undefined;
        this.outbox.lost();
      },
      told: (event) => this.#told(event),
      failed: (error) => this.emitter.emit("error", error),
      debug,
    });
    const abort = (): void => void this.line.close("aborted");
    signal?.addEventListener("abort", abort);
    const stopWaking = onWake(() => this.line.wake());
    this.#stopListening = () => {
      signal?.removeEventListener("abort", abort);
      stopWaking();
    };
  }

  async publish(conv: string, text: string, options: PublishOptions): Promise<Published> {
    const { mid = randomId(), signal, firstSentMs } = options;
    this.#typedMs.delete(conv); // the next keystroke begins another message
    this.inbox.begin(conv);
    const request = { type: "publish", conv, mid, text } as const;
    const errand = { request, lane: conv, isStubborn: true, signal, firstSentMs } as const;
    const publishing = this.outbox.do(errand);
    const ok = await publishing.catch((error: unknown) => {
      if ((error as TertuliaError).code === "not_found") this.inbox.neverBegan(conv);
      throw error;
    });
    return { conv, epoch: ok.epoch!, seq: ok.seq!, mid, ts: ok.ts! };
  }

  async history(conv: string, options: HistoryOptions): Promise<HistoryPage> {
    const { before, after, limit = 50, signal } = options;
    const request = { type: "history", conv, before, after, limit } as const;
    const ok = await this.outbox.do({ request, signal });
    const messages = (ok.messages ?? []).map((message) => Object.assign(message, { conv }));
    return { conv, epoch: ok.epoch!, messages, head: ok.head!, floor: ok.floor!, more: ok.more! };
  }

  typing(conv: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#typedMs.get(conv) ?? -Infinity) < TYPING_EVERY_MS) return;
    this.#typedMs.set(conv, nowMs);
    this.#link?.ask({ type: "typing", conv }, () => {}); // may be lost, and nobody waits for it
  }

  #opened(link: Connection, welcome: Events["welcome"]): void {
    this.#link = link;
    this.#typedMs.clear();
    const gaps = this.inbox.welcome(welcome.conversations);
    this.outbox.opened(link);
    this.#owns(this.presence.askAgain());
    const { user, key, node, limits, conversations } = welcome;
    this.emitter.emit("welcome", { user, key, node, limits, conversations });
    for (const gap of gaps) this.emitter.emit("gap", gap);
    this.#keep();
  }

  #told(event: Exclude<Told, Events["goaway"]>): void {
    switch (event.type) {
      case "message":
        this.inbox.message(strip(event));
        return;
      case "gap":
        this.inbox.gap(strip(event));
        return;
      case "presence":
        this.presence.told(event);
        return;
      case "read":
        this.emitter.emit("read", strip(event));
        return;
      case "typing":
        this.emitter.emit("typing", strip(event));
        return;
      default:
        event satisfies never;
    }
  }

  #changed(state: State): void {
    if (state.name === "closed") {
      this.#stopListening();
      this.outbox.closed(whyClosed(state));
    }
    this.emitter.emit("state", state);
  }

  /** After the listeners were told: what they have not had comes again after a crash. */
  #keep(): void {
    this.#keeper.keep(this.key, () => this.inbox.resume());
  }

  /** For what nobody waits for; that the client was closed is no news. */
  #owns(promise: Promise<void>): void {
    promise.catch((error: TertuliaError) => {
      if (error.code !== "closed") this.emitter.emit("error", error);
    });
  }
}

function strip<Event extends { type: string }>(event: Event): Omit<Event, "type"> {
  const { type: _, ...rest } = event;
  return rest;
}
