/** The public API of the SDK: `connect`, listen, publish. */
import { Engine } from "./engine.js";
import type {
  Cursors,
  ExportedData,
  HistoryPage,
  LoginSession,
  ModerationAct,
  PresenceView,
  Published,
  ReadMark,
  Sanction,
  State,
  Status,
  TertuliaEvents,
} from "./events.js";
import { exportData } from "./own-data.js";
import { eventStream, nextEvent } from "./async-events.js";
import { checkConv, checkEvent, checkSeq, checkStatus, checkText } from "./argument-checks.js";
import { audit, moderate, sanctions } from "./moderation.js";
import type {
  AuditOptions,
  CallOptions,
  ConnectOptions,
  EventsOptions,
  HistoryOptions,
  ModerateOptions,
  PublishOptions,
  RemoveOptions,
  SessionsOptions,
  UnregisterOptions,
} from "./options.js";

export { logIn, register } from "./accounts.js";
export { TertuliaError, type TertuliaErrorCode } from "./error.js";
export type { Debug, DebugEvent } from "./debug.js";
export type * from "./events.js";
export type * from "./options.js";
export type { WebSocketConstructor, WebSocketLike } from "./web-socket.js";

/**
 * Joins a chat and stays in it until it is closed: connects, reconnects when the connection is lost, and resumes.
 * @param url `ws:` or `wss:`; several are tried in turn.
 * @throws TypeError if an argument is missing or wrong; it says what to write.
 */
export function connect(url: string | readonly string[], options: ConnectOptions): Tertulia {
  return new Tertulia(url, options);
}

/** One user's place in a chat, through any number of connections. */
export class Tertulia {
  readonly #engine: Engine;

  constructor(url: string | readonly string[], options: ConnectOptions) {
    this.#engine = new Engine(url, options);
  }

  /** Your name. */
  get name(): string {
    return this.#engine.name;
  }

  /** Lets you come back to the name while it is held; keep it where you keep `cursors`. */
  get key(): string {
    return this.#engine.key;
  }

  /** The token of your login session, in a chat with accounts: keep it instead of the password. Undefined before the first welcome. */
  get session(): string | undefined {
    return this.#engine.credentials.session;
  }

  /** Who is connected; empty until `watch` is called. */
  get presence(): PresenceView {
    return this.#engine.presence;
  }

  get state(): State {
    return this.#engine.reconnector.state;
  }

  /** The position in each conversation, including the message that is being delivered: store it, and pass it to `connect`. */
  get cursors(): Cursors {
    return this.#engine.sequencer.cursors;
  }

  /** Requests that wait for an answer. */
  get pending(): number {
    return this.#engine.requests.size;
  }

  /** Listens to one kind of event; returns a function that stops listening. */
  on<Type extends keyof TertuliaEvents>(
    type: Type,
    listener: (event: TertuliaEvents[Type]) => void,
  ): () => void {
    checkEvent(type, listener);
    return this.#engine.emitter.on(type, listener);
  }

  /** Listens to one event; returns a function that stops listening. */
  once<Type extends keyof TertuliaEvents>(
    type: Type,
    listener: (event: TertuliaEvents[Type]) => void,
  ): () => void;
  /** Resolves with the next event; rejects when the client is closed before. */
  once<Type extends keyof TertuliaEvents>(
    type: Type,
    options?: CallOptions,
  ): Promise<TertuliaEvents[Type]>;
  once<Type extends keyof TertuliaEvents>(
    type: Type,
    how: ((event: TertuliaEvents[Type]) => void) | CallOptions = {},
  ): (() => void) | Promise<TertuliaEvents[Type]> {
    if (typeof how !== "function") return nextEvent(this, type, how);
    const off = this.on(type, (event) => {
      off();
      how(event);
    });
    return off;
  }

  /**
   * All events of a kind from this call on, for `for await`. Ends when your program closes the client; throws when
   * the client is closed otherwise, and when more than `limit` events wait to be read (`overflow`).
   */
  events<Type extends keyof TertuliaEvents>(
    type: Type,
    options: EventsOptions = {},
  ): AsyncIterableIterator<TertuliaEvents[Type]> {
    return eventStream(this, type, options);
  }

  /** Resolves when the connection is open; rejects when the client is closed. */
  async joined({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.state.name === "open") return;
    await nextEvent(this, "state", { signal }, ({ name }) => name === "open");
  }

  /**
   * Sends a message; resolves when it is stored. While the chat is away it waits, in order within its
   * conversation; however often it has to be sent, it is stored once.
   */
  async publish(conv: string, text: string, options: PublishOptions = {}): Promise<Published> {
    checkConv(conv);
    checkText("the text", text, 'publish("~", "hello")');
    return this.#engine.publish(conv, text, options);
  }

  /** A page of a conversation's messages, oldest first. */
  async history(conv: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    checkConv(conv);
    return this.#engine.history(conv, options);
  }

