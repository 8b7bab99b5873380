import { brokenOf, type Judgement } from "#verifier/rules/rule.js";

/** What is wrong whatever the machine: how long something takes is judged by `npm run verify`, not by a test. */
export function untimed(judgements: readonly Judgement[]): Judgement[] {
  return brokenOf(judgements).filter(({ isTimed }) => isTimed !== true);
}
