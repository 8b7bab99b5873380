/** What is told to many: messages, presence, and ephemeral events. */
import type { Conversation } from "./conversation.js";
import type { ConnectedStatus, Name, User } from "./names.js";

/** A message's text: raw bytes, usually but not necessarily UTF-8. */
export type Text = Uint8Array;

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
  | PresenceWindow
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

/**
 * What changed within a window of time in who is connected: each node makes it of the notices of presence, for
 * those of its sessions that follow presence. See presence.ts.
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

export function isBefore(a: Position, b: Position): boolean {
  return a.generation < b.generation || (a.generation === b.generation && a.offset < b.offset);
}
