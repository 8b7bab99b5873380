/** What the chat is made of: its rules, its stores, and what this node knows without asking them. */
import type { Identity } from "./identity.js";
import type { ConnectedStatus, Name, User } from "./names.js";
import type { UserRecords } from "./own-data.js";
import type { Policy } from "./policy.js";
import type { BlockStore, ConversationStore, UserStore } from "./ports.js";
import type { Heard } from "./roster.js";
import type { KnownSanctions, ModerationStore } from "./sanctions.js";

/** Who is connected in the whole cluster, as far as this node has heard. Costs nothing to ask. */
export interface KnownPresence {
  /** How many users. */
  readonly count: number;
  /** The status of a user who is connected; undefined: not known here, the store must be asked. */
  statusOf(name: Name): ConnectedStatus | undefined;
}

/** The list of users, as far as this node has heard. */
export interface KnownRoster {
  /** The connected, longest first; then those who left, latest first. At most {@link MAX_LISTED}. @throws Unavailable */
  list(): Promise<readonly User[]>;
  /** Takes what the store has answered to a change: the feed may tell it later. */
  hear(heard: Heard): void;
}

/** How often others are told that somebody is typing. */
export interface TypingPace {
  /** Whether they are told now. If so, it counts. */
  mayTell(author: Name): boolean;
}

export interface ChatDependencies {
  readonly users: UserStore;
  readonly conversations: ConversationStore;
  readonly policy: Policy;
  /** A new message id, unique per author for at least the time in which a message may be sent again. */
  readonly newMessageId: () => string;
  readonly presence: KnownPresence;
  readonly identity: Identity;
  readonly sanctions: KnownSanctions;
  readonly moderation: ModerationStore;
  readonly blocks: BlockStore;
  readonly roster: KnownRoster;
  readonly records: UserRecords;
  readonly typing: TypingPace;
}
