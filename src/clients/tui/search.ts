/** Searches the loaded messages of the open conversation. Pure. */
import { emoteOf } from "../view/emote.js";
import type { View } from "../view/model.js";
import { timelineRows, type Row } from "../view/timeline.js";
import { sanitize } from "./sanitize.js";
import { occurrences } from "./highlights.js";

/** The keys of the rows that have it, oldest first. */
export function hits(view: View, text: string): readonly string[] {
  return timelineRows(view).flatMap((row) => (hasIt(row, text) ? row.key : []));
}

/** The next hit, older or newer; the same one at either end. Undefined: there is none. */
export function nextHit(
  found: readonly string[],
  key: string | undefined,
  by: 1 | -1,
): string | undefined {
  const at = key === undefined ? -1 : found.indexOf(key);
  if (at === -1) return found.at(-1);
  return found[Math.max(0, Math.min(found.length - 1, at + by))];
}

function hasIt(row: Row, text: string): boolean {
  const said =
    row.type === "message" ? row.message.text : row.type === "outgoing" ? row.outgoing.text : "";
  return occurrences(sanitize(emoteOf(said) ?? said), text).length > 0;
}
