/** What is read of conversations: how far they go, their pages, what a user has read. */
import type { Conversation } from "./conversation.js";
import type { Message } from "./events.js";

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
