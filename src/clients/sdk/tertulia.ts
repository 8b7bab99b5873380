/** The SDK's face: `connect` to a chat, be told, and tell. */
import type { Events } from "../../wire/json-schema.js";
import type { TertuliaError } from "./error.js";
import { Emitter } from "./emitter.js";
import type {
  Cursors,
  HistoryPage,
  PresenceView,
  Published,
  ReadMark,
  State,
  Status,
  TertuliaEvents,
} from "./events.js";
import { Inbox } from "./inbox.js";
import { Line, whyClosed } from "./line.js";
import type { Link, Told } from "./link.js";
import { Outbox } from "./outbox.js";
import type { CallOptions, ConnectOptions, HistoryOptions, PublishOptions } from "./options.js";
import { ownWebSocket, randomId } from "./platform.js";
import { Presence } from "./presence.js";
import { onWake } from "./wake.js";

export { TertuliaError, type TertuliaErrorCode } from "./error.js";
export type * from "./events.js";
export type * from "./options.js";
export type { WebSocketConstructor, WebSocketLike } from "./web-socket.js";

const TYPING_EVERY_MS = 3_000;

/**
 * Joins a chat and stays in it until it is closed: connects, comes back when the connection is lost,
 * and goes on where it was.
 * @param url `ws:` or `wss:`; several are tried in turn.
 */
export function connect(url: string | readonly string[], options: ConnectOptions): Tertulia {
  return new Tertulia(url, options);
}

/** One user's place in a chat, through any number of connections. */
export class Tertulia {
  readonly name: string;
  /** Lets this user come back to the name while it is held; worth keeping where `cursors` is kept. */
  readonly key: string;
  readonly #emitter = new Emitter();
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #line: Line;
  readonly #stopListening: () => void;
  readonly #typedMs = new Map<string, number>();
  #link: Link | undefined;
  /** What this user chose, here or on another device. Only busy outlives a connection. */
  #status: Status;

