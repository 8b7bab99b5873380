/** The open conversation as rows for a screen, oldest first. */
import type { Message } from "../sdk/events.js";
import { missingBefore } from "./conversation.js";
import { startOfDay } from "./days.js";
import type { Outgoing, View } from "./model.js";
import { conversationIn } from "./accessors.js";
import { shownUpTo } from "./do-not-disturb.js";

export type Row =
  | { readonly type: "day"; readonly key: string; readonly ts: number }
  /** From here on it was unread. */
  | { readonly type: "new"; readonly key: string }
  /** Messages between `after` and `before`, both exclusive, are not loaded; if `isGone`, they are no longer kept. */
  | {
      readonly type: "gap";
      readonly key: string;
      readonly after: number;
      readonly before: number;
      readonly isGone: boolean;
    }
  | {
      readonly type: "message";
      readonly key: string;
      readonly message: Message;
      readonly isOwn: boolean;
      /** By the same author as the row above, and soon after it. */
      readonly isRun: boolean;
    }
  | { readonly type: "outgoing"; readonly key: string; readonly outgoing: Outgoing };

const RUN_WITHIN_MS = 5 * 60_000;

export function timelineRows(view: View): readonly Row[] {
  const conversation = conversationIn(view, view.open);
  const lastShown = shownUpTo(view, view.open) ?? Infinity;
  const found: Row[] = [];
  const missing = Math.min(missingBefore(conversation) ?? 0, lastShown + 1);
  if (missing > conversation.floor && conversation.isLoaded) {
    found.push({ type: "gap", key: `gap-${missing}`, after: 0, before: missing, isGone: false });
  }
  let above: Message | undefined;
  let previous: Message | undefined;
  let dayEndMs = -Infinity;
  let isNewShown = false;
  for (const message of conversation.messages) {
    const { seq, ts, from, mid, epoch, removes } = message;
    const after = above?.seq;
    above = message;
    if (seq > lastShown && from !== view.me) continue;
    if (after !== undefined && seq > after + 1) {
      const isGone = conversation.floor >= seq;
      found.push({ type: "gap", key: `gap-${seq}`, after, before: seq, isGone });
      previous = undefined;
    }
    if (removes !== undefined) continue;
    if (ts >= dayEndMs) {
      dayEndMs = startOfDay(ts, 1);
      found.push({ type: "day", key: `day-${seq}`, ts });
      previous = undefined;
    }
    if (!isNewShown && conversation.newFrom !== undefined && seq >= conversation.newFrom) {
      isNewShown = true;
      found.push({ type: "new", key: "new" });
      previous = undefined;
    }
    const isRun = previous?.from === from && ts - previous.ts < RUN_WITHIN_MS;
    previous = message;
    const key = from === view.me ? mid : `${epoch}-${seq}`;
    found.push({ type: "message", key, message, isOwn: from === view.me, isRun });
  }
  for (const outgoing of conversation.outgoing) {
    found.push({ type: "outgoing", key: outgoing.mid, outgoing });
  }
  return found;
}
