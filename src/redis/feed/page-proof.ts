/** Whether a page of the log continues at the cursor without a gap. Pure. */
import { isBefore, type Position } from "../../chat/events.js";
import type { LoggedEvent } from "./bucket-state.js";
import { isGone, isSame, nextThere, type Lineage, type Seen } from "./lineage.js";

/**
 * Whether nothing is missing between the cursor and the first event of a page. The cursor's own event proves it.
 * The beginning of a generation has none; there, the first event must be `due`.
 */
export function follows(
  first: Position | undefined,
  cursor: Position,
  due: Position | undefined,
): boolean {
  if (cursor.offset > 0) return isSame(first, cursor) || isSame(first, after(cursor));
  return first === undefined || due !== undefined ? isSame(first, due) : first.offset === 1;
}

/** By a lineage, the event after `last` that a page must begin with. `head` was known before the page was requested. */
export function dueBy(
  head: Position,
  last: Position,
  page: readonly LoggedEvent[],
  lineage: Lineage,
): Position | undefined {
  if (lineage.ends === undefined) return undefined; // unknown
  const next = nextThere(lineage, last);
  const isLater = next !== undefined && isBefore(head, next);
  return isLater && page.length === 0 ? undefined : next;
}

/** The cursor; or, at the beginning of a generation, the end of the one before it. */
export function lastEvent(cursor: Position, { ends }: Seen): Position {
  if (cursor.offset > 0) return cursor;
  const before = [...ends].findLast(([generation]) => generation < cursor.generation);
  return before === undefined ? cursor : { generation: before[0], offset: before[1] };
}

export function after({ generation, offset }: Position): Position {
  return { generation, offset: offset + 1 };
}

/** A page up to the first event that is lost by the lineage: a replaced server still had it. */
export function upToLost(page: readonly LoggedEvent[], lineage: Lineage): readonly LoggedEvent[] {
  const end = page.findIndex(({ at }) => isGone(lineage, at));
  return end === -1 ? page : page.slice(0, end);
}
