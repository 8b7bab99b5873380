/** What a screen offers to this user: the chat itself refuses what is not allowed. */
import type { Message, Role } from "../sdk/events.js";
import { EVERYBODY, type View } from "./model.js";

const RANK: Readonly<Record<Role, number>> = { user: 0, moderator: 1, operator: 2 };

/** One's own messages; and what others wrote to everybody, if one is a moderator or an operator. */
export function mayRemove(view: Pick<View, "me" | "role">, message: Message): boolean {
  if (message.removed === true || message.removes !== undefined) return false;
  return message.from === view.me || (message.conv === EVERYBODY && isModerator(view));
}

export function isModerator({ role = "user" }: Pick<View, "role">): boolean {
  return RANK[role] >= RANK.moderator;
}
