import { setTimeout as pause } from "node:timers/promises";

/** Tries until it does not throw; after the deadline, fails with what it saw last. */
export async function eventually<T>(check: () => T | Promise<T>, withinMs = 15_000): Promise<T> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > until) {
        throw new Error(`not within ${withinMs} ms: ${String(error)}`, { cause: error });
      }
      await pause(20);
    }
  }
}
