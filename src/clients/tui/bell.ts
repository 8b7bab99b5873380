/** The bell: what the terminal rings for, and whether an unread message mentions the user. Pure. */
import type { Message } from "../sdk/events.js";
import { EVERYBODY, type View } from "../view/model.js";
import { conversationIn } from "../view/accessors.js";
import { shownUpTo } from "../view/do-not-disturb.js";
import { sanitize } from "./sanitize.js";
import { mentions } from "./mentions.js";

export const BELLS = ["all", "mentions", "none"] as const;

/** `mentions`: private messages, and messages with the user's name. */
export type Bell = (typeof BELLS)[number];

export function shouldRing(bell: Bell, message: Message, me: string): boolean {
  switch (bell) {
    case "all":
      return true;
    case "mentions":
      return message.conv !== EVERYBODY || isMentioned(message, me);
    case "none":
      return false;
    default:
      return bell satisfies never;
  }
}

/** Whether an unread message of the general chat mentions the user. */
export function hasUnreadMention(view: View): boolean {
  const { messages, read } = conversationIn(view, EVERYBODY);
  const upTo = shownUpTo(view, EVERYBODY) ?? Infinity;
  for (let at = messages.length - 1; at >= 0 && messages[at]!.seq > read; at--) {
    if (messages[at]!.seq <= upTo && isMentioned(messages[at]!, view.me)) return true;
  }
  return false;
}

const known = new WeakMap<Message, { readonly me: string; readonly isMentioned: boolean }>();

function isMentioned(message: Message, me: string): boolean {
  const found = known.get(message);
  if (found?.me === me) return found.isMentioned;
  const isMentioned = message.from !== me && mentions(sanitize(message.text), me).length > 0;
  known.set(message, { me, isMentioned });
  return isMentioned;
}
