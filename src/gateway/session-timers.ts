/** The timers of a session. */
import { TIMERS_MS, type Timer } from "../session/timers.js";

export class SessionTimers {
  readonly #onDue: (timer: Timer) => void;
  readonly #running = new Map<Timer, NodeJS.Timeout>();

  constructor(onDue: (timer: Timer) => void) {
    this.#onDue = onDue;
  }

  start(timer: Timer): void {
    this.stop(timer);
    const due = (): void => {
      this.#running.delete(timer);
      this.#onDue(timer);
    };
    this.#running.set(timer, setTimeout(due, TIMERS_MS[timer]).unref());
  }

  stop(timer: Timer): void {
    clearTimeout(this.#running.get(timer));
    this.#running.delete(timer);
  }
}
