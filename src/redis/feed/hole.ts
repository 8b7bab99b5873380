/** A hole: events that the log no longer has, so nothing can fill it. Pure. */
import { isBefore, type Position } from "../../chat/events.js";
import { isLoss, isSame, nextThere, type Found, type Lineage } from "./lineage.js";

export interface Hole {
  /** The last event that was known. */
  readonly after: Position;
  readonly reason: "rolled_back" | "trimmed";
  /** Whether events that are there will not be delivered. */
  readonly hasMissed: boolean;
}

export interface HoleFacts {
  readonly cursor: Position;
  /** The last event that was delivered. */
  readonly last: Position;
  readonly found: Found;
  readonly lineage: Lineage;
  /** The first event that the log has after the cursor. */
  readonly first: Position | undefined;
  /** The first event of the log. */
  readonly oldest: Position | undefined;
}

/** What to report when the cursor's event is not in the log, or events that were seen are lost. */
export function holeOf({ cursor, last, found, lineage, first, oldest }: HoleFacts): Hole {
  if (isLoss(found)) {
    // events that were seen may not have been delivered
    const base = isBefore(last, found.kept) ? last : found.kept;
    const next = nextThere(lineage, base);
    // if there was none, the first event came after the lineage was read
    const { generation, offset } = lineage.head;
    const due = next ?? { generation, offset: offset + 1 };
    const hasMissed = first === undefined ? next !== undefined : !isSame(first, due);
    return { after: found.seen, reason: "rolled_back", hasMissed };
  }
  // nothing is lost, or it is unknown
  if (found === undefined || (oldest !== undefined && isBefore(cursor, oldest))) {
    return { after: cursor, reason: "trimmed", hasMissed: true };
  }
  const hasMissed = oldest === undefined && lineage.head.offset > 0;
  return { after: cursor, reason: "rolled_back", hasMissed };
}
