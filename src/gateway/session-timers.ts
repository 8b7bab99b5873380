/** The timers of a session. Most sessions have none running, and keep nothing for them. */
import { TIMERS_MS, type Timer } from "../session/timers.js";

export class SessionTimers {
  readonly #onDue: (timer: Timer) => void;
  #running: Map<Timer, NodeJS.Timeout> | undefined;

  constructor(onDue: (timer: Timer) => void) {
    this.#onDue = onDue;
  }

  start(timer: Timer): void {
    this.stop(timer);
    const due = (): void => {
      this.#forget(timer);
      this.#onDue(timer);
    };
    this.#running ??= new Map();
    this.#running.set(timer, setTimeout(due, TIMERS_MS[timer]).unref());
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
