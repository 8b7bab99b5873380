/** Behind the public class: wires the parts of a client, and passes on what each reports. */
import type { Events, Requests } from "../../wire/json-schema.js";
import { Credentials, type Shown } from "./credentials.js";
import type { Debug } from "./debug.js";
import { Emitter, callListener } from "./emitter.js";
import type { TertuliaError } from "./error.js";
import type { HistoryPage, Published, State, Status } from "./events.js";
import { MessageSequencer, PAGE } from "./message-sequencer.js";
import { CursorStorage } from "./cursor-storage.js";
import { NAME_RETURN_WITHIN_MS, Reconnector, whyClosed } from "./reconnector.js";
import type { Connection, ServerEvent } from "./connection.js";
import { checkOptions, checkUrls } from "./argument-checks.js";
import type {
  ConnectOptions,
  HistoryOptions,
  PublishOptions,
  StorageLike,
  Timing,
} from "./options.js";
import { RequestQueue } from "./request-queue.js";
import { builtInWebSocket, randomId } from "./platform.js";
import { Presence } from "./presence.js";
import { normalizeName } from "./normalize-name.js";
import { onWake } from "./wake.js";

const TIMING: Timing = {
  openWithinMs: 10_000,
  pingAfterMs: 10_000,
  pongWithinMs: 10_000,
  nameWithinMs: 6_000,
};
/** This client may hold the name already. */
const RETURNING = { nameWithinMs: NAME_RETURN_WITHIN_MS };
const TYPING_EVERY_MS = 3_000;

export class Engine {
  readonly name: string;
  readonly key: string;
  readonly emitter = new Emitter();
  readonly sequencer: MessageSequencer;
  readonly requests: RequestQueue;
  readonly presence: Presence;
  readonly reconnector: Reconnector;
  readonly credentials: Credentials;
  /** The status this user chose, here or on another device. Only busy survives a reconnect. */
  status: Status;
  readonly #storage: CursorStorage;
  readonly #stopListening: () => void;
  readonly #typingSentMs = new Map<string, number>();
  #connection: Connection | undefined;

