/** Retries steps that are idempotent: session ids and message ids make them so. With backoff and jitter. */
import { setTimeout as pause } from "node:timers/promises";
import { Damaged, Unavailable } from "../chat/ports.js";
import type { Attempts } from "./attempts.js";
import { isDamage, isReply } from "./function-library.js";
import { ERROR_TEXTS } from "./library-internals.js";

/** Between attempts: doubled each time, up to the most, and half of it more or less at random. */
const [FIRST_WAIT_MS, MOST_WAIT_MS] = [20, 250];

/**
 * Repeats a step until it succeeds.
 *
 * @param signal ends the attempts
 * @param mayRepeat is asked after each error that is not for good
 * @throws Unavailable when it has not succeeded within this time, may not be repeated, or Redis refuses for good;
 *   Damaged; AbortError
 */
export async function retrying<T>(
  withinMs: number,
  step: () => Promise<T>,
  signal?: AbortSignal,
  mayRepeat: (error: unknown) => boolean = () => true,
): Promise<T> {
  const untilMs = performance.now() + withinMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      const waitMs = Math.min(FIRST_WAIT_MS * 2 ** attempt, MOST_WAIT_MS) * (0.5 + Math.random());
      const refusal = refusedForGood(error);
      if (isDamage(error)) throw new Damaged("what the store has is damaged", { cause: error });
      if (refusal !== undefined) {
        throw new Unavailable(`the store refuses it (${refusal})`, { cause: error });
      }
      if (performance.now() + waitMs > untilMs || !mayRepeat(error)) {
        throw new Unavailable("the store gave no answer in time", { cause: error });
      }
      await pause(waitMs, undefined, { signal });
    }
  }
}

/**
 * Repeats a call for which a client waits, as long as Redis keeps up. See {@link retrying} and {@link Attempts}.
 *
 * @param isIdempotent if not, a call that was late is not made again: Redis may carry it out yet
 */
export function attempting<T>(
  attempts: Attempts,
  withinMs: number,
  call: () => Promise<T>,
  isIdempotent = true,
): Promise<T> {
  const mayRepeat = (error: unknown): boolean =>
    (isIdempotent || !isLate(error)) && attempts.mayRepeat(error);
  return retrying(withinMs, () => attempts.once(call), undefined, mayRepeat);
}

/** No answer came in time; Redis may carry the call out all the same. */
function isLate(error: unknown): boolean {
  return error instanceof Error && error.message === ERROR_TEXTS.commandTimedOut;
}

/** The error of Redis after which a retry is of no use, if it is one. */
function refusedForGood(error: unknown): string | undefined {
  return ["OOM", "MISCONF", "NOPERM", "NOAUTH", "ERR"].find((word) => isReply(error, word));
}