  constructor(url: string | readonly string[], options: ConnectOptions) {
    const { client, signal } = options;
    // some keyboards spell é in two characters, which is refused (PROTOCOL.md, names and texts)
    const name = options.name.normalize("NFC");
    signal?.throwIfAborted();
    this.name = name;
    this.key = options.key ?? randomId();
    this.#status = options.isBusy === true ? "busy" : "active";
    this.#outbox = new Outbox(options.outboxLimit ?? 1_000);
    this.#inbox = new Inbox({
      cursors: options.cursors ?? {},
      deliver: (message) => this.#emitter.emit("message", message),
      gap: (gap) => this.#emitter.emit("gap", gap),
      fetch: (conv, after) => this.history(conv, { after, limit: 200 }),
    });
    this.#presence = new Presence(this.#outbox, (change) => {
      this.#status = new Map(change.set).get(name) ?? this.#status;
      this.#emitter.emit("presence", change);
    });
    this.#line = new Line({
      urls: [url].flat(),
      WebSocket: options.WebSocket ?? ownWebSocket(),
      timing: {
        openWithinMs: 10_000,
        pingAfterMs: 20_000,
        pongWithinMs: 10_000,
        ...options.timing,
      },
      isComingBack: options.key !== undefined,
      hello: () => ({
        type: "hello",
        name,
        key: this.key,
        status: this.#status === "busy" ? "busy" : undefined,
        client,
        resume: this.#inbox.resume(),
      }),
      changed: (state) => this.#changed(state),
      opened: (link, welcome) => this.#opened(link, welcome),
      lost: () => {
        this.#link = undefined;
        this.#outbox.lost();
      },
      told: (event) => this.#told(event),
      failed: (error) => this.#emitter.emit("error", error),
    });
    this.#stopListening = onWake(() => this.#line.wake());
    signal?.addEventListener("abort", () => void this.#line.close("aborted"), { once: true });
  }

  /** Who is connected; empty until `watch` is called. */
  get presence(): PresenceView {
    return this.#presence;
  }

  get state(): State {
    return this.#line.state;
  }

  /** Where each conversation stands, the message being delivered included: to be stored, and given to `connect`. */
  get cursors(): Cursors {
    return this.#inbox.cursors;
  }

  /** How many requests wait for an answer. */
  get pending(): number {
    return this.#outbox.size;
  }

  /** Listens to one kind of event; returns what ends it. */
  on<Type extends keyof TertuliaEvents>(
    type: Type,
    listener: (event: TertuliaEvents[Type]) => void,
  ): () => void {
    return this.#emitter.on(type, listener);
  }

  /** Resolves when the connection is open; rejects when that will not be. */
  joined({ signal }: CallOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const look = (state: State): void => {
        if (state.name !== "open" && state.name !== "closed") return;
        off();
        signal?.removeEventListener("abort", abort);
        if (state.name === "open") resolve();
        else reject(whyClosed(state));
      };
      const abort = (): void => {
        off();
        reject(signal?.reason as Error);
      };
      const off = this.on("state", look);
      signal?.addEventListener("abort", abort, { once: true });
      look(this.state);
    });
  }

  /**
   * Says something; resolves when it is stored. While the chat is away it waits, in order within its
   * conversation; however often it has to be sent, it is stored once.
   */
  async publish(conv: string, text: string, options: PublishOptions = {}): Promise<Published> {
    const mid = options.mid ?? randomId();
    this.#typedMs.delete(conv); // the next keystroke begins another message
    this.#inbox.begin(conv);
    const publishing = this.#outbox.do({
      request: { type: "publish", conv, mid, text },
      lane: conv,
      isStubborn: true,
      signal: options.signal,
    });
    const ok = await publishing.catch((error: unknown) => {
      if ((error as TertuliaError).code === "not_found") this.#inbox.neverBegan(conv);
      throw error;
    });
    return { conv, epoch: ok.epoch!, seq: ok.seq!, mid, ts: ok.ts! };
  }

  /** A page of what was said, oldest first. */
  async history(conv: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    const { before, after, limit = 50, signal } = options;
    const request = { type: "history", conv, before, after, limit } as const;
    const ok = await this.#outbox.do({ request, signal });
    const messages = (ok.messages ?? []).map((message) => Object.assign(message, { conv }));
    return { conv, epoch: ok.epoch!, messages, head: ok.head!, floor: ok.floor!, more: ok.more! };
  }

  /** How somebody is. Rejects with `not_found` if nobody ever had that name. */
  async user(name: string, { signal }: CallOptions = {}): Promise<Status | "disconnected"> {
    const ok = await this.#outbox.do({ request: { type: "user", user: name }, signal });
    return ok.status!;
  }

  /** Sets one's own status. Busy is said again at each return, until it is ended here or on another device. */
  async setStatus(status: Status, { signal }: CallOptions = {}): Promise<void> {
    await this.#outbox.do({
      request: { type: "status", status },
      lane: "status",
      signal,
      answered: () => void (this.#status = status),
    });
  }

  /** Moves the read mark forward, for all devices. */
  async markRead(conv: string, seq: number, { signal }: CallOptions = {}): Promise<ReadMark> {
    const ok = await this.#outbox.do({ request: { type: "read", conv, seq }, signal });
    return { conv, read: ok.read!, unread: ok.unread! };
  }

  /** Tells that one is writing; to be called at each keystroke: every three seconds one is told. */
  typing(conv: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#typedMs.get(conv) ?? -Infinity) < TYPING_EVERY_MS) return;
    this.#typedMs.set(conv, nowMs);
    this.#link?.ask({ type: "typing", conv }, () => {}); // may be lost, and nobody waits for it
  }

  /**
   * When waiting to try again: tries at once. Otherwise the connection is given up unless it shows a
   * sign of life within three seconds. In a browser done by itself when the network changes, or the
   * page comes back.
   */
  reconnectNow(): void {
    this.#line.wake();
  }

  /** Says bye: the name is free at once. What has no answer yet is rejected (`closed`). */
  close(): Promise<void> {
    return this.#line.close("bye");
  }

  #opened(link: Link, welcome: Events["welcome"]): void {
    this.#link = link;
    this.#typedMs.clear();
    const gaps = this.#inbox.welcome(welcome.conversations);
    this.#outbox.opened(link);
    this.#owns(this.#presence.askAgain());
    const { user, key, node, limits, conversations } = welcome;
    this.#emitter.emit("welcome", { user, key, node, limits, conversations });
    for (const gap of gaps) this.#emitter.emit("gap", gap);
  }

  #told(event: Exclude<Told, Events["goaway"]>): void {
    switch (event.type) {
      case "message":
        this.#inbox.message(strip(event));
        return;
      case "gap":
        this.#inbox.gap(strip(event));
        return;
      case "presence":
        this.#presence.told(event);
        return;
      case "read":
        this.#emitter.emit("read", strip(event));
        return;
      case "typing":
        this.#emitter.emit("typing", strip(event));
        return;
      default:
        event satisfies never;
    }
  }

  #changed(state: State): void {
    if (state.name === "closed") {
      this.#stopListening();
      this.#outbox.closed(whyClosed(state));
    }
    this.#emitter.emit("state", state);
  }

  /** For what nobody waits for; that the client was closed is no news. */
  #owns(promise: Promise<void>): void {
    promise.catch((error: TertuliaError) => {
      if (error.code !== "closed") this.#emitter.emit("error", error);
    });
  }
}

function strip<Event extends { type: string }>(event: Event): Omit<Event, "type"> {
  const { type: _, ...rest } = event;
  return rest;
}
