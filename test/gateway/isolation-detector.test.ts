/** When a gateway is alone in not being ready: the decision, on a clock of the test's. */
import { expect, test } from "vitest";
import { IsolationDetector } from "#tertulia/gateway/isolation-detector.js";

type Seen = Parameters<IsolationDetector["judge"]>[1];

/** Looks once a second at what there is to see; returns at which seconds clients should leave. */
function leaving(...parts: (readonly [seconds: number, seen: Seen | "frozen"])[]): number[] {
  const alone = new IsolationDetector();
  const seconds: number[] = [];
  let now = 0;
  for (const [count, seen] of parts) {
    for (let i = 0; i < count; i++, now++) {
      if (seen !== "frozen" && alone.judge(now * 1_000, seen)) seconds.push(now);
    }
  }
  return seconds;
}

test.each<[string, Parameters<typeof leaving>, number[]]>([
  ["others serve for ten seconds, and this one does not", [[12, "serving"]], [10, 11]],
  ["nobody serves: Redis is away", [[60, "waiting"]], []],
  ["it is ready all the time", [[60, "ready"]], []],
  [
    "it is ready again after nine seconds",
    [
      [9, "serving"],
      [1, "ready"],
      [9, "serving"],
    ],
    [],
  ],
  [
    "the others are back first: they have to serve for ten seconds",
    [
      [30, "waiting"],
      [11, "serving"],
    ],
    [40],
  ],
  [
    "the others do not serve for a moment",
    [
      [9, "serving"],
      [1, "waiting"],
      [11, "serving"],
    ],
    [20],
  ],
  ["nobody can be reached", [[11, "silent"]], [10]],
  [
    "others serve, then nobody can be reached",
    [
      [5, "serving"],
      [6, "silent"],
    ],
    [10],
  ],
  [
    "it stood still: what was before says nothing",
    [
      [8, "serving"],
      [100, "frozen"],
      [11, "serving"],
    ],
    [118],
  ],
  [
    "one look was late",
    [
      [5, "serving"],
      [3, "frozen"],
      [3, "serving"],
    ],
    [10],
  ],
])("clients leave, or stay: %s", (_, parts, expected) => {
  expect(leaving(...parts)).toEqual(expected);
});
