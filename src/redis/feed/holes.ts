/** Holes: says what is missing of what was seen; what all buckets have lost at once, in one loud line. */
import { isBefore, type Position } from "../../chat/events.js";
import type { Observe } from "../../observe.js";
import { isLoss, isNextThere, type Lineage, type Loss, type Seen } from "./lineage.js";

/** What is found within so long after another belongs to it: all buckets are looked at each beat. */
const TOGETHER_MS = 2_000;

export interface Hole {
  /** The last event that was known. */
  readonly after: Position;
  readonly reason: "rolled_back" | "trimmed";
  /** Events that are there will not be told. */
  readonly hasMissed: boolean;
}

interface Found {
  readonly bucket: number;
  readonly cursor: Position;
  readonly found: ReturnType<Seen["meet"]>;
  readonly lineage: Lineage;
  /** The first event that the log has after the cursor. */
  readonly first: Position | undefined;
  /** The first event of the log. */
  readonly oldest: Position | undefined;
}

export class Holes {
  readonly #observe: Observe;
  readonly #losses = new Map<number, Loss>();
  #due: NodeJS.Timeout | undefined;

  constructor(observe: Observe) {
    this.#observe = observe;
  }

  /** The cursor's event is not in the log, or what was seen is lost. */
  report(what: Found): Hole {
    const { bucket, found } = what;
    const hole = holeOf(what);
    const kept = isLoss(found) ? { kept: found.kept } : {};
    this.#observe.counters.holes.inc({ reason: hole.reason });
    this.#observe.log.warn(
      { event: "events_missing", bucket, ...hole, ...kept },
      "events are missing from the log",
    );
    if (isLoss(found)) {
      this.#losses.set(bucket, found);
      clearTimeout(this.#due);
      this.#due = setTimeout(() => this.#tell(), TOGETHER_MS);
    }
    return hole;
  }

  /** Says what is still to be said. */
  close(): void {
    if (this.#due !== undefined) this.#tell();
  }

  #tell(): void {
    clearTimeout(this.#due);
    this.#due = undefined;
    const buckets = [...this.#losses]
      .toSorted(([a], [b]) => a - b)
      .map(([bucket, { seen, kept, events }]) => {
        return { bucket, seen: written(seen), kept: written(kept), events };
      });
    this.#losses.clear();
    const events = buckets.reduce((sum, each) => sum + each.events, 0);
    this.#observe.counters.rollbacks.inc();
    this.#observe.log.error(
      { event: "rolled_back", events, buckets },
      "redis holds older data than this node has seen, the rest is lost",
    );
  }
}

function holeOf({ cursor, found, lineage, first, oldest }: Found): Hole {
  if (isLoss(found)) {
    const hasMissed = !isNextThere(first, lineage, found.kept);
    return { after: found.seen, reason: "rolled_back", hasMissed };
  }
  // nothing is lost, or nobody knows
  if (found === undefined || (oldest !== undefined && isBefore(cursor, oldest))) {
    return { after: cursor, reason: "trimmed", hasMissed: true };
  }
  const hasMissed = oldest === undefined && lineage.head.offset > 0;
  return { after: cursor, reason: "rolled_back", hasMissed };
}

function written({ generation, offset }: Position): string {
  return `${generation}-${offset}`;
}
