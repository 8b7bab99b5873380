/** What is printed of a run: its figures, a line for each rule, the verdict. Pure. */
import { brokenOf, type Judgement } from "./rules/rule.js";
import type { ScenarioResult } from "./scenarios/scenario.js";

interface Report {
  readonly lines: readonly string[];
  /** The exit code: 0 kept, 1 broken, 2 void. */
  readonly code: 0 | 1 | 2;
}

export function report({ judgements, figures, voidBecause }: ScenarioResult): Report {
  const lines = [
    ...Object.entries(figures).map(([name, figure]) => `${name}: ${figure}`),
    ...judgements.map((judgement) => lineOf(judgement)),
  ];
  const end = (code: Report["code"], verdict: string): Report => {
    return { lines: [...lines, `VERDICT: ${verdict}`], code };
  };
  // a promise that was broken is broken, whatever else the run proves
  if (brokenOf(judgements).length > 0) return end(1, "promises were broken");
  if (voidBecause !== undefined) return end(2, `void, ${voidBecause}`);
  const unseen = judgements.filter(({ verdict }) => verdict === "void").length;
  const but = unseen === 0 ? "" : `; ${unseen} of the rules had nothing to judge`;
  return end(0, `every promise was kept${but}`);
}

function lineOf({ id, sentence, needs, verdict, seen, wrong }: Judgement): string {
  switch (verdict) {
    case "kept":
      return `kept    ${id}: ${sentence} (${seen} ${needs})`;
    case "void":
      return `void    ${id}: ${sentence} (no ${needs} were seen)`;
    case "broken":
      return `BROKEN  ${id}: ${sentence} (${wrong.length} times)\n  for example: ${wrong[0]}`;
    default:
      return verdict satisfies never;
  }
}
