/** Counts and logs holes. A loss in several buckets becomes one error: it has one cause. */
import type { Position } from "../../chat/events.js";
import type { Observe } from "../../observe.js";
import type { Hole } from "./hole.js";
import { isLoss, type Found, type Loss } from "./lineage.js";

/** Losses are gathered until none was found for this long: each beat looks at all buckets. */
const TOGETHER_MS = 2_000;

export class HoleLog {
  readonly #observe: Observe;
  readonly #losses = new Map<number, Loss>();
  #due: NodeJS.Timeout | undefined;

  constructor(observe: Observe) {
    this.#observe = observe;
  }

  add(bucket: number, hole: Hole, found: Found): void {
    const kept = isLoss(found) ? { kept: found.kept } : {};
    this.#observe.counters.holes.of(hole.reason).inc();
    this.#observe.log.warn(
      { event: "events_missing", bucket, ...hole, ...kept },
      "events are missing from the log",
    );
    if (isLoss(found)) {
      this.#losses.set(bucket, found);
      clearTimeout(this.#due);
      this.#due = setTimeout(() => this.#logLosses(), TOGETHER_MS);
    }
  }

  /** Logs the losses gathered so far. */
  close(): void {
    if (this.#due !== undefined) this.#logLosses();
  }

  #logLosses(): void {
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

function written({ generation, offset }: Position): string {
  return `${generation}-${offset}`;
}
