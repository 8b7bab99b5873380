/** The timers of a session. Most sessions have none running, and keep nothing for them. */
import type { Input } from "../session/inputs.js";
import { TIMERS_MS, type Timer } from "../session/timers.js";

export class SessionTimers {
  readonly #machine: { put(input: Input): void };
  #running: Map<Timer, NodeJS.Timeout> | undefined;

  /** @param machine gets each timer that is due */
  constructor(machine: { put(input: Input): void }) {
    this.#machine = machine;
  }

  start(timer: Timer): void {
    this.stop(timer);
    this.#running ??= new Map();
    this.#running.set(timer, setTimeout(due, TIMERS_MS[timer], this, timer).unref());
  }

  /** To be called when the timer has run out. */
  expire(timer: Timer): void {
    this.#forget(timer);
    this.#machine.put({ type: "timer", timer });
  }

  stop(timer: Timer): void {
    clearTimeout(this.#running?.get(timer));
    this.#forget(timer);
  }

  #forget(timer: Timer): void {
    this.#running?.delete(timer);
    if (this.#running?.size === 0) this.#running = undefined;
  }
}

function due(timers: SessionTimers, timer: Timer): void {
  timers.expire(timer);
}
