/**
 * What the chat needs from the world: stores that keep and announce in one step, and a feed that
 * follows the announcements. `redis/` implements them.
 */
import type { Conversation } from "./conversation.js";
import type { Message, EphemeralEvent, Notice, Position, Text } from "./events.js";
import type { ConversationState, Page, Range } from "./history.js";
import type { Proof, Role } from "./identity.js";
import type { ConnectedStatus, Name, User } from "./names.js";
import type { Heard } from "./roster.js";

/** The store gave no answer in time. What was asked may have happened. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

/** What the store has is damaged: it refuses until somebody has mended that. Others are served. */
export class Damaged extends Unavailable {}

/** A session that holds a name. `id` is random: no two sessions ever have the same. */
export interface Holder {
  readonly name: Name;
  readonly id: string;
  /** Devices with the same key share the name; undefined: nobody shares it. */
  readonly key?: string | undefined;
  /**
   * What the key is good for when the name has been left. `name`: nobody else gets the name for a while. `return`: who
   * shows it is the same user, if nobody else has had the name meanwhile. Undefined: nothing; the client has not shown it.
   */
  readonly keeps?: "name" | "return" | undefined;
  /** Stored while the user is connected, for lookups; undefined: not stored. */
  readonly address?: string | undefined;
  /** By what the name was proved to be its own; undefined: it belongs to nobody for good. */
  readonly proof?: Proof | undefined;
  /** False once the session has given its name back or lost it: it may do nothing more in that name. */
  readonly isLive: boolean;
}

/** In whose name a message is stored. */
export interface Author {
  readonly name: Name;
  /** False once the name is known to belong to somebody else. A bot's never is. */
  readonly isLive?: boolean;
}

export interface Draft {
  readonly author: Author;
  readonly conversation: Conversation;
  readonly mid: string;
  /** Whether a client chose the mid, and may send the message again under it. */
  readonly mayRepeat: boolean;
  readonly text: Text;
}

/** Of a message that is to be removed. */
export interface Removal {
  /** Who removes it; undefined: an operator, who is no user, in the name of who wrote it. */
  readonly author: Author | undefined;
  readonly conversation: Conversation;
  readonly seq: number;
  /** What was written before this time (ms since 1970), somebody else wrote under this name. */
  readonly sinceMs: number;
  /** Whether it may be somebody else's. */
  readonly ofAnybody: boolean;
}

export type RemovalOutcome =
  /** By the message with this number; now, or before. `author`: who wrote it; `by`: who has removed it, if that is known. */
  | {
      readonly outcome: "removed";
      readonly seq: number;
      readonly author: Name;
      readonly by: Name | undefined;
    }
  /** It is not kept; it is somebody else's, or removes another one. */
  | { readonly outcome: "unknown" | "forbidden" };

/** Activity of a person, not of a client program. */
export type ActivityKind = "message" | "typing";

export interface NotedActivity {
  readonly holder: Holder;
  readonly kind: ActivityKind;
}

export type ClaimOutcome =
  | {
      readonly outcome: "new" | "back" | "joined" | "held";
      readonly at: Position;
      /** From this time on (ms since 1970) the name has been this owner's. */
      readonly tenureMs: number;
      /** Until then (ms since 1970) the name was somebody's who has left for good; 0: nobody's. */
      readonly formerMs: number;
      /** That of the holder's account at that position; undefined: the name was proved in another way. */
      readonly role?: Role | undefined;
    }
  /** Somebody holds it; nobody does, but it is kept for somebody who has shown another key. */
  | { readonly outcome: "taken" }
  | { readonly outcome: "kept" }
  /** What the holder proved its name by was revoked. */
  | { readonly outcome: "revoked" };

export type StatusOutcome =
  | { readonly outcome: "changed" | "same"; readonly at: Position }
  | { readonly outcome: "gone" };

/** Who is connected in one bucket, as of a position of its log. */
export interface Present {
  readonly at: Position;
  /** Whether this bucket has the name. */
  readonly covers: (name: Name) => boolean;
  readonly users: readonly User[];
}

/**
 * Keeps users: who holds which name, with which status. A method that changes something is one atomic
 * step that also announces the change; it may be called again after {@link Unavailable}.
 */
