/** Delivers what the feed of a bucket has found: notices, and holes as gaps. Each is counted and logged. */
import type { Notice, Position } from "../../chat/events.js";
import type { Observe } from "../../observe.js";
import type { DamageLog } from "../damage.js";
import { decodeEvent, isKnown } from "../events.js";
import { isDamaged } from "./bucket-log.js";
import type { Effect, LoggedEvent } from "./bucket-state.js";
import type { Hole } from "./hole.js";
import { HoleLog } from "./hole-log.js";
import type { Found } from "./lineage.js";

export class Delivery {
  /** Who gets the notices. */
  to: (notice: Notice) => void = () => {};
  readonly #observe: Observe;
  readonly #damage: DamageLog;
  readonly #holes: HoleLog;

  constructor(observe: Observe, damage: DamageLog) {
    this.#observe = observe;
    this.#damage = damage;
    this.#holes = new HoleLog(observe);
  }

  /** Nothing is passed of an event whose kind only a later release knows. */
  pass(bucket: number, notice: Notice | undefined): void {
    if (notice === undefined) return;
    try {
      this.to(notice);
    } catch (error) {
      this.#observe.log.error(
        { event: "delivery_failed", err: error, bucket },
        "event could not be delivered",
      );
    }
  }

  /** Events of the log. What is damaged is a hole: it is announced, like events that the log no longer has. */
  passRead(bucket: number, events: readonly LoggedEvent[]): void {
    let after: Position | undefined;
    for (const each of events) {
      const { at, event } = each;
      if (isDamaged(each)) {
        this.#damage.found("log", { bucket, at });
        after ??= { ...at, offset: Math.max(at.offset - 1, 0) };
        this.report(bucket, { after, reason: "trimmed", hasMissed: true }, undefined);
      } else if (isKnown(event)) {
        this.pass(bucket, decodeEvent(event, at));
      }
      after = at;
    }
  }

  report(bucket: number, hole: Hole, found: Found): void {
    this.#holes.add(bucket, hole, found);
    this.pass(bucket, { type: "gap", bucket, ...hole });
  }

  filled(bucket: number, { after, count }: Extract<Effect, { type: "filled" }>): void {
    const { log, counters } = this.#observe;
    counters.gapsFilled.inc();
    counters.eventsFilled.inc(count);
    log.info({ event: "gap_filled", bucket, after, events: count }, "gap filled from the log");
  }

  /** Logs what it has gathered. */
  close(): void {
    this.#holes.close();
  }
}
