/** Waiters whose time is over. They are taken at once: there may be tens of thousands after Redis has hung. */

/** Takes those out whose time ended first: of the first ones, up to one that still has time (steady clock, ms). */
export function takeOverdue<Waiter extends { readonly untilMs: number }>(
  waiting: Waiter[],
  nowMs: number,
): Waiter[] {
  const first = waiting.findIndex(({ untilMs }) => untilMs >= nowMs);
  return waiting.splice(0, first === -1 ? waiting.length : first);
}