  /**
   * Removes a message of yours; as a moderator, any message to everybody. All readers get a `message` that `removes` it: resolves
   * with the number of that one. Rejects with `forbidden`, or with `not_found` if it is not kept.
   */
  async remove(conv: string, seq: number, { reason, signal }: RemoveOptions = {}): Promise<number> {
    checkConv(conv);
    checkSeq(seq, 'remove("~", 5)');
    const ok = await this.#engine.requests.send({
      request: { type: "remove", conv, seq, reason },
      signal,
    });
    return ok.seq!;
  }

  /** The status of a user. Rejects with `not_found` if nobody ever had that name. */
  async user(name: string, { signal }: CallOptions = {}): Promise<Status | "disconnected"> {
    checkText("the name", name, 'user("ana")');
    const ok = await this.#engine.requests.send({ request: { type: "user", user: name }, signal });
    return ok.status!;
  }

  /** Sets your status. Busy is sent again at each reconnect, until another status is set, here or on another device. */
  async setStatus(status: Status, { signal }: CallOptions = {}): Promise<void> {
    checkStatus(status);
    await this.#engine.requests.send({
      request: { type: "status", status },
      lane: "status",
      signal,
      onAnswer: () => void (this.#engine.status = status),
    });
  }

  /** Moves the read mark forward, for all devices. */
  async markRead(conv: string, seq: number, { signal }: CallOptions = {}): Promise<ReadMark> {
    checkConv(conv);
    const ok = await this.#engine.requests.send({ request: { type: "read", conv, seq }, signal });
    return { conv, read: ok.read!, unread: ok.unread! };
  }

  /** Changes your password, in a chat with accounts, and ends your other login sessions. */
  async changePassword(old: string, next: string, { signal }: CallOptions = {}): Promise<void> {
    checkText("the old password", old, "changePassword(old, next)");
    checkText("the new password", next, "changePassword(old, next)");
    await this.#engine.requests.send({ request: { type: "password", old, new: next }, signal });
  }

  /** Your login sessions, the one that was used last first. `end` ends first: one by its id, all others, or all. */
  async sessions({ end, signal }: SessionsOptions = {}): Promise<readonly LoginSession[]> {
    const ok = await this.#engine.requests.send({ request: { type: "sessions", end }, signal });
    return ok.sessions ?? [];
  }

  /** Wants no private messages of a user any more, who is not told so. */
  async block(user: string, { signal }: CallOptions = {}): Promise<void> {
    checkText("the name", user, 'block("ana")');
    await this.#engine.requests.send({ request: { type: "block", user }, lane: "block", signal });
  }

  async unblock(user: string, { signal }: CallOptions = {}): Promise<void> {
    checkText("the name", user, 'unblock("ana")');
    const request = { type: "block", user, off: true } as const;
    await this.#engine.requests.send({ request, lane: "block", signal });
  }

  /** Whom you block, the newest first. */
  async blocks({ signal }: CallOptions = {}): Promise<readonly string[]> {
    const request = { type: "blocks" } as const;
    return (await this.#engine.requests.send({ request, lane: "block", signal })).users ?? [];
  }

  /**
   * Kicks, bans or mutes a user, or lifts that: for moderators; an operator bans addresses, too. Rejects with `forbidden`
   * if your role does not allow it, and `not_found` if there is nothing to lift.
   */
  async moderate(options: ModerateOptions): Promise<{ readonly untilMs?: number }> {
    return moderate(this.#engine.requests, options);
  }

  /** Who is banned or muted, until when and why: for moderators. The newest first, a thousand at most. */
  async sanctions(options: CallOptions = {}): Promise<readonly Sanction[]> {
    return sanctions(this.#engine.requests, options);
  }

  /** Who did what to whom, when and why, the newest first: for moderators. */
  async audit(options: AuditOptions = {}): Promise<readonly ModerationAct[]> {
    return audit(this.#engine.requests, options);
  }

  /**
   * Leaves for good, on all devices: your status, read marks, inbox, key and account go, and somebody else may have the
   * name. What you wrote stays, by nobody's name (`from` is `~`), or goes as well (`erase`). The client is closed then.
   * In a chat with accounts it takes your password; rejects with `bad_credentials` if it is another.
   */
  async unregister({ erase, password, signal }: UnregisterOptions = {}): Promise<void> {
    const request = { type: "unregister", erase, password } as const;
    await this.#engine.requests.send({ request, signal });
  }

  /** All that the chat keeps of you, as one JSON value. It may take many requests. */
  exportData({ signal }: CallOptions = {}): Promise<ExportedData> {
    return exportData(this.#engine.requests, signal);
  }

  /** Says that you are typing. Call it at each keystroke: it is sent at most every three seconds. */
  typing(conv: string): void {
    checkConv(conv);
    this.#engine.typing(conv);
  }

  /**
   * Ends a backoff and connects at once. An open connection is cut unless it shows a sign of life within three
   * seconds. In a browser this happens by itself when the network changes, or the page comes back.
   */
  reconnectNow(): void {
    this.#engine.reconnector.retryNow();
  }

  /**
   * Says bye: the name is free at once, also one that was only requested. Requests without an answer are
   * rejected (`closed`).
   */
  close(): Promise<void> {
    return this.#engine.reconnector.close("bye");
  }

  /** For `await using`; where there is no such symbol, nothing calls it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
