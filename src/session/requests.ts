/** The dialogue with a client: requests in, outputs out. Dialects decode the ones and encode the others; see wire/dialect. */
import type { Command, LogIn, Refusal, Reply } from "../chat/commands.js";
import type { Conversation } from "../chat/conversation.js";
import type { Message, Notice } from "../chat/events.js";
import type { Proof, Shown } from "../chat/identity.js";
import type { ConnectedStatus, Name } from "../chat/names.js";
import type { PresenceSnapshot } from "../chat/presence.js";
import type { Gap, Resumed } from "./resumed.js";
import type { Traits } from "./traits.js";

/** Correlates an answer with its request: the request's id, or its op. */
export type Ref = string | number | undefined;

export type ChatCommand = Exclude<Command, { type: "register" }>;

export type StatusCommand = Extract<ChatCommand, { type: "status" }>;

/** Whether it is a message to everybody: those of a session are stored at the same time, see storing.ts. */
export function isToAll(command: ChatCommand): boolean {
  return command.type === "send" && command.to.kind === "general";
}

/** To whom it sends a private message, and of how many bytes; undefined if it sends none. */
export function privateMessageOf(command: ChatCommand): { to: Name; bytes: number } | undefined {
  if (command.type !== "send" || command.to.kind !== "direct") return undefined;
  return { to: command.to.user, bytes: command.text.length };
}

/** Whether it only asks, and changes nothing: nobody needs its answer once the client is gone. */
export function isQuestion({ type }: ChatCommand): boolean {
  return QUESTIONS.has(type);
}

const QUESTIONS: ReadonlySet<ChatCommand["type"]> = new Set([
  "list",
  "lookup",
  "history",
  "page",
  "blocks",
  "sanctions",
  "audit",
]);

/** The last message that the client has of each conversation, keyed and written as in its dialect. */
export type Cursors = Readonly<Record<string, readonly [epoch: string, seq: number]>>;

export interface Hello {
  readonly type: "hello";
  readonly name: Name;
  /** The name in characters, if the client writes characters. */
  readonly written?: string | undefined;
  readonly key?: string | undefined;
  /** By what the client proves that the name is its own. */
  readonly shown?: Shown | undefined;
  /** False: the key is for coming back only, and others may have the name once it is left. */
  readonly keep?: boolean | undefined;
  readonly status?: ConnectedStatus | undefined;
  readonly client?: string | undefined;
  readonly cursors: Cursors;
}

/** A first name, or the one that the session has already. */
export interface Register {
  readonly type: "register";
  readonly name: Name;
  /** The name in characters, if the client writes characters. */
  readonly written?: string | undefined;
  /** By what the client proves that the name is its own. */
  readonly shown?: Shown | undefined;
}

export type Request =
  | { readonly type: "command"; readonly command: ChatCommand }
  | Register
  | Hello
  /** Begins a login session, before there is a name. */
  | { readonly type: "log-in"; readonly asked: LogIn }
  /** Follows presence. Undefined: stops. */
  | { readonly type: "follow"; readonly watch: readonly Name[] | undefined }
  /** The client sets its status, and again in the request behind it: this one is answered, and nobody else hears of it. */
  | { readonly type: "superseded"; readonly command: StatusCommand }
  | { readonly type: "ping" }
  | { readonly type: "bye" }
  /** Decoded, but contradictory. Only a session with a name gets this answer. */
  | { readonly type: "invalid"; readonly answer: Uint8Array };

/** The requests of a dialect with these traits: clients that catch up claim a name by `hello`, others by `register`. */
export type RequestOf<Its extends Traits> = Exclude<
  Request,
  { type: Its["catchesUp"] extends true ? "register" : "hello" }
>;

/** A decoded frame. */
export type Decoded<Asked extends Request = Request> =
  | { readonly kind: "request"; readonly request: Asked; readonly ref: Ref }
  | { readonly kind: "refused"; readonly refusal: Refusal; readonly ref: Ref }
  /** It could not be decoded, and gets an answer. */
  | { readonly kind: "bad"; readonly why: string; readonly answer: Uint8Array }
  /** It could not be decoded, and gets no answer. */
  | { readonly kind: "ignored"; readonly why: "unknown_op" | "truncated" | "empty" };

/** The request that a reply answers. */
export type Asked = Command | Pick<LogIn, "type" | "name"> | Pick<Hello, "type" | "name">;

/** What is sent to one client only. (A notice goes to many.) */
export type Output =
  | {
      readonly type: "reply";
      readonly ref: Ref;
      readonly reply: Reply;
      readonly asked?: Asked | undefined;
    }
  /** The request failed because of a bug. */
  | { readonly type: "failed"; readonly ref: Ref }
  | { readonly type: "greeted-already"; readonly ref: Ref }
  | { readonly type: "welcome"; readonly ref: Ref; readonly conversations: readonly Resumed[] }
  | { readonly type: "following"; readonly ref: Ref; readonly snapshot: PresenceSnapshot }
  | { readonly type: "done"; readonly ref: Ref }
  | { readonly type: "pong"; readonly ref: Ref }
  | { readonly type: "gap"; readonly conversation: Conversation; readonly gap: Gap }
  | { readonly type: "missed"; readonly message: Message }
  | { readonly type: "going-away"; readonly inMs: number };

/** The client for whom an output is encoded. */
export interface Listener {
  readonly name: Name | undefined;
  /** Sessions that claim with the same key share the name. */
  readonly key: string | undefined;
  /** By what the name was proved to be its own. */
  readonly proof: Proof | undefined;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
}

/** A notice, encoded in a dialect. */
export interface Encoded {
  readonly length: number;
}

export type PresenceNotice = Extract<Notice, { type: "presence" }>;
