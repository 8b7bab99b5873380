/**
 * Which calls of a connection are made, and made again, when Redis does not answer in time: overload must not outlive its
 * cause. A call that was late may still be carried out, so a repetition of it is more work for a Redis that has too much.
 *
 *     closed ─late, often in a row→ open ─after a while, a call→ probing ─late→ open
 *     open, probing ─an answer→ closed
 *
 * An error reply is an answer. Errors of a lost connection do not count: they cost Redis nothing, and calls wait for the
 * next connection.
 */
import { ReplyError } from "ioredis";
import { Unavailable } from "../chat/ports.js";
import { ERROR_TEXTS } from "./library-internals.js";

/** After so many late calls in a row without an answer, only one call at a time is made. A list makes 16 at once. */
const LATE_IN_A_ROW = 64;
/** So long none is made then. */
const REST_MS = 250;
/** Late calls that are made again: one for so many answers, and so many at once. */
const [ANSWERS_EACH, MOST_AGAIN] = [10, 256];

type State =
  | { readonly kind: "closed"; readonly lateInARow: number }
  | { readonly kind: "open"; readonly untilMs: number }
  | { readonly kind: "probing" };

const CLOSED: State = { kind: "closed", lateInARow: 0 };

export class Attempts {
  readonly #changed: (to: "closed" | "open") => void;
  readonly #nowMs: () => number;
  #state: State = CLOSED;
  /** Answers for which no call was made again. */
  #spare = MOST_AGAIN * ANSWERS_EACH;

  /**
   * @param changed is told when calls are held back (`open`), and when they are made again
   * @param nowMs steady
   */
  constructor(changed: (to: "closed" | "open") => void, nowMs = () => performance.now()) {
    this.#changed = changed;
    this.#nowMs = nowMs;
  }

  /** Makes a call, once. @throws Unavailable if calls are held back; else the error of the call */
  async once<T>(step: () => Promise<T>): Promise<T> {
    this.#enter();
    try {
      const answer = await step();
      this.#answered();
      return answer;
    } catch (error) {
      if (error instanceof ReplyError) this.#answered();
      else if (isLate(error)) this.#late();
      else if (this.#state.kind === "probing") this.#rest(); // the connection was lost
      throw error;
    }
  }

  /** Whether a call that failed so is made again. If it was late, this takes from those that may be. */
  mayRepeat(error: unknown): boolean {
    if (!isLate(error)) return true;
    if (this.#spare < ANSWERS_EACH) return false;
    this.#spare -= ANSWERS_EACH;
    return true;
  }

  #enter(): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    if (state.kind === "probing" || this.#nowMs() < state.untilMs) {
      throw new Unavailable("the store does not answer in time, and is asked only now and then");
    }
    this.#state = { kind: "probing" };
  }

  #answered(): void {
    this.#spare = Math.min(this.#spare + 1, MOST_AGAIN * ANSWERS_EACH);
    if (this.#state.kind !== "closed") this.#changed("closed");
    this.#state = CLOSED;
  }

  #late(): void {
    const state = this.#state;
    if (state.kind === "open") return; // it was made before
    if (state.kind === "closed" && state.lateInARow + 1 < LATE_IN_A_ROW) {
      this.#state = { kind: "closed", lateInARow: state.lateInARow + 1 };
      return;
    }
    if (state.kind === "closed") this.#changed("open");
    this.#rest();
  }

  #rest(): void {
    this.#state = { kind: "open", untilMs: this.#nowMs() + REST_MS };
  }
}

function isLate(error: unknown): boolean {
  return error instanceof Error && error.message === ERROR_TEXTS.commandTimedOut;
}
