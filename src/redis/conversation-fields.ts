/**
 * How stored data writes a conversation, seen from one user in it. Constants of the stored data.
 * Rooms are not stored yet.
 */
import {
  GENERAL,
  conversationBetween,
  otherOf,
  type Conversation,
  type DirectConversation,
} from "../chat/conversation.js";
import type { Name } from "../chat/names.js";

/** In a message record, seen from the author: nothing for the general chat, else the other user. */
export function recipientField(conversation: Conversation, author: Name): string {
  return conversation.kind === "general" ? "" : otherOf(direct(conversation), author);
}

export function conversationFromRecipient(field: string, author: Name): Conversation {
  return field === "" ? GENERAL : conversationBetween(author, field as Name);
}

/** In marks and ephemeral events, seen from a user: `~` for the general chat, else the other user. */
export function markField(conversation: Conversation, user: Name): string {
  return conversation.kind === "general" ? "~" : otherOf(direct(conversation), user);
}

export function conversationFromMark(field: string, user: Name): Conversation {
  return field === "~" ? GENERAL : conversationBetween(user, field as Name);
}

function direct(conversation: Exclude<Conversation, { kind: "general" }>): DirectConversation {
  if (conversation.kind === "direct") return conversation;
  throw new RangeError("rooms are not stored yet");
}