  constructor(url: string | readonly string[], options: ConnectOptions) {
    const urls = checkUrls(url);
    checkOptions(options);
    const { client, signal, storage } = options;
    signal?.throwIfAborted();
    const name = normalizeName(options.name);
    const debug: Debug = (event) => options.debug && callListener(options.debug, event);
    this.#storage = new CursorStorage({
      storage,
      item: `tertulia ${urls.join(" ")} ${name}`,
      onError: (error) => debug({ type: "storage", error }),
    });
    this.credentials = new Credentials(options);
    const key = options.key ?? this.#storage.key;
    const keep = keepsName(options) ? undefined : false;
    this.name = name;
    this.status = options.isBusy === true ? "busy" : "active";
    this.key = key ?? randomId();
    this.requests = new RequestQueue(options.outboxLimit ?? 1_000, (isAble) =>
      this.reconnector.onServed(isAble),
    );
    this.sequencer = new MessageSequencer({
      cursors: options.cursors ?? this.#storage.cursors,
      deliver: (message) => {
        this.emitter.emit("message", message);
        this.#saveCursors();
      },
      gap: (gap) => {
        this.emitter.emit("gap", gap);
        this.#saveCursors();
      },
      fetch: (conv, after) => this.history(conv, { after, limit: PAGE }),
    });
    this.#saveCursors();
    this.presence = new Presence(this.requests, (change) => {
      this.status = new Map(change.set).get(name) ?? this.status;
      this.emitter.emit("presence", change);
    });
    const hello = (shown: Shown): Requests["hello"] => ({
      type: "hello",
      name,
      key: this.key,
      keep,
      ...shown,
      status: this.status === "busy" ? "busy" : undefined,
      client,
      resume: this.sequencer.resume(),
    });
    this.reconnector = new Reconnector({
      urls,
      WebSocket: options.WebSocket ?? builtInWebSocket(),
      timing: { ...TIMING, ...(key !== undefined && RETURNING), ...options.timing },
      hello: () => {
        const shown = this.credentials.shown();
        return shown instanceof Promise ? shown.then(hello) : hello(shown);
      },
      retryPolicyOf: (code) => this.credentials.retryPolicyOf(code),
      isRetryable: (error) => this.credentials.isRetryable(error),
      onState: (state) => this.#onState(state),
      onOpen: (connection, welcome) => this.#onOpen(connection, welcome),
      onLost: () => {
        this.#connection = undefined;
        this.credentials.stop();
        this.requests.lost();
      },
      onEvent: (event) => this.#onEvent(event),
      onError: (error) => this.emitter.emit("error", error),
      debug,
    });
    const abort = (): void => void this.reconnector.close("aborted");
    signal?.addEventListener("abort", abort);
    const stopWaking = onWake(() => this.reconnector.retryNow());
    this.#stopListening = () => {
      signal?.removeEventListener("abort", abort);
      stopWaking();
    };
  }

  async publish(conv: string, text: string, options: PublishOptions): Promise<Published> {
    const { mid = randomId(), signal, firstSentMs } = options;
    this.#typingSentMs.delete(conv); // the next keystroke begins another message
    this.sequencer.start(conv);
    const request = { type: "publish", conv, mid, text } as const;
    const publishing = this.requests.send({
      request,
      lane: conv,
      isRetried: true,
      signal,
      firstSentMs,
    });
    const ok = await publishing.catch((error: unknown) => {
      const { code } = error as TertuliaError;
      if (code === "not_found" || code === "away") this.sequencer.cancelStart(conv);
      throw error;
    });
    return { conv, epoch: ok.epoch!, seq: ok.seq!, mid, ts: ok.ts! };
  }

  async history(conv: string, options: HistoryOptions): Promise<HistoryPage> {
    const { before, after, limit = 50, signal } = options;
    const request = { type: "history", conv, before, after, limit } as const;
    const ok = await this.requests.send({ request, signal });
    const messages = (ok.messages ?? []).map((message) => Object.assign(message, { conv }));
    return { conv, epoch: ok.epoch!, messages, head: ok.head!, floor: ok.floor!, more: ok.more! };
  }

  typing(conv: string): void {
    const nowMs = performance.now();
    if (nowMs - (this.#typingSentMs.get(conv) ?? -Infinity) < TYPING_EVERY_MS) return;
    this.#typingSentMs.set(conv, nowMs);
    this.#connection?.request({ type: "typing", conv }, () => {}); // may be lost
  }

  #onOpen(connection: Connection, welcome: Events["welcome"]): void {
    this.#connection = connection;
    this.#typingSentMs.clear();
    const gaps = this.sequencer.welcome(welcome.conversations);
    this.requests.opened(connection);
    this.#reportFailure(this.presence.renew());
    this.credentials.welcomed(
      welcome,
      async (token) => (await this.requests.send({ request: { type: "refresh", token } })).expires,
      (error) => this.emitter.emit("error", error),
    );
    const { user, key, node, role, limits, conversations } = welcome;
    this.emitter.emit("welcome", { user, key, node, role, limits, conversations });
    for (const gap of gaps) this.emitter.emit("gap", gap);
    this.#saveCursors();
  }

  #onEvent(event: Exclude<ServerEvent, Events["goaway"]>): void {
    switch (event.type) {
      case "message":
        this.sequencer.message(withoutType(event));
        return;
      case "gap":
        this.sequencer.gap(withoutType(event));
        return;
      case "presence":
        this.presence.onEvent(event);
        return;
      case "read":
        this.emitter.emit("read", withoutType(event));
        return;
      case "typing":
        this.emitter.emit("typing", withoutType(event));
        return;
      default:
        event satisfies never;
    }
  }

  #onState(state: State): void {
    if (state.name === "closed") {
      this.#stopListening();
      this.credentials.stop();
      this.requests.closed(whyClosed(state));
    }
    this.emitter.emit("state", state);
  }

  /** Called after the listeners: after a crash, a message that they did not get comes again. */
  #saveCursors(): void {
    this.#storage.save(this.key, () => this.sequencer.resume());
  }

  /** Emits the failure of something that no caller waits for, unless the client was closed. */
  #reportFailure(promise: Promise<void>): void {
    promise.catch((error: TertuliaError) => {
      if (error.code !== "closed") this.emitter.emit("error", error);
    });
  }
}

function withoutType<Event extends { type: string }>(event: Event): Omit<Event, "type"> {
  const { type: _, ...rest } = event;
  return rest;
}

/** A key that is gone with the page, or the program, would lock its own user out. */
function keepsName({ keepsName, key, storage }: ConnectOptions): boolean {
  const { sessionStorage } = globalThis as { readonly sessionStorage?: StorageLike };
  return keepsName ?? (key !== undefined || (storage !== undefined && storage !== sessionStorage));
}
