/** Small steps that several events share. */
import { emptyConversation, type Conv, type Conversation, type Step, type View } from "./model.js";

export function conversationIn(view: View, conv: Conv): Conversation {
  return view.conversations.get(conv) ?? emptyConversation(conv);
}

export function withConversation(view: View, conversation: Conversation): View {
  if (view.conversations.get(conversation.conv) === conversation) return view;
  const conversations = new Map(view.conversations).set(conversation.conv, conversation);
  return { ...view, conversations };
}

/** Asks for a page of history: the newest, or what stands before a number. One at a time. */
export function requestHistory(view: View, conv: Conv, before?: number): Step {
  const conversation = conversationIn(view, conv);
  if (conversation.loading !== undefined || !isJoined(view)) return { view, effects: [] };
  const lastAsk = view.lastAsk + 1;
  const loading = { ask: lastAsk, before };
  return {
    view: withConversation({ ...view, lastAsk }, { ...conversation, loading }),
    effects: [{ type: "history", ask: lastAsk, conv, ...(before !== undefined && { before }) }],
  };
}

/** What the open conversation needs to be shown. */
export function loadOpenConversation(view: View): Step {
  return conversationIn(view, view.open).isLoaded
    ? { view, effects: [] }
    : requestHistory(view, view.open);
}

/** Whether there is a client that asks: at once, or when the chat is back. */
export function isJoined({ connection }: View): boolean {
  return connection.name !== "away" && connection.name !== "closed";
}
