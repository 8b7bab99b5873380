/** The message of the open conversation that a command is about. Pure. */
import type { Message } from "../sdk/events.js";
import { conversationIn } from "../view/accessors.js";
import { isSilent } from "../view/conversation.js";
import type { View } from "../view/model.js";
import { timelineRows } from "../view/timeline.js";
import type { Which } from "./chat-commands.js";

/** @param hit the key of the row that a search has found */
export function findMessage(view: View, which: Which, hit?: string): Message | undefined {
  if (which.by === "newest" && hit !== undefined) {
    const row = timelineRows(view).find(({ key }) => key === hit);
    return row?.type === "message" && !isSilent(row.message) ? row.message : undefined;
  }
  return whichOf(conversationIn(view, view.open).messages, which, view.me);
}

/** Of messages in order. Removed ones are gone already. */
export function whichOf(
  messages: readonly Message[],
  which: Which,
  me: string,
): Message | undefined {
  const kept = messages.filter((message) => !isSilent(message));
  switch (which.by) {
    case "newest":
      return kept.findLast(({ from }) => from === me);
    case "author":
      return kept.findLast(({ from }) => from === which.name);
    case "number":
      return kept.find(({ seq }) => seq === which.seq);
    default:
      return which satisfies never;
  }
}
