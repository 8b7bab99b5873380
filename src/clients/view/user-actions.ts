/** The actions of the user. */
import {
  withoutOutgoing,
  withFailed,
  missingBefore,
  withPending,
  unreadCount,
} from "./conversation.js";
import type { Conv, Step, Unsent, View, Action, Effect } from "./model.js";
import {
  requestHistory,
  isJoined,
  loadOpenConversation,
  withConversation,
  conversationIn,
} from "./accessors.js";
import { startDoNotDisturb, endDoNotDisturb, ownStatus } from "./do-not-disturb.js";

export type UserAction = Extract<
  Action,
  {
    type:
      | "open"
      | "draft"
      | "send"
      | "unsent"
      | "retry"
      | "discard"
      | "older"
      | "choose status"
      | "search"
      | "show card"
      | "hide card"
      | "look"
      | "dismiss"
      | "leave";
  }
>;

export function applyUserAction(view: View, event: UserAction, ts: number): Step {
  switch (event.type) {
    case "open":
      return openConversation(view, event.conv);
    case "draft": {
      const { conv, text } = event;
      const next = withConversation(view, { ...conversationIn(view, conv), draft: text });
      const isWriting = text.trim() !== "" && view.connection.name === "open";
      return { view: next, effects: isWriting ? [{ type: "typing", conv }] : [] };
    }
    case "send":
      return send(view, event, ts);
    case "unsent":
      return resendUnsent(view, event.messages);
    case "retry": {
      const { conv, mid } = event;
      const own = conversationIn(view, conv).outgoing.find((each) => each.mid === mid);
      if (own?.state !== "failed" || !isJoined(view)) return withoutEffects(view);
      return {
        view: withConversation(view, withPending(conversationIn(view, conv), mid, own.text, ts)),
        effects: [{ type: "publish", conv, text: own.text, mid }],
      };
    }
    case "discard":
      return withoutEffects(
        withConversation(view, withoutOutgoing(conversationIn(view, event.conv), event.mid)),
      );
    case "older": {
      const before = event.before ?? missingBefore(conversationIn(view, event.conv));
      return before === undefined ? withoutEffects(view) : requestHistory(view, event.conv, before);
    }
    case "choose status": {
      if (!isJoined(view)) return withoutEffects(view);
      const { status } = event;
      const next = { ...view, chosen: status, chosenAtMs: Infinity };
      return {
        view: status === "busy" ? startDoNotDisturb(next) : endDoNotDisturb(next),
        effects: [{ type: "status", status }],
      };
    }
    case "search":
      return withoutEffects({ ...view, search: event.text });
    case "show card":
      return {
        view: { ...view, card: { user: event.user, status: "asking" } },
        effects: isJoined(view) ? [{ type: "user", user: event.user }] : [],
      };
    case "hide card":
      return withoutEffects({ ...view, card: undefined });
    case "look": {
      const isBack =
        event.isHere &&
        view.connection.name === "open" &&
        view.chosen === "active" &&
        ownStatus(view) === "inactive";
      return {
        view: view.isLooking === event.isLooking ? view : withLooking(view, event.isLooking),
        effects: isBack ? [{ type: "status", status: "active" }] : [],
      };
    }
    case "dismiss":
      return withoutEffects({ ...view, problem: undefined });
    case "leave":
      return { view, effects: isJoined(view) ? [{ type: "close" }] : [] };
    default:
      return event satisfies never;
  }
}

function withoutEffects(view: View): Step {
  return { view, effects: [] };
}

function openConversation(view: View, conv: Conv): Step {
  if (view.open === conv) return withoutEffects(view);
  const left = conversationIn(view, view.open);
  const conversation = conversationIn(view, conv);
  const { read, floor } = conversation;
  const isUnread = unreadCount(conversation, view.me, view.doNotDisturb?.get(conv)) > 0;
  const newFrom = isUnread ? Math.max(read + 1, floor) : undefined;
  const next = withConversation(withConversation(view, { ...left, newFrom: undefined }), {
    ...conversation,
    newFrom,
  });
  return loadOpenConversation({ ...next, open: conv });
}

/** Trailing blanks, as of pasted text, are not sent. */
function send(view: View, act: Extract<UserAction, { type: "send" }>, ts: number): Step {
  const { mid } = act;
  const text = act.text.trimEnd();
  if (text === "") return withoutEffects(view);
  if (Array.from(text).length > view.maxChars)
    return withoutEffects({ ...view, problem: "too_large" });
  if (!isJoined(view)) return withoutEffects({ ...view, problem: "closed" });
  const conv = view.open;
  const conversation = { ...conversationIn(view, conv), draft: "", newFrom: undefined };
  return {
    view: withConversation(view, withPending(conversation, mid, text, ts)),
    effects: [{ type: "publish", conv, text, mid }],
  };
}

/** Sends again what an earlier page was sending; the SDK rejects what is too old. What had failed waits for the user. */
function resendUnsent(view: View, messages: readonly Unsent[]): Step {
  let next = view;
  const effects: Effect[] = [];
  for (const { conv, mid, text, ts, problem } of messages.toSorted((a, b) => a.ts - b.ts)) {
    const conversation = withPending(conversationIn(next, conv), mid, text, ts);
    next = withConversation(next, problem ? withFailed(conversation, mid, problem) : conversation);
    if (!problem) effects.push({ type: "publish", conv, text, mid, firstSentMs: ts });
  }
  return { view: next, effects };
}

/** Messages that came while nobody was looking are marked as new. */
function withLooking(view: View, isLooking: boolean): View {
  const conversation = conversationIn(view, view.open);
  const { read } = conversation;
  const unread = unreadCount(conversation, view.me, view.doNotDisturb?.get(view.open));
  const isNew = isLooking && read > 0 && unread > 0;
  const next = isNew ? withConversation(view, { ...conversation, newFrom: read + 1 }) : view;
  return { ...next, isLooking };
}
