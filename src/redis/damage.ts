/**
 * Damaged values: what is in Redis, or was published there, and cannot be what this chat wrote. A damaged value is left
 * out, counted, and logged now and then; it hurts its own user or conversation and nobody else.
 */
import type { Observe } from "../observe.js";

/** Between two log lines about one place: whoever can write to Redis can write many. */
const LOGGED_EACH_MS = 60_000;

/** Where a damaged value was found. */
export const DAMAGED_PLACES = ["channel", "log", "meta", "user", "conversation", "bucket"] as const;

export type DamagedPlace = (typeof DAMAGED_PLACES)[number];

/** A value is not what this chat writes. The message names no part of it. */
export class DamagedValue extends RangeError {
  override readonly name = "DamagedValue";
}

export class DamageLog {
  readonly #observe: Observe;
  readonly #loggedAtMs = new Map<DamagedPlace, number>();
  /** Since the last line. */
  readonly #found = new Map<DamagedPlace, number>();

  constructor(observe: Observe) {
    this.#observe = observe;
  }

  /** @param fields which one it is; never the value itself, which may be somebody's text */
  found(place: DamagedPlace, fields: object, error?: unknown, count = 1): void {
    const { log, counters } = this.#observe;
    counters.damaged.of(place).inc(count);
    const found = (this.#found.get(place) ?? 0) + count;
    this.#found.set(place, found);
    const nowMs = performance.now();
    if (nowMs - (this.#loggedAtMs.get(place) ?? -Infinity) < LOGGED_EACH_MS) return;
    this.#loggedAtMs.set(place, nowMs);
    this.#found.set(place, 0);
    log.error(
      { event: "value_damaged", place, ...fields, found, err: error },
      "a damaged value was found in redis",
    );
  }
}
