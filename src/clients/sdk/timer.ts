/** Timers with long delays: `setTimeout` fires at once for a delay above 2³¹ − 1 ms, also for Infinity. */

const LONGEST_MS = 2 ** 31 - 1;

export type Timer = ReturnType<typeof setTimeout>;

export function startTimer(run: () => void, delayMs: number): Timer {
  return setTimeout(run, Math.min(delayMs, LONGEST_MS));
}
