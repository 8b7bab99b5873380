/** Busy: what others write is held back until this user is active again. */
import type { Status } from "../sdk/events.js";
import { unreadCount } from "./conversation.js";
import { put, standing } from "./accessors.js";
import type { Conv, View } from "./model.js";

/** For so long after the chat took a choice, what it tells of one's own status may be older than that. */
const CHOICE_HOLDS_MS = 2_000;

/** Busy is what holds messages back, and nothing else is. */
export function ownStatus(view: View): Status {
  if (view.quiet !== undefined) return "busy";
  const told = view.people.get(view.me);
  return told === undefined || told === "busy" ? view.chosen : told;
}

export function beQuiet(view: View): View {
  if (view.quiet !== undefined) return view;
  const heads = [...view.conversations.values()].map(({ conv, head }) => [conv, head] as const);
  return { ...view, quiet: new Map(heads) };
}

/** Busy as a page was before it was loaded again: `marks` is what `quiet` was, if that can be read. */
export function quietAgain(view: View, marks: unknown): View {
  if (!Array.isArray(marks)) return view;
  const known = marks.filter(
    (mark): mark is [Conv, number] =>
      Array.isArray(mark) && typeof mark[0] === "string" && typeof mark[1] === "number",
  );
  return { ...view, chosen: "busy", quiet: new Map(known) };
}

/** What was held back is shown, and marked as new in the open conversation. */
export function endQuiet(view: View): View {
  if (view.quiet === undefined) return view;
  const conversation = standing(view, view.open);
  const held = heldIn(view, view.open);
  const newFrom = held > 0 ? quietFrom(view, view.open)! + 1 : conversation.newFrom;
  return { ...put(view, { ...conversation, newFrom }), quiet: undefined };
}

/** One's own status as the chat has it: another device may have chosen. What came too early counts later. */
export function hearOwnStatus(view: View, nowMs: number): View {
  const status = view.people.get(view.me);
  if (status === undefined || status === view.chosen) return view;
  if (view.connection.name !== "open" || nowMs - view.chosenAtMs < CHOICE_HOLDS_MS) return view;
  if (status === "busy") return beQuiet({ ...view, chosen: "busy" });
  if (view.chosen === "busy") return endQuiet({ ...view, chosen: status });
  return view.chosen === "inactive" ? { ...view, chosen: status } : view;
}

/** The last number that is shown of a conversation; undefined: all are. */
export function quietFrom({ quiet }: View, conv: Conv): number | undefined {
  return quiet === undefined ? undefined : (quiet.get(conv) ?? 0);
}

/** There are no more messages than this: later ones are held back, whatever their numbers meant. */
export function quietUpTo(view: View, conv: Conv, head: number): View {
  if ((quietFrom(view, conv) ?? 0) <= head) return view;
  return { ...view, quiet: new Map(view.quiet).set(conv, head) };
}

/** How many messages are held back, in all conversations. */
export function heldCount(view: View): number {
  let count = 0;
  for (const conv of view.conversations.keys()) count += heldIn(view, conv);
  return count;
}

function heldIn(view: View, conv: Conv): number {
  const from = quietFrom(view, conv);
  if (from === undefined) return 0;
  return unreadCount({ ...standing(view, conv), read: from }, view.me);
}
