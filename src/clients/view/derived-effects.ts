/** What follows from every change: read marks, and whom to be told of. */
import { EVERYBODY, type Step, type View, type Action, type Effect } from "./model.js";
import { put, standing } from "./accessors.js";
import { ownStatus, quietFrom } from "./do-not-disturb.js";

/** The chat is told of a conversation's mark at most so often. */
const READ_EVERY_MS = 1_000;
/** As many as may be watched. */
const WATCHED_AT_MOST = 500;

export function deriveEffects(
  changed: View,
  wishes: readonly Effect[],
  cause: Action,
  nowMs: number,
): Step {
  let view = seen(changed);
  const more: Effect[] = [];
  if (view.connection.name === "open") {
    const everyMs = cause.type === "leave" ? 0 : READ_EVERY_MS;
    if (cause.type === "tick" || cause.type === "leave" || isLooking(view)) {
      view = tellRead(view, more, nowMs - everyMs, nowMs);
    }
    if (cause.type !== "state") view = watch(view, more); // the welcome comes next
  }
  return { view, wishes: more.length === 0 ? wishes : [...more, ...wishes] }; // before one leaves
}

/** Reading makes active; who is away from the keyboard does not read. */
function isLooking(view: View): boolean {
  return view.isLooking && ownStatus(view) !== "inactive";
}

function seen(view: View): View {
  if (!isLooking(view)) return view;
  const conversation = standing(view, view.open);
  if (conversation.isInDoubt) return view; // its numbers may be those of other messages
  const newest = conversation.messages.at(-1)?.seq ?? 0;
  const upTo = Math.min(newest, quietFrom(view, view.open) ?? newest);
  return upTo > conversation.read ? put(view, { ...conversation, read: upTo }) : view;
}

function tellRead(view: View, wishes: Effect[], notSinceMs: number, nowMs: number): View {
  let next = view;
  for (const conversation of view.conversations.values()) {
    const { conv, read, told, toldAtMs } = conversation;
    if (read <= told || toldAtMs > notSinceMs) continue;
    wishes.push({ type: "read", conv, seq: read });
    next = put(next, { ...conversation, told: read, toldAtMs: nowMs });
  }
  return next;
}

function watch(view: View, wishes: Effect[]): View {
  if (view.watched !== undefined && view.isFull) return view;
  const peers = [...view.conversations.keys()].filter((conv) => conv !== EVERYBODY);
  const names = [view.me, ...peers.map((conv) => conv.slice(1)).filter((name) => name !== view.me)];
  const watched = names.slice(0, WATCHED_AT_MOST);
  if (view.watched?.length === watched.length) return view; // they only become more
  wishes.push({ type: "watch", names: watched });
  return { ...view, watched };
}
