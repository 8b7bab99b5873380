/** Whether a page of the log has all that comes after the cursor: what proves it, and what must come next. Pure. */
import { isBefore, type Position } from "../../chat/events.js";
import type { LoggedEvent } from "./bucket-state.js";
import { isGone, isSame, nextThere, type Lineage, type Seen } from "./lineage.js";

/**
 * Whether nothing can lie between the cursor and the first event that the log has from there on. The
 * beginning of a generation has no event that proves it; there, `due` is what must come next.
 */
export function follows(
  first: Position | undefined,
  cursor: Position,
  due: Position | undefined,
): boolean {
  if (cursor.offset > 0) return isSame(first, cursor) || isSame(first, after(cursor));
  return first === undefined || due !== undefined ? isSame(first, due) : first.offset === 1;
}

/** The event that comes next by a lineage, if a page must have it: its head was known before it was asked for. */
export function dueBy(
  head: Position,
  last: Position,
  page: readonly LoggedEvent[],
  lineage: Lineage,
): Position | undefined {
  if (lineage.ends === undefined) return undefined; // nobody knows
  const next = nextThere(lineage, last);
  const isLater = next !== undefined && isBefore(head, next);
  return isLater && page.length === 0 ? undefined : next;
}

/** What the cursor stands behind: at the beginning of a generation, the end of the one before it. */
export function lastEvent(cursor: Position, { ends }: Seen): Position {
  if (cursor.offset > 0) return cursor;
  const before = [...ends].findLast(([generation]) => generation < cursor.generation);
  return before === undefined ? cursor : { generation: before[0], offset: before[1] };
}

export function after({ generation, offset }: Position): Position {
  return { generation, offset: offset + 1 };
}

/** A page without what the lineage says is lost: a server that was replaced had that. */
export function upToLost(page: readonly LoggedEvent[], lineage: Lineage): readonly LoggedEvent[] {
  const end = page.findIndex(({ at }) => isGone(lineage, at));
  return end === -1 ? page : page.slice(0, end);
}
