/** Do not disturb: while this user is busy, messages of others are held back. */
import type { Status } from "../sdk/events.js";
import { unreadCount } from "./conversation.js";
import { withConversation, conversationIn } from "./accessors.js";
import type { Conv, View } from "./model.js";

/** For so long after the chat accepted a choice, its reports of this user's status may be older than the choice. */
const TRUST_CHOICE_FOR_MS = 2_000;

/** The status to show: busy exactly while messages are held back. */
export function ownStatus(view: View): Status {
  if (view.doNotDisturb !== undefined) return "busy";
  const told = view.people.get(view.me);
  return told === undefined || told === "busy" ? view.chosen : told;
}

export function startDoNotDisturb(view: View): View {
  if (view.doNotDisturb !== undefined) return view;
  const heads = [...view.conversations.values()].map(({ conv, head }) => [conv, head] as const);
  return { ...view, doNotDisturb: new Map(heads) };
}

/** Busy again after a reload: `marks` is what `doNotDisturb` was, if it can be read. */
export function restoreDoNotDisturb(view: View, marks: unknown): View {
  if (!Array.isArray(marks)) return view;
  const known = marks.filter(
    (mark): mark is [Conv, number] =>
      Array.isArray(mark) && typeof mark[0] === "string" && typeof mark[1] === "number",
  );
  return { ...view, chosen: "busy", doNotDisturb: new Map(known) };
}

/** Shows what was held back; in the open conversation it is marked as new. */
export function endDoNotDisturb(view: View): View {
  if (view.doNotDisturb === undefined) return view;
  const conversation = conversationIn(view, view.open);
  const held = heldCountIn(view, view.open);
  const newFrom = held > 0 ? shownUpTo(view, view.open)! + 1 : conversation.newFrom;
  return { ...withConversation(view, { ...conversation, newFrom }), doNotDisturb: undefined };
}

/** Takes over the status that the chat reports: another device may have chosen it. A report that comes too early is taken over later. */
export function withReportedStatus(view: View, nowMs: number): View {
  const status = view.people.get(view.me);
  if (status === undefined || status === view.chosen) return view;
  if (view.connection.name !== "open" || nowMs - view.chosenAtMs < TRUST_CHOICE_FOR_MS) return view;
  if (status === "busy") return startDoNotDisturb({ ...view, chosen: "busy" });
  if (view.chosen === "busy") return endDoNotDisturb({ ...view, chosen: status });
  return view.chosen === "inactive" ? { ...view, chosen: status } : view;
}

/** The last number that is shown of a conversation; undefined: all are. */
export function shownUpTo({ doNotDisturb }: View, conv: Conv): number | undefined {
  return doNotDisturb === undefined ? undefined : (doNotDisturb.get(conv) ?? 0);
}

/** The conversation ends at `head` now (a rollback): later messages are held back, whatever their numbers meant before. */
export function capShownUpTo(view: View, conv: Conv, head: number): View {
  if ((shownUpTo(view, conv) ?? 0) <= head) return view;
  return { ...view, doNotDisturb: new Map(view.doNotDisturb).set(conv, head) };
}

/** Counts the messages held back, in all conversations. */
export function heldCount(view: View): number {
  let count = 0;
  for (const conv of view.conversations.keys()) count += heldCountIn(view, conv);
  return count;
}

function heldCountIn(view: View, conv: Conv): number {
  const from = shownUpTo(view, conv);
  if (from === undefined) return 0;
  return unreadCount({ ...conversationIn(view, conv), read: from }, view.me);
}