export interface UserStore {
  /**
   * Takes the name if it is free, its owner's node is dead, or this holder has it already (`held`);
   * or shares it with those who hold it under the same key (`joined`), if they are fewer than
   * `maxDevices`. A name that is kept for somebody else is not free.
   */
  claim(holder: Holder, maxDevices: number): Promise<ClaimOutcome>;
  /** Signs the user out, if the holder still has the name. */
  leave(holder: Holder, cause: "asked" | "left"): Promise<boolean>;
  /** `gone`: the holder has lost the name. `at`: of the announcement, or of what was announced last. */
  setStatus(holder: Holder, status: ConnectedStatus): Promise<StatusOutcome>;
  /**
   * Notes who was active just then. Users who were inactive are active again; those who have asked to
   * be inactive, only by a message.
   */
  touch(activities: readonly NotedActivity[]): Promise<void>;
  user(name: Name): Promise<User | undefined>;
  /** The first `limit` users, and perhaps more: the connected, longest first; then those who left, latest first. */
  roster(limit: number): Promise<Heard[]>;
  present(bucket: number): Promise<Present>;
  /** Announces to sessions that are open. Not stored, may be lost. */
  tell(event: Extract<EphemeralEvent, { type: "contested" | "defended" }>): Promise<void>;
  /** One bucket's names that the store counts as this node's. */
  owned(bucket: number): Promise<Name[]>;
  /** Takes this node's holds off a name, except those of the sessions named. Ordered with `claim`. */
  disown(name: Name, but?: readonly string[]): Promise<void>;
}

/** Keeps messages, and how far each user has read. See {@link UserStore} for what its steps promise. */
export interface ConversationStore {
  /**
   * Appends messages of one author in the order of the calls; the author has then read up to this one.
   * Idempotent: a message that is sent again under its id gets the first answer (`repeated`). Another one under an id that
   * is stored is not (`mid_conflict`), as long as the stored one is kept. Nor is one to a user who blocks the author.
   */
  append(
    draft: Draft,
  ): Promise<
    { seq: number; epoch: number; time: number; repeated: boolean } | "mid_conflict" | "blocked"
  >;
  /**
   * Removes a message, by one more message of its conversation. Idempotent: one that was removed has been removed by the
   * first one that did.
   */
  remove(removal: Removal): Promise<RemovalOutcome>;
  /** The newest messages, at most `limit`, oldest first, without what was removed; as many as a reply in bytes has room for, and their texts cut for it. Older ones than `sinceMs` do not count, here and below. */
  history(conversation: Conversation, limit: number, sinceMs: number): Promise<Message[]>;
  page(conversation: Conversation, range: Range, sinceMs: number): Promise<Page>;
  /**
   * The general chat, then the user's private conversations (the newest 200 of each bucket): those in which something
   * was written since. Of the general chat everything counts, but how far it was read before: that is dropped.
   *
   * @param isAwaited whether somebody still waits for them. If not, it may fail as {@link Unavailable} without asking
   */
  conversations(
    name: Name,
    sinceMs: number,
    isAwaited: () => boolean,
  ): Promise<ConversationState[]>;
  /** Moves the user's mark forward, never back; tells the user's devices. */
  markRead(
    name: Name,
    conversation: Conversation,
    seq: number,
    sinceMs: number,
  ): Promise<{ read: number; unread: number }>;
  /** Announces to sessions that are open; not to a user who blocks the author. Not stored, may be lost. */
  tell(event: Extract<EphemeralEvent, { type: "typing" }>): Promise<void>;
}

/** Keeps who blocks whom: private messages of somebody who is blocked are not stored. May be called again after {@link Unavailable}. */
export interface BlockStore {
  /**
   * `full`: the user blocks as many as one may.
   *
   * @param sinceMs since when the user has the name, in ms since 1970; what was blocked in it before counts no more
   */
  block(name: Name, other: Name, sinceMs: number): Promise<"done" | "full">;
  unblock(name: Name, other: Name): Promise<void>;
  /** Whom the user has blocked since a time, the newest first. */
  blocked(name: Name, sinceMs: number): Promise<Name[]>;
}

/** Delivers the announcements of all buckets: each once, in the order of its bucket's log. */
export interface Feed {
  start(deliver: (notice: Notice) => void): Promise<void>;
  /** Reads up to the newest announcement of every bucket now. */
  catchUp(): Promise<void>;
  close(): Promise<void>;
}
