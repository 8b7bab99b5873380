/** Small steps that several events share. */
import { emptyConversation, type Conv, type Conversation, type Step, type View } from "./model.js";

export function standing(view: View, conv: Conv): Conversation {
  return view.conversations.get(conv) ?? emptyConversation(conv);
}

export function put(view: View, conversation: Conversation): View {
  if (view.conversations.get(conversation.conv) === conversation) return view;
  const conversations = new Map(view.conversations).set(conversation.conv, conversation);
  return { ...view, conversations };
}

/** Asks for a page of history: the newest, or what stands before a number. One at a time. */
export function ask(view: View, conv: Conv, before?: number): Step {
  const conversation = standing(view, conv);
  if (conversation.loading !== undefined || !isIn(view)) return { view, wishes: [] };
  const asked = view.asked + 1;
  const loading = { ask: asked, before };
  return {
    view: put({ ...view, asked }, { ...conversation, loading }),
    wishes: [{ type: "history", ask: asked, conv, ...(before !== undefined && { before }) }],
  };
}

/** What the open conversation needs to be shown. */
export function loadOpen(view: View): Step {
  return standing(view, view.open).isLoaded ? { view, wishes: [] } : ask(view, view.open);
}

/** Whether there is a client that asks: at once, or when the chat is back. */
export function isIn({ connection }: View): boolean {
  return connection.name !== "away" && connection.name !== "closed";
}
