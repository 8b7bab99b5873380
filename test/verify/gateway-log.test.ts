import { expect, test } from "vitest";
import { GatewayLogs, eventOf, type LogLine } from "#verifier/gateway-log.js";
import { lineBefore03 } from "#verifier/logs-before-0.3.js";

test("only the event of a line counts, whatever its sentence says", () => {
  const line = { time: 1, msg: "began to lead" };
  expect(eventOf({ ...line, msg: "leads now", event: "leading_began" })).toBe("leading_began");
  expect(eventOf(line)).toBeUndefined();
  expect(eventOf({ ...line, event: "renamed" })).toBeUndefined();
  expect(eventOf({ ...line, msg: "client connected", event: "connected" })).toBeUndefined();
});

test("a line of a release before 0.3 is given the event of its sentence, if it has none", () => {
  const line = { time: 1, msg: "began to lead" };
  expect(lineBefore03(line)).toEqual({ ...line, event: "leading_began" });
  expect(lineBefore03({ ...line, event: "renamed" })).toEqual({ ...line, event: "renamed" });
  expect(lineBefore03({ ...line, msg: "client connected" }).event).toBeUndefined();
});

/** The same lines as this release writes them, and as releases before 0.3 did. */
const lines: [release: string, lines: LogLine[]][] = [
  [
    "this release",
    [
      { time: 1, msg: "a", event: "node_ready", version: "0.3.0", ledger: "abc" },
      { time: 2, msg: "b", event: "leading_began", token: "1-1" },
      {
        time: 3,
        msg: "c",
        event: "events_missing",
        bucket: 5,
        reason: "rolled_back",
        after: { generation: 2, offset: 3 },
        kept: { generation: 2, offset: 1 },
      },
      { time: 4, msg: "d", event: "gap_filled" },
      { time: 5, msg: "e", event: "gap_filled" },
    ],
  ],
  [
    "a release before 0.3",
    [
      { time: 1, msg: "node is ready", version: "0.3.0", ledger: "abc" },
      { time: 2, msg: "began to lead", token: "1-1" },
      {
        time: 3,
        msg: "events are missing from the log",
        bucket: 5,
        reason: "rolled_back",
        after: { g: 2, n: 3 },
        kept: { g: 2, n: 1 },
      } as unknown as LogLine,
      { time: 4, msg: "gap filled from the log" },
      { time: 5, msg: "gap filled from the log" },
    ].map(lineBefore03),
  ],
];

for (const [release, those] of lines) {
  test(`terms, reports, releases and counts are read from the log of ${release}`, () => {
    const logs = new GatewayLogs(() => 77);
    for (const line of those) logs.take(line, 1);
    logs.take({ time: 6, msg: "client connected", event: "connected" }, 1);
    expect([...logs.releases]).toEqual(["0.3.0 with functions abc"]);
    expect(logs.terms).toEqual([{ token: "1-1", gateway: 1, time: 2 }]);
    expect(logs.reports).toEqual([
      {
        t: 77,
        gateway: 1,
        bucket: 5,
        reason: "rolled_back",
        after: { generation: 2, offset: 3 },
        kept: { generation: 2, offset: 1 },
      },
    ]);
    expect([...logs.seen]).toEqual([
      ["node_ready", 1],
      ["leading_began", 1],
      ["events_missing", 1],
      ["gap_filled", 2],
    ]);
  });
}
