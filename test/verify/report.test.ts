import { expect, test } from "vitest";
import { report } from "#verifier/report.js";
import { judged, type Rule } from "#verifier/rules/rule.js";

const rule: Rule = { id: "tokens-rise", sentence: "leadership tokens rise", needs: "terms" };
const kept = judged(rule, { seen: 3, wrong: [] });
const broken = judged(rule, { seen: 3, wrong: ["1-1 after 1-2", "1-1 after 1-3"] });
const unseen = judged(rule, { seen: 0, wrong: [] });

const reports: [
  what: string,
  judgements: (typeof kept)[],
  voidBecause: string | undefined,
  code: number,
  lines: string[],
][] = [
  [
    "all are kept",
    [kept],
    undefined,
    0,
    ["kept    tokens-rise: leadership tokens rise (3 terms)", "VERDICT: every promise was kept"],
  ],
  [
    "one saw nothing that it need not see",
    [kept, unseen],
    undefined,
    0,
    [
      "kept    tokens-rise: leadership tokens rise (3 terms)",
      "void    tokens-rise: leadership tokens rise (no terms were seen)",
      "VERDICT: every promise was kept; 1 of the rules had nothing to judge",
    ],
  ],
  [
    "the run is void",
    [unseen],
    "no leader was seen",
    2,
    [
      "void    tokens-rise: leadership tokens rise (no terms were seen)",
      "VERDICT: void, no leader was seen",
    ],
  ],
  [
    "one is broken in a run that is void",
    [broken],
    "no gap was ever filled",
    1,
    [
      "BROKEN  tokens-rise: leadership tokens rise (2 times)\n  for example: 1-1 after 1-2",
      "VERDICT: promises were broken",
    ],
  ],
];

for (const [what, judgements, voidBecause, code, lines] of reports) {
  test(`the report ends with ${code} when ${what}`, () => {
    const told = report({ judgements, figures: { messages: 7 }, voidBecause });
    expect(told).toEqual({ code, lines: ["messages: 7", ...lines] });
  });
}

test("a rule that was broken is broken, though it counted no case", () => {
  expect(judged(rule, { seen: 0, wrong: ["x"] }).verdict).toBe("broken");
});
