/** What the chat announces: messages, presence, ephemeral events. */
import type { Conversation } from "./conversation.js";
import type { Revoked } from "./identity.js";
import type { ConnectedStatus, Name, User } from "./names.js";

/** A message's text: raw bytes, usually but not necessarily UTF-8. */
export type Text = Uint8Array;

/** Where an event stands in its bucket's log. Within a generation, offsets count from 1 without holes. */
export interface Position {
  readonly generation: number;
  readonly offset: number;
}

export interface Message {
  readonly conversation: Conversation;
  /** Changes whenever messages that were numbered before may have been rolled back. */
  readonly epoch: number;
  /** Counts from 1 within the conversation, without holes. */
  readonly seq: number;
  /** Unique per author; a message sent again under the same id is stored once. */
  readonly mid: string;
  readonly author: Name;
  /** Milliseconds since 1970, by Redis' clock. */
  readonly time: number;
  /** Empty if the message was removed, or removes another one; else it never is. */
  readonly text: Text;
  /** It says nothing, and removes the message with this number. */
  readonly removes?: number;
  /** It was removed. */
  readonly removed?: true;
}

/** Why a user's status is what it is now. */
export type PresenceCause = "new" | "back" | "asked" | "idle" | "awake" | "left" | "lost";

/** Announced to many, in the order of its bucket's log. */
export type Notice =
  | { readonly type: "message"; readonly at: Position; readonly message: Message }
  | {
      readonly type: "presence";
      readonly at: Position;
      readonly user: User;
      readonly cause: PresenceCause;
    }
  | { readonly type: "leader"; readonly at: Position; readonly node: string }
  /** What proved whose a name is was taken back: for gateways only. */
  | {
      readonly type: "revoked";
      readonly at: Position;
      readonly name: Name;
      readonly revoked: Revoked;
    }
  | EphemeralEvent
  | PresenceWindow
  | {
      /**
       * Events of one bucket behind `after` will never be delivered: they were trimmed or rolled back.
       * `hasMissed`: some of them happened. If not, the last events that were delivered are taken back, and
       * nothing else is wrong.
       */
      readonly type: "gap";
      readonly bucket: number;
      readonly after: Position;
      readonly reason: "trimmed" | "rolled_back";
      readonly hasMissed: boolean;
    };

/**
 * Who came, changed and left within a window of time. Each node makes it from presence notices, for those of its
 * sessions that follow presence. See presence.ts.
 */
export interface PresenceWindow {
  readonly type: "presence-window";
  /** How many users are connected in the whole cluster. */
  readonly count: number;
  /** Whether the followers are told of all users; false: only of those that they watch. */
  readonly isFull: boolean;
  /** Whether `set` is everybody who is connected, not only those who changed. */
  readonly isSnapshot: boolean;
  readonly set: readonly UserStatus[];
  readonly gone: readonly Name[];
}

export type UserStatus = readonly [name: Name, status: ConnectedStatus];

/** Announced to sessions that are open, and stored nowhere. */
export type EphemeralEvent =
  | { readonly type: "typing"; readonly author: Name; readonly conversation: Conversation }
  | {
      /** A user has read on one device; for the user's other devices. */
      readonly type: "read";
      readonly reader: Name;
      readonly conversation: Conversation;
      readonly read: number;
      readonly unread: number;
    }
  /** Somebody wants a name that is held. Its holder, on whatever node, shows that its client is there. */
  | { readonly type: "contested"; readonly name: Name }
  /** The holder of a contested name has shown that its client is there. */
  | { readonly type: "defended"; readonly name: Name };

export function isBefore(a: Position, b: Position): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.offset < b.offset);
}
