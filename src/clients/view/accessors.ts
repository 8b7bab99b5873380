/** Small steps that several actions share. */
import { withoutStale } from "./conversation.js";
import { emptyConversation, type Conv, type Conversation, type Step, type View } from "./model.js";

/** As many as a page has, so that one page tells what happened to them. */
const ASKED_AGAIN = 100;

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

/**
 * More is missing than the chat tells by itself, behind a number. What is loaded up to there may have been removed since:
 * of the open conversation the last of it is requested again, so that nobody loses the place; the rest is dropped.
 */
export function withGap(view: View, conversation: Conversation, after: number): Step {
  const { conv, loading } = conversation;
  const kept = conv === view.open && loading === undefined ? ASKED_AGAIN : 0;
  const next = withoutStale(conversation, after, kept);
  const isAskedAgain = (next.messages[0]?.seq ?? Infinity) <= after;
  if (isAskedAgain) return requestHistory(withConversation(view, next), conv, after + 1);
  return loadOpenConversation(withConversation(view, { ...next, isLoaded: false }));
}

/** Whether there is a client that takes requests: it sends them at once, or when the chat is back. */
export function isJoined({ connection }: View): boolean {
  return connection.name !== "away" && connection.name !== "closed";
}
