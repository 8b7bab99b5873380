/** What follows from every change: read marks, and the watch list. */
import { EVERYBODY, type Step, type View, type Action, type Effect } from "./model.js";
import { withConversation, conversationIn } from "./accessors.js";
import { ownStatus, shownUpTo } from "./do-not-disturb.js";

/** A conversation's read mark is reported at most so often. */
const READ_EVERY_MS = 1_000;
/** The server's limit of a watch list. */
export const WATCHED_AT_MOST = 500;

export function deriveEffects(
  changed: View,
  effects: readonly Effect[],
  cause: Action,
  nowMs: number,
): Step {
  let view = markRead(changed);
  const more: Effect[] = [];
  if (view.connection.name === "open") {
    const everyMs = cause.type === "leave" ? 0 : READ_EVERY_MS;
    if (cause.type === "tick" || cause.type === "leave" || isLooking(view)) {
      view = reportReadMarks(view, more, nowMs - everyMs, nowMs);
    }
    if (cause.type !== "state") view = watchPeers(view, more); // the welcome comes next
  }
  return { view, effects: more.length === 0 ? effects : [...more, ...effects] }; // before a close
}

/** An inactive user does not read, although the screen shows the conversation. */
function isLooking(view: View): boolean {
  return view.isLooking && ownStatus(view) !== "inactive";
}

function markRead(view: View): View {
  if (!isLooking(view)) return view;
  const conversation = conversationIn(view, view.open);
  if (conversation.expectsGap) return view; // its numbers may mean other messages
  const newest = conversation.messages.at(-1)?.seq ?? 0;
  const upTo = Math.min(newest, shownUpTo(view, view.open) ?? newest);
  return upTo > conversation.read ? withConversation(view, { ...conversation, read: upTo }) : view;
}

function reportReadMarks(view: View, effects: Effect[], notSinceMs: number, nowMs: number): View {
  let next = view;
  for (const conversation of view.conversations.values()) {
    const { conv, read, reportedRead, reportedAtMs } = conversation;
    if (read <= reportedRead || reportedAtMs > notSinceMs) continue;
    effects.push({ type: "read", conv, seq: read });
    next = withConversation(next, { ...conversation, reportedRead: read, reportedAtMs: nowMs });
  }
  return next;
}

function watchPeers(view: View, effects: Effect[]): View {
  if (view.watched !== undefined && view.isFull) return view;
  const peers = [...view.conversations.keys()].filter((conv) => conv !== EVERYBODY);
  const names = [view.me, ...peers.map((conv) => conv.slice(1)).filter((name) => name !== view.me)];
  const watched = names.slice(0, WATCHED_AT_MOST);
  if (view.watched?.length === watched.length) return view; // the list only grows
  effects.push({ type: "watch", names: watched });
  return { ...view, watched };
}
