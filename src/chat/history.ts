/** Reading conversations: how far they go, their pages, how far a user has read. */
import type { Conversation } from "./conversation.js";
import type { Message } from "./events.js";

/** How far a conversation goes. Before its first message: epoch 0, head 0, floor 1, time 0. */
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

/** Consecutive messages, oldest first, and how far their conversation goes. */
export interface Page extends Extent {
  readonly messages: readonly Message[];
  /** Whether there are more in the direction that was asked for. */
  readonly more: boolean;
  /** Epoch of the message whose number was given; 0 if it is not kept. */
  readonly epochThere: number;
  /** Whether this conversation ever had the epoch that was given, as far as is known. */
  readonly hasEpoch: boolean;
}

/** One of a user's conversations. */
export interface ConversationState extends Extent {
  readonly conversation: Conversation;
  /** Number of the message up to which the user has read. */
  readonly read: number;
}

/** Which messages of a conversation are asked for. */
export interface Range {
  readonly direction: "after" | "before";
  readonly seq: number;
  readonly limit: number;
  /** Epoch of the message `seq`, as the client knows it. */
  readonly epoch?: number;
}
