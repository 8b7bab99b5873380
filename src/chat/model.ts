/**
 * The words of the chat: what a session may ask, what it is answered, what everybody is told.
 * Plain data; PROTOCOL.md uses the same words.
 */

declare const nameBrand: unique symbol;

/**
 * A user's name: its bytes, one character (U+0000–U+00FF) per byte, so that two names are equal
 * exactly if their bytes are, whatever those bytes spell. `wire/bytes.ts` converts both ways.
 */
export type Name = string & { readonly [nameBrand]: true };

/** A message's text: raw bytes, usually but not necessarily UTF-8. */
export type Text = Uint8Array;

/** The name that stands for everybody: no user can have it. */
export const GENERAL = "~" as Name;

export type Status = "disconnected" | "active" | "busy" | "inactive";

export interface User {
  readonly name: Name;
  readonly status: Status;
  /** Where the device that came last is connected from; only where addresses are kept. */
  readonly address?: string;
}

/** The general chat, or what two users (one, if somebody writes to himself) tell each other. */
export type Conversation =
  | { readonly kind: "general" }
  | { readonly kind: "direct"; readonly between: readonly [Name, Name] };

/** Where an event stands in its bucket's log: generation `g`, then `n` counting from 1 without holes. */
export interface Position {
  readonly generation: number;
  readonly offset: number;
}

export interface Message {
  readonly conversation: Conversation;
  /** Changes whenever messages that were numbered before may have been rolled back. */
  readonly epoch: number;
  /** Gapless from 1 within the conversation. */
  readonly seq: number;
  /** Unique per author; a message sent again under the same id is stored once. */
  readonly mid: string;
  readonly author: Name;
  /** Milliseconds since 1970, by Redis' clock. */
  readonly time: number;
  readonly text: Text;
}

/** A conversation as it stands. Before its first message: epoch 0, head 0, floor 1, time 0. */
export interface Extent {
  /** Of the newest message. */
  readonly epoch: number;
  /** Number of the newest message. */
  readonly head: number;
  /** Number of the oldest message that is kept; head + 1 if none is. */
  readonly floor: number;
  /** When the newest message was written; 0 if none is kept. */
  readonly time: number;
}

/** Messages in a row, oldest first, and the conversation that they are from. */
export interface Page extends Extent {
  readonly messages: readonly Message[];
  /** Whether there are more in that direction. */
  readonly more: boolean;
  /** The epoch of the message whose number was given; 0 if it is not kept. */
  readonly epochThere: number;
  /** Whether the epoch that was given is one of this conversation's, as far as is known. */
  readonly hasEpoch: boolean;
}

/** One of a user's conversations. */
export interface ConversationState extends Extent {
  readonly conversation: Conversation;
  /** Number of the message up to which the user has read. */
  readonly read: number;
}

/** Which messages of a conversation. */
export interface Range {
  readonly direction: "after" | "before";
  readonly seq: number;
  readonly limit: number;
  /** Of the message with that number, as a client knows it. */
  readonly epoch?: number;
}

/** Asked by a session. */
export type Command =
  | { readonly type: "register"; readonly name: Name }
  | { readonly type: "list" }
  | { readonly type: "lookup"; readonly name: Name }
  | { readonly type: "status"; readonly name?: Name; readonly status: Status }
  | {
      readonly type: "send";
      readonly to: Name;
      readonly text: Text;
      /** Chosen by the sender, so that it can be sent again. */
      readonly mid?: string;
      /** Keep it for a recipient who is away, rather than refuse. */
      readonly mayWait?: boolean;
    }
  | { readonly type: "history"; readonly of: Name }
  | { readonly type: "page"; readonly of: Name; readonly range: Range }
  | { readonly type: "read"; readonly of: Name; readonly seq: number }
  | { readonly type: "typing"; readonly to: Name };

/** The answer to a command; `accepted` when its effect comes back through the feed. */
export type Reply =
  | { readonly type: "accepted" }
  | {
      readonly type: "stored";
      readonly message: Omit<Message, "text" | "author">;
      /** It was there already, under this id. */
      readonly repeated: boolean;
    }
  | { readonly type: "page"; readonly conversation: Conversation; readonly page: Page }
  | {
      readonly type: "read";
      readonly conversation: Conversation;
      readonly read: number;
      readonly unread: number;
    }
  | { readonly type: "registered"; readonly user: User }
  | { readonly type: "users"; readonly users: readonly User[] }
  | { readonly type: "user"; readonly user: User }
  | { readonly type: "unchanged"; readonly user: User }
  | { readonly type: "history"; readonly messages: readonly Message[] }
  | { readonly type: "refused"; readonly refusal: Refusal };

/** The chat says no, by name. */
export type Refusal =
  | "bad_name"
  | "name_taken"
  | "unknown_user"
  | "bad_status"
  | "empty_message"
  | "recipient_disconnected"
  | "not_registered"
  | "forbidden"
  | "unavailable";

/** Why a user's status is what it is now. */
export type PresenceCause = "new" | "back" | "asked" | "idle" | "awake" | "left" | "lost";

/** Told to many, in the order of its bucket's log. */
export type Notice =
  | { readonly type: "message"; readonly at: Position; readonly message: Message }
  | {
      readonly type: "presence";
      readonly at: Position;
      readonly user: User;
      readonly cause: PresenceCause;
    }
  | { readonly type: "leader"; readonly at: Position; readonly node: string }
  | EphemeralEvent
  | {
      /**
       * Events of one bucket after `after` will not be told: they were trimmed, or rolled back. `hasMissed`:
       * some of them are or were in the chat; else no more is wrong than that the last ones told were taken back.
       */
      readonly type: "gap";
      readonly bucket: number;
      readonly after: Position;
      readonly reason: "trimmed" | "rolled_back";
      readonly hasMissed: boolean;
    };

/** Told to whom is there, and kept nowhere. */
export type EphemeralEvent =
  | { readonly type: "typing"; readonly author: Name; readonly conversation: Conversation }
  | {
      /** A user has read, on one device; for the others. */
      readonly type: "read";
      readonly reader: Name;
      readonly conversation: Conversation;
      readonly read: number;
      readonly unread: number;
    }
  /** Somebody wants a name that is held: who holds it, on whatever node, shows that it is there. */
  | { readonly type: "contested"; readonly name: Name }
  /** Who holds a contested name has shown it. */
  | { readonly type: "defended"; readonly name: Name };

export function conversationBetween(a: Name, b: Name): Conversation {
  return { kind: "direct", between: a < b ? [a, b] : [b, a] };
}

/** Whom somebody talks to in a conversation; empty for the general chat. */
export function otherOf(conversation: Conversation, one: Name): Name {
  if (conversation.kind === "general") return "" as Name;
  const [a, b] = conversation.between;
  return a === one ? b : a;
}

export function isBefore(a: Position, b: Position): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.offset < b.offset);
}
