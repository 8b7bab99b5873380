/** A message as one line of plain output. Pure. */
import type { Message } from "../sdk/events.js";
import { isSilent } from "../view/conversation.js";
import { sanitize, sanitizeLine } from "./sanitize.js";

type Line = Pick<Message, "conv" | "from" | "text" | "removed" | "removes">;

/**
 * `~ ana: hello`, `@bob ana: hi`; always one line, so that nobody can fake a second one. Undefined: there is nothing to
 * read in it, as it was removed, or removes another one.
 */
export function lineOf(message: Line): string | undefined {
  if (isSilent(message)) return undefined;
  const { conv, from, text } = message;
  return `${sanitizeLine(conv)} ${sanitizeLine(from)}: ${oneLine(text)}`;
}

function oneLine(text: string): string {
  return sanitize(text).replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
