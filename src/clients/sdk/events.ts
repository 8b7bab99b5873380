/** The types of events and results; names as in PROTOCOL.md, JSON. */
import type { TertuliaError } from "./error.js";

/** The status of a connected user. */
export type Status = "active" | "busy" | "inactive";

/** What a user may do to others. */
export type Role = "user" | "moderator" | "operator";

/** For each conversation, epoch and number of the last message received: where to resume from. */
export type Cursors = Readonly<Record<string, readonly [epoch: string, seq: number]>>;

export interface Message {
  /** `~`: the general chat; `@name`: you and that user. */
  readonly conv: string;
  readonly epoch: string;
  /** Numbers the messages of a conversation from 1, without holes. */
  readonly seq: number;
  /** Unique per author; with it, a repeated message is stored once. */
  readonly mid: string;
  readonly from: string;
  /** Milliseconds since 1970. */
  readonly ts: number;
  /** Empty if the message was removed, or removes another one. */
  readonly text: string;
  /** True: it was removed, by its author or a moderator. */
  readonly removed?: boolean | undefined;
  /** It says nothing, and removes the message with this number: what was shown of that one goes. */
  readonly removes?: number | undefined;
}

/** A message is stored, and where. */
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
  /** There are more in the requested direction. */
  readonly more: boolean;
}

export interface Conversation {
  readonly conv: string;
  readonly epoch: string;
  readonly head: number;
  readonly floor: number;
  /** When the newest message was written, in milliseconds since 1970; absent: none is kept. */
  readonly ts?: number | undefined;
  /** The read mark, of all devices. */
  readonly read: number;
  readonly unread: number;
  /** Every message after this one follows, or will. */
  readonly after: number;
  /** Whether nothing is missing between the cursor given and `after`. */
  readonly recovered: boolean;
}

/** The client has joined: sent after each connection. */
export interface Welcome {
  readonly user: string;
  readonly key: string;
  readonly node: string;
  /** Absent where names belong to nobody for good. */
  readonly role?: Role | undefined;
  readonly limits: { readonly text: number; readonly frame: number; readonly perSecond: number };
  readonly conversations: readonly Conversation[];
}

/** What changed among the connected users; the result is in `Tertulia.presence`. */
export interface PresenceChange {
  /** Connected users in the cluster. */
  readonly count: number;
  /** False: there are too many users; only changes of those on the watch list are sent. */
  readonly full: boolean;
  readonly set: readonly (readonly [name: string, status: Status])[];
  readonly gone: readonly string[];
}

export interface PresenceView {
  /** The connected users, including you; if not `isFull`, only those on the watch list. */
  readonly people: ReadonlyMap<string, Status>;
  /** Connected users in the cluster. */
  readonly count: number;
  readonly isFull: boolean;
  /**
   * Subscribes to presence, through all reconnects; resolves when `people` is complete. Above
   * some number of users (1,000) only those in `names` are included; a later call replaces the list.
   */
  watch(names?: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Unsubscribes; `people` becomes stale. */
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
  /** `trimmed`: no longer kept. `rolled_back`: lost, and the numbers are given again: forget what you have of it. `limit`: too many: call `history`. */
  readonly reason: "trimmed" | "rolled_back" | "limit";
}

/** The state of the connection. */
export type State =
  | { readonly name: "connecting" }
  | { readonly name: "open" }
  /** Tries again at this time (by `Date.now()`), or at `reconnectNow`; `error` says why. */
  | { readonly name: "waiting"; readonly retryAtMs: number; readonly error: TertuliaError }
  /** For good. `code` is that of the WebSocket, 1000 after `close`; `error` if the client was not closed by your program. */
  | {
      readonly name: "closed";
      readonly code: number;
      readonly reason: string;
      readonly error?: TertuliaError;
    };

export interface TertuliaEvents {
  state: State;
  welcome: Welcome;
  /** Each message once, your own included, in order within its conversation. */
  message: Message;
  presence: PresenceChange;
  typing: Typing;
  read: ReadMark;
  gap: Gap;
  /** An error that no call of yours reports. */
  error: TertuliaError;
}

/** A login session of your account. Times in ms since 1970. */
export interface LoginSession {
  /** Names it, and is no secret. */
  readonly id: string;
  /** What the client called itself. */
  readonly client: string;
  readonly began: number;
  readonly used: number;
  /** True: the one of this client. */
  readonly own?: boolean | undefined;
}

/** A ban or a mute that is in force. Times in ms since 1970. */
export interface Sanction {
  readonly kind: "ban" | "mute";
  /** A user's name, or an address or a range of addresses. */
  readonly target: string;
  /** True: `target` is no name. */
  readonly address?: boolean | undefined;
  readonly at: number;
  /** Undefined: for good. */
  readonly until?: number | undefined;
  /** `@name`, a user; else what an operator calls itself in a terminal. */
  readonly by: string;
  readonly reason: string;
}

/** What a moderator or an operator did. */
export interface ModerationAct extends Omit<Sanction, "kind"> {
  /** From `role` to `unregister` they are an operator's, in a terminal. */
  readonly act:
    | "kick"
    | "ban"
    | "unban"
    | "mute"
    | "unmute"
    | "role"
    | "password"
    | "revoke"
    | "unregister"
    | "remove";
  /** Which role the user has from then on. */
  readonly role?: Role | undefined;
}

/** What the chat keeps of you; later servers may tell more. Times in ms since 1970. */
export interface ExportedData {
  readonly user?: string | undefined;
  readonly status?: string | undefined;
  /** When you connected, or left. */
  readonly since?: number | undefined;
  /** Since then the name is kept for your key. */
  readonly ownerSince?: number | undefined;
  readonly account?: { readonly created: number; readonly role: string } | undefined;
  readonly revoked?: number | undefined;
  readonly sessions?: readonly LoginSession[] | undefined;
  readonly sanctions?: readonly Pick<Sanction, "kind" | "at" | "until" | "reason">[] | undefined;
  readonly marks?: readonly { readonly conv: string; readonly read: number }[] | undefined;
  /** What you wrote to everybody; private conversations, both sides. */
  readonly messages?: readonly Message[] | undefined;
  readonly [field: string]: unknown;
}
