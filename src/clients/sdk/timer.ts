/** Timers that keep what they are told: a delay above 2³¹ − 1 ms, Infinity too, would be over at once. */

const LONGEST_MS = 2 ** 31 - 1;

export type Timer = ReturnType<typeof setTimeout>;

export function startTimer(run: () => void, delayMs: number): Timer {
  return setTimeout(run, Math.min(delayMs, LONGEST_MS));
}
