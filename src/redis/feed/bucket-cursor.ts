/** The feed's place in one bucket, and what follows what. */
import type { Position } from "../../chat/events.js";
import type { Seen } from "./lineage.js";

export const NOWHERE: Position = { generation: -1, offset: 0 };

export class BucketCursor {
  readonly index: number;
  readonly log: string;
  /** What this node knows to have been there, whoever told. */
  readonly seen: Seen;
  /** The last event that was delivered. */
  cursor: Position = NOWHERE;
  /** The newest event that the subscription told of. */
  heard: Position = NOWHERE;
  /** The head at the last comparison: the subscription must have told of it by the next. */
  expected: Position | undefined;
  silences = 0;
  filling: Promise<void> | undefined;

  constructor(index: number, log: string, seen: Seen) {
    this.index = index;
    this.log = log;
    this.seen = seen;
  }
}

/** Whether nothing can lie between the cursor and the first event that the log has after it. */
export function follows(first: Position | undefined, cursor: Position): boolean {
  if (first === undefined) return cursor.offset === 0;
  return (
    isSame(first, cursor) || isNext(first, cursor) || (cursor.offset === 0 && first.offset === 1)
  );
}

function isSame(a: Position, b: Position): boolean {
  return a.generation === b.generation && a.offset === b.offset;
}

export function isNext(a: Position, b: Position): boolean {
  return a.generation === b.generation && a.offset === b.offset + 1;
}
