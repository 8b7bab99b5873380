/** Options of `connect` and of the calls. */
import type { Debug } from "./debug.js";
import type { Cursors } from "./events.js";
import type { WebSocketConstructor } from "./web-socket.js";

export interface ConnectOptions {
  /** Your name; 1 to 64 bytes of UTF-8. */
  readonly name: string;
  /** A secret: clients with the same key share the name, and get it back after they have left. Keep it where the user will be. */
  readonly key?: string | undefined;
  /**
   * Whether the chat keeps the name for the key when you have left (for 30 days, unless the operator has chosen
   * otherwise): nobody else gets it, and neither do you without the key. Default: true with a `key`, or with a `storage`
   * that outlives the page; else false.
   */
  readonly keepsName?: boolean | undefined;
  /** In a chat with accounts: logs in, at the first hello. Better keep the `session` of the client, or of `logIn`. */
  readonly password?: string | undefined;
  /** In a chat with accounts: the token of a login session. */
  readonly session?: string | undefined;
  /**
   * In a chat with tokens: gets a token (JWT) of this user. Called at each connection, and before the last one ends; if
   * it throws, it is called again later. A TertuliaError that is not `retryable`, thrown for a connection, ends the client.
   */
  readonly token?: (() => string | Promise<string>) | undefined;
  /** Joins as busy, unless another device of this user is connected: then with its status. */
  readonly isBusy?: boolean | undefined;
  /** `Tertulia.cursors` of an earlier client: messages missed since then come first. */
  readonly cursors?: Cursors | undefined;
  /**
   * Keeps `key` and `cursors` for this address and name, so that a reloaded page is the same user and
   * resumes: `sessionStorage`, of which each tab has its own. Written after the listeners of a message ran:
   * after a crash, at most the message they were handling comes again.
   */
  readonly storage?: StorageLike | undefined;
  /** Default: the environment's own. Node has none before 22: pass that of `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** When it is aborted, the client closes. */
  readonly signal?: AbortSignal | undefined;
  /** Name and version of the program, for the server's log. */
  readonly client?: string | undefined;
  /** How many requests may wait for an answer (default 1,000); the next is rejected (`outbox_full`). */
  readonly outboxLimit?: number | undefined;
  readonly timing?: Partial<Timing> | undefined;
  /** Called at each step and frame; without texts and keys. */
  readonly debug?: Debug | undefined;
}

/** For `register` and `logIn`. */
export interface LogInOptions {
  readonly name: string;
  /** 8 to 256 bytes. */
  readonly password: string;
  /** Name and version of the program, for the list of login sessions. */
  readonly client?: string | undefined;
  readonly WebSocket?: WebSocketConstructor | undefined;
}

/** The part of `sessionStorage` that is needed. */
export interface StorageLike {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

export interface CallOptions {
  /** When it is aborted, the call is rejected with the signal's reason; a request that was sent may still be carried out. */
  readonly signal?: AbortSignal | undefined;
}

export interface RemoveOptions extends CallOptions {
  /** For the log of moderation, if somebody else wrote it: one line of 200 characters at most. */
  readonly reason?: string | undefined;
}

export interface PublishOptions extends CallOptions {
  /** The idempotency key, random by default: a message published again with the same one is stored once. */
  readonly mid?: string | undefined;
  /**
   * When it was sent first with this `mid`, by `Date.now()`, if that was by an earlier client. After 14 minutes
   * it might be stored twice, and is rejected (`unconfirmed`).
   */
  readonly firstSentMs?: number | undefined;
}

export interface SessionsOptions extends CallOptions {
  /** `others`, `all`, or the `id` of one. */
  readonly end?: string | undefined;
}

export interface ModerateOptions extends CallOptions {
  readonly act: "kick" | "ban" | "unban" | "mute" | "unmute";
  /** Whom; or `address`. */
  readonly user?: string | undefined;
  /** For `ban` and `unban`, of operators: `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/48`. */
  readonly address?: string | undefined;
  /** How long a ban or mute holds, at least 1,000; without it, for good. */
  readonly forMs?: number | undefined;
  /** Told to whom it concerns: one line, at most 200 characters. */
  readonly reason?: string | undefined;
}

export interface AuditOptions extends CallOptions {
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}

export interface UnregisterOptions extends CallOptions {
  /** Whether what you wrote goes as well; default false: it stays, by nobody's name. */
  readonly erase?: boolean | undefined;
  /** Yours, in a chat with accounts. */
  readonly password?: string | undefined;
}

export interface EventsOptions extends CallOptions {
  /** How many events may wait to be read (default 1,000); with one more, reading fails (`overflow`). */
  readonly limit?: number | undefined;
}

export interface HistoryOptions extends CallOptions {
  /** The newest messages before this number … */
  readonly before?: number | undefined;
  /** … or the oldest after this one. Neither: the newest. */
  readonly after?: number | undefined;
  /** 1 to 200; default 50. */
  readonly limit?: number | undefined;
}

/** How long the client waits. Infinity is allowed. */
export interface Timing {
  /** For the connection and its welcome; default 10,000. */
  readonly openWithinMs: number;
  /** Silence before it sends a ping; default 10,000. */
  readonly pingAfterMs: number;
  /** For any frame after the ping; default 10,000. */
  readonly pongWithinMs: number;
  /**
   * How long `name_taken` is retried when joining for the first time: default 6,000, twice as long as a page
   * that vanished keeps its name; with a key from an earlier client 15,000. 0: not at all.
   */
  readonly nameWithinMs: number;
}
