/** What a session is asked by its client, and what it tells it. A dialect writes both down; see wire/dialect. */
import type { Command, Refusal, Reply } from "../chat/commands.js";
import type { Conversation } from "../chat/conversation.js";
import type { Message, Notice } from "../chat/events.js";
import type { ConnectedStatus, Name } from "../chat/names.js";
import type { PresenceSnapshot } from "../chat/presence.js";
import type { Gap, Resumed } from "./resumed.js";

/** By what a client recognises the answer to a request: its id, or its op. */
export type Ref = string | number | undefined;

export type ChatCommand = Exclude<Command, { type: "register" }>;

/** How far a client has heard each conversation: epoch and number of the last message, as the dialect writes them. */
export type Cursors = Readonly<Record<string, readonly [epoch: string, seq: number]>>;

export interface Hello {
  readonly type: "hello";
  readonly name: Name;
  /** The name in characters, if the client writes characters. */
  readonly written?: string | undefined;
  readonly key?: string | undefined;
  readonly status?: ConnectedStatus | undefined;
  readonly client?: string | undefined;
  readonly cursors: Cursors;
}

export type Request =
  | { readonly type: "command"; readonly command: ChatCommand }
  /** The name that the session has already, or its first. */
  | { readonly type: "register"; readonly name: Name }
  | Hello
  /** Follows presence; undefined: no longer. */
  | { readonly type: "follow"; readonly watch: readonly Name[] | undefined }
  | { readonly type: "ping" }
  | { readonly type: "bye" }
  /** A request that only a session with a name may make, and that cannot be carried out. */
  | { readonly type: "mistake"; readonly answer: Uint8Array };

/** What a frame from a client says. */
export type Decoded =
  | { readonly kind: "request"; readonly request: Request; readonly ref: Ref }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly ref: Ref }
  /** It cannot be read, and its client is told so. */
  | { readonly kind: "bad"; readonly why: string; readonly answer: Uint8Array }
  /** It cannot be read, and no answer is due. */
  | { readonly kind: "ignored"; readonly why: "unknown_op" | "truncated" | "empty" };

/** Of which a reply is the answer. */
export type Asked = Command | Pick<Hello, "type" | "name">;

/** What a client is told that is not a notice. */
export type Telling =
  | {
      readonly type: "reply";
      readonly ref: Ref;
      readonly reply: Reply;
      readonly asked?: Asked | undefined;
    }
  /** The request failed by our mistake. */
  | { readonly type: "failed"; readonly ref: Ref }
  | { readonly type: "greeted-already"; readonly ref: Ref }
  | { readonly type: "welcome"; readonly ref: Ref; readonly conversations: readonly Resumed[] }
  | { readonly type: "following"; readonly ref: Ref; readonly snapshot: PresenceSnapshot }
  | { readonly type: "done"; readonly ref: Ref }
  | { readonly type: "pong"; readonly ref: Ref }
  | { readonly type: "gap"; readonly conversation: Conversation; readonly gap: Gap }
  | { readonly type: "missed"; readonly message: Message }
  | { readonly type: "going-away"; readonly inMs: number };

/** Who is told. */
export interface Listener {
  readonly name: Name | undefined;
  /** Whoever claims with the same key shares the name. */
  readonly key: string | undefined;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
}

/** A notice as a dialect has written it down. */
export interface Encoded {
  readonly length: number;
}

export type PresenceNotice = Extract<Notice, { type: "presence" }>;
