/** Small steps that several actions share. */
import { emptyConversation, type Conv, type Conversation, type Step, type View } from "./model.js";

export function conversationIn(view: View, conv: Conv): Conversation {
  return view.conversations.get(conv) ?? emptyConversation(conv);
}

export function withConversation(view: View, conversation: Conversation): View {
  if (view.conversations.get(conversation.conv) === conversation) return view;
  const conversations = new Map(view.conversations).set(conversation.conv, conversation);
  return { ...view, conversations };
}

/** Requests a page of history: the newest, or the one before a number. One at a time per conversation. */
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

/** Requests the first page of the open conversation, unless it is loaded. */
export function loadOpenConversation(view: View): Step {
  return conversationIn(view, view.open).isLoaded
    ? { view, effects: [] }
    : requestHistory(view, view.open);
}

/** Whether there is a client that takes requests: it sends them at once, or when the chat is back. */
export function isJoined({ connection }: View): boolean {
  return connection.name !== "away" && connection.name !== "closed";
}
