/** The types of what the SDK tells; names as in PROTOCOL.md, JSON. */
import type { TertuliaError } from "./error.js";

/** How a connected user is. */
export type Status = "active" | "busy" | "inactive";

/** Of each conversation, epoch and number of the last message had: what a return begins from. */
export type Cursors = Readonly<Record<string, readonly [epoch: string, seq: number]>>;

export interface Message {
  /** `~`, everybody; `@name`, you and that user. */
  readonly conv: string;
  readonly epoch: string;
  /** Numbers the messages of a conversation from 1, without holes. */
  readonly seq: number;
  /** Unique per author; with it, a repeated message is stored once. */
  readonly mid: string;
  readonly from: string;
  /** Milliseconds since 1970. */
  readonly ts: number;
  readonly text: string;
}

/** That a message is stored, and where. */
export type Published = Pick<Message, "conv" | "epoch" | "seq" | "mid" | "ts">;

/** Some messages of a conversation, oldest first. */
export interface HistoryPage {
  readonly conv: string;
  readonly epoch: string;
  readonly messages: readonly Message[];
  /** Number of the newest message; 0: none yet. */
  readonly head: number;
  /** Number of the oldest message kept. */
  readonly floor: number;
  /** There are more in the direction asked for. */
  readonly more: boolean;
}

export interface Conversation {
  readonly conv: string;
  readonly epoch: string;
  readonly head: number;
  readonly floor: number;
  /** When the newest message was written, in milliseconds since 1970; absent: none is kept. */
  readonly ts?: number | undefined;
  /** Up to here it was read, on any device. */
  readonly read: number;
  readonly unread: number;
  /** Every message after this one follows, or will. */
  readonly after: number;
  /** Whether nothing is missing between the cursor given and `after`. */
  readonly recovered: boolean;
}

/** The chat knows this client: said after each connection. */
export interface Welcome {
  readonly user: string;
  readonly key: string;
  readonly node: string;
  readonly limits: { readonly text: number; readonly frame: number; readonly perSecond: number };
  readonly conversations: readonly Conversation[];
}

/** What changed among the connected users; the outcome is in `Tertulia.presence`. */
export interface PresenceChange {
  /** Connected users in the cluster. */
  readonly count: number;
  /** False: there are too many for all; only those on the watch list are told of. */
  readonly full: boolean;
  readonly set: readonly (readonly [name: string, status: Status])[];
  readonly gone: readonly string[];
}

export interface PresenceView {
  /** The connected users, oneself included; if not `isFull`, only those on the watch list. */
  readonly people: ReadonlyMap<string, Status>;
  /** Connected users in the cluster. */
  readonly count: number;
  readonly isFull: boolean;
  /**
   * Asks to be told from here on, through all reconnects; resolves when `people` is right. Above
   * some number of users (1,000) only those in `names` are told of; a later call replaces the list.
   */
  watch(names?: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Asks to be told no more; what is known goes stale. */
  off(options?: { readonly signal?: AbortSignal }): Promise<void>;
}

export interface ReadMark {
  readonly conv: string;
  readonly read: number;
  readonly unread: number;
}

export interface Typing {
  readonly conv: string;
  readonly from: string;
}

/** Messages between `after` and `before`, both exclusive, will not come by themselves. */
export interface Gap {
  readonly conv: string;
  readonly after: number;
  readonly before: number;
  /** No longer kept; lost, and numbered anew (forget what you keep of it); too many (ask `history`). */
  readonly reason: "trimmed" | "rolled_back" | "limit";
}

/** How the connection is. */
export type State =
  | { readonly name: "connecting" }
  | { readonly name: "open" }
  /** Tries again at this time (as `Date.now()` counts), or at `reconnectNow`; `error` says why. */
  | { readonly name: "waiting"; readonly retryAtMs: number; readonly error: TertuliaError }
  /** For good. `code` is that of the WebSocket, 1000 if it was asked for; `error` if it was not. */
  | {
      readonly name: "closed";
      readonly code: number;
      readonly reason: string;
      readonly error?: TertuliaError;
    };

export interface TertuliaEvents {
  state: State;
  welcome: Welcome;
  /** Each message once, one's own included, in order within its conversation. */
  message: Message;
  presence: PresenceChange;
  typing: Typing;
  read: ReadMark;
  gap: Gap;
  /** Something went wrong that no call of yours is told of. */
  error: TertuliaError;
}
