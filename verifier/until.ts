/** Waits for a condition, with a deadline whose error names the condition. */
import { setTimeout as pause } from "node:timers/promises";

/** Asks every 25 ms; an error counts as no. @throws Error after the deadline, with the last error as its cause. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  withinMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  let cause: unknown;
  for (;;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline)
      throw new Error(`not within ${withinMs} ms: ${what}`, { cause });
    await pause(25);
  }
}

/** Resolves with a server's answer, or with `otherwise` after a second: a frozen server does not answer. */
export async function withinASecond<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), 1_000);
  });
  try {
    return await Promise.race([answer.catch(() => otherwise), silence]);
  } finally {
    clearTimeout(timer);
  }
}
