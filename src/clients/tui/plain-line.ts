/** A message as one line of plain output. Pure. */
import type { Message } from "../sdk/events.js";
import { sanitize, sanitizeLine } from "./sanitize.js";

/** `~ ana: hello`, `@bob ana: hi`; always one line, so that nobody can fake a second one. */
export function lineOf({ conv, from, text }: Pick<Message, "conv" | "from" | "text">): string {
  return `${sanitizeLine(conv)} ${sanitizeLine(from)}: ${oneLine(text)}`;
}

function oneLine(text: string): string {
  return sanitize(text).replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
