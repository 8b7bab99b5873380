import type { Violation } from "#verifier/checks.js";

/** What is wrong whatever the machine: how long something takes is judged by `npm run verify`, not by a test. */
export function untimed(violations: readonly Violation[]): Violation[] {
  return violations.filter(({ rule }) => !/within \w+ seconds$/.test(rule));
}
