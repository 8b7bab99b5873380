/** What is done at the screen, taken into the view. */
import { discarded, failed, missingBefore, sending, unreadCount } from "./conversation.js";
import type { Conv, Step, Underway, View, Action, Effect } from "./model.js";
import { ask, isIn, loadOpen, put, standing } from "./accessors.js";
import { beQuiet, endQuiet, ownStatus } from "./do-not-disturb.js";

export type UserAction = Extract<
  Action,
  {
    type:
      | "open"
      | "draft"
      | "send"
      | "underway"
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
      return opened(view, event.conv);
    case "draft": {
      const { conv, text } = event;
      const next = put(view, { ...standing(view, conv), draft: text });
      const isWriting = text.trim() !== "" && view.connection.name === "open";
      return { view: next, wishes: isWriting ? [{ type: "typing", conv }] : [] };
    }
    case "send":
      return send(view, event, ts);
    case "underway":
      return goOn(view, event.messages);
    case "retry": {
      const { conv, mid } = event;
      const own = standing(view, conv).outgoing.find((each) => each.mid === mid);
      if (own?.state !== "failed" || !isIn(view)) return only(view);
      return {
        view: put(view, sending(standing(view, conv), mid, own.text, ts)),
        wishes: [{ type: "publish", conv, text: own.text, mid }],
      };
    }
    case "discard":
      return only(put(view, discarded(standing(view, event.conv), event.mid)));
    case "older": {
      const before = event.before ?? missingBefore(standing(view, event.conv));
      return before === undefined ? only(view) : ask(view, event.conv, before);
    }
    case "choose status": {
      if (!isIn(view)) return only(view);
      const { status } = event;
      const next = { ...view, chosen: status, chosenAtMs: Infinity };
      return {
        view: status === "busy" ? beQuiet(next) : endQuiet(next),
        wishes: [{ type: "status", status }],
      };
    }
    case "search":
      return only({ ...view, search: event.text });
    case "show card":
      return {
        view: { ...view, card: { user: event.user, status: "asking" } },
        wishes: isIn(view) ? [{ type: "user", user: event.user }] : [],
      };
    case "hide card":
      return only({ ...view, card: undefined });
    case "look": {
      const isBack =
        event.isHere &&
        view.connection.name === "open" &&
        view.chosen === "active" &&
        ownStatus(view) === "inactive";
      return {
        view: view.isLooking === event.isLooking ? view : looked(view, event.isLooking),
        wishes: isBack ? [{ type: "status", status: "active" }] : [],
      };
    }
    case "dismiss":
      return only({ ...view, problem: undefined });
    case "leave":
      return { view, wishes: isIn(view) ? [{ type: "close" }] : [] };
    default:
      return event satisfies never;
  }
}

function only(view: View): Step {
  return { view, wishes: [] };
}

function opened(view: View, conv: Conv): Step {
  if (view.open === conv) return only(view);
  const left = standing(view, view.open);
  const conversation = standing(view, conv);
  const { read, floor } = conversation;
  const isUnread = unreadCount(conversation, view.me, view.quiet?.get(conv)) > 0;
  const newFrom = isUnread ? Math.max(read + 1, floor) : undefined;
  const next = put(put(view, { ...left, newFrom: undefined }), { ...conversation, newFrom });
  return loadOpen({ ...next, open: conv });
}

/** Without the empty end of what was pasted. */
function send(view: View, act: Extract<UserAction, { type: "send" }>, ts: number): Step {
  const { mid } = act;
  const text = act.text.trimEnd();
  if (text === "") return only(view);
  if (Array.from(text).length > view.maxChars) return only({ ...view, problem: "too_large" });
  if (!isIn(view)) return only({ ...view, problem: "closed" });
  const conv = view.open;
  const conversation = { ...standing(view, conv), draft: "", newFrom: undefined };
  return {
    view: put(view, sending(conversation, mid, text, ts)),
    wishes: [{ type: "publish", conv, text, mid }],
  };
}

/** How long ago it may have been sent is the client's to judge. What had failed waits for this user. */
function goOn(view: View, messages: readonly Underway[]): Step {
  let next = view;
  const wishes: Effect[] = [];
  for (const { conv, mid, text, ts, problem } of messages.toSorted((a, b) => a.ts - b.ts)) {
    const conversation = sending(standing(next, conv), mid, text, ts);
    next = put(next, problem ? failed(conversation, mid, problem) : conversation);
    if (!problem) wishes.push({ type: "publish", conv, text, mid, firstSentMs: ts });
  }
  return { view: next, wishes };
}

/** What came while nobody looked is marked as new. */
function looked(view: View, isLooking: boolean): View {
  const conversation = standing(view, view.open);
  const { read } = conversation;
  const unread = unreadCount(conversation, view.me, view.quiet?.get(view.open));
  const isNew = isLooking && read > 0 && unread > 0;
  const next = isNew ? put(view, { ...conversation, newFrom: read + 1 }) : view;
  return { ...next, isLooking };
}
