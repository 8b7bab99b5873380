/** Conversations: the general chat, and what two users tell each other. */
import type { Name } from "./names.js";

/** The name that stands for everybody: no user can have it. */
export const GENERAL = "~" as Name;

/** The general chat, or what two users (one, if somebody writes to himself) tell each other. */
export type Conversation =
  | { readonly kind: "general" }
  | { readonly kind: "direct"; readonly between: readonly [Name, Name] };

export function conversationBetween(a: Name, b: Name): Conversation {
  return { kind: "direct", between: a < b ? [a, b] : [b, a] };
}

/** Whom somebody talks to in a conversation; empty for the general chat. */
export function otherOf(conversation: Conversation, one: Name): Name {
  if (conversation.kind === "general") return "" as Name;
  const [a, b] = conversation.between;
  return a === one ? b : a;
}
