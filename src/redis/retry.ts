/** Steps that are safe to repeat are repeated: session ids and message ids see to it that they are. */
import { setTimeout as pause } from "node:timers/promises";
import { Unavailable } from "../chat/ports.js";
import { isReply } from "./function-library.js";

/**
 * @param signal gives up
 * @throws Unavailable when there was no good answer within this time, or Redis refuses for good; an AbortError
 */
export async function retrying<T>(
  withinMs: number,
  step: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const until = performance.now() + withinMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      const wait = Math.min(20 * 2 ** attempt, 250) * (0.5 + Math.random());
      const refusal = refusedForGood(error);
      if (refusal !== undefined) {
        throw new Unavailable(`the store refuses it (${refusal})`, { cause: error });
      }
      if (performance.now() + wait > until) {
        throw new Unavailable("the store gave no answer in time", { cause: error });
      }
      await pause(wait, undefined, { signal });
    }
  }
}

/** Redis has understood and will not do it; asking again changes nothing. */
function refusedForGood(error: unknown): string | undefined {
  return ["WRONGTYPE", "OOM", "MISCONF", "NOPERM", "NOAUTH", "ERR"].find((word) =>
    isReply(error, word),
  );
}
