/** Messages to everybody, for the operator: which there are; one of them is removed. */
import { GENERAL } from "../chat/conversation.js";
import type { Message } from "../chat/events.js";
import { bytesFromName, type Name } from "../chat/names.js";
import { whyRemoved } from "../chat/removal.js";
import { shown } from "../wire/shown.js";
import type { Stores } from "./stores.js";
import { iso } from "./written.js";

/** Bigger than every number of a message. */
const END = Number.MAX_SAFE_INTEGER;

/** The newest ones, oldest first. @throws Unavailable */
export async function newestMessages(
  { conversations }: Stores,
  limit: number,
): Promise<readonly Message[]> {
  const range = { direction: "before", seq: END, limit } as const;
  return (await conversations.page(GENERAL, range, 0)).messages;
}

/**
 * Removes a message, in the name of who wrote it: an operator has none in the chat. Notes it.
 *
 * @returns its author; undefined: no such message is kept, or it removes another one. @throws Unavailable
 */
export async function removedMessage(
  { conversations, moderation }: Stores,
  seq: number,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<Name | undefined> {
  const asked = { author: undefined, conversation: GENERAL, seq, sinceMs: 0, ofAnybody: true };
  const removal = await conversations.remove(asked);
  if (removal.outcome !== "removed") return undefined;
  const { author: name } = removal;
  const target = { kind: "name", name } as const;
  const why = whyRemoved(seq, reason);
  const id = `removal ${removal.seq}`; // again, it is noted once
  await moderation.note({ act: "remove", target, by, reason: why, id });
  return name;
}

/** Without a text if it was removed, or removes another one. */
export function jsonOfMessage({ seq, time, author, text, removes, removed: isGone }: Message) {
  const isSilent = isGone === true || removes !== undefined;
  const from = shown(bytesFromName(author));
  return { seq, at: iso(time), from, text: isSilent ? null : shown(text) };
}
