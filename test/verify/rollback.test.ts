import { expect, test } from "vitest";
import { figuresOf, whyVoid } from "#verifier/figures.js";
import type { Entry } from "#verifier/history.js";
import type { Published, Report, RunHistory, Stored } from "#verifier/rules/run-history.js";
import { brokenOf } from "#verifier/rules/rule.js";
import { check } from "#verifier/rules/rules.js";

interface Run {
  entries: Entry[];
  truth: {
    messages: Stored[];
    connected: string[];
    terms: RunHistory["truth"]["terms"];
    events: Published[];
    reports: Report[];
  };
  open: Map<string, number>;
  ack: RunHistory["ack"];
  ackReplicas: number;
}

const said = (id: string, seq: number, epoch: number): Stored => ({
  conv: "~",
  author: id.split(".")[0]!,
  id,
  seq,
  epoch,
});

const published = (t: number, generation: number, offset: number, message: Stored): Published => ({
  t,
  bucket: 0,
  generation,
  offset,
  digest: `${message.id} ${message.epoch} ${message.seq}`,
  message,
});

/**
 * Ana's second message is acknowledged and heard by all, then a lossy failover takes it back. Bob's
 * message after that has its number, of another epoch. A gateway says that its log was rolled back.
 */
function rolledBack(): Run {
  const kept = said("ana.1", 1, 1);
  const lost = said("ana.2", 2, 1);
  const after = said("bob.1", 2, 9);
  const everybody = { gateways: [0, 1], what: "lossy-failover" };
  return {
    entries: [
      { t: 1, kind: "open", session: 1, name: "ana", gateway: 0 },
      { t: 2, kind: "open", session: 2, name: "bob", gateway: 1 },
      { t: 3, kind: "invoke", session: 1, id: "ana.1", conv: "~" },
      { t: 4, kind: "heard", session: 1, id: "ana.1", conv: "~" },
      { t: 5, kind: "ok", id: "ana.1" },
      { t: 6, kind: "heard", session: 2, id: "ana.1", conv: "~" },
      { t: 5_000, kind: "fault", ...everybody, rollsBack: true },
      { t: 5_010, kind: "invoke", session: 1, id: "ana.2", conv: "~" },
      { t: 5_012, kind: "heard", session: 1, id: "ana.2", conv: "~" },
      { t: 5_012, kind: "ok", id: "ana.2" },
      { t: 5_013, kind: "heard", session: 2, id: "ana.2", conv: "~" },
      { t: 5_500, kind: "down", what: "lossy-failover", gateways: [] },
      { t: 8_000, kind: "invoke", session: 2, id: "bob.1", conv: "~" },
      { t: 8_010, kind: "heard", session: 2, id: "bob.1", conv: "~" },
      { t: 8_010, kind: "ok", id: "bob.1" },
      { t: 8_020, kind: "heard", session: 1, id: "bob.1", conv: "~" },
      { t: 9_000, kind: "healed", what: "lossy-failover" },
    ],
    truth: {
      messages: [kept, after],
      connected: ["ana", "bob"],
      terms: [],
      events: [
        published(4, 1, 1, kept),
        published(5_011, 1, 2, lost),
        published(8_005, 9, 1, after),
      ],
      reports: [
        {
          t: 7_900,
          gateway: 0,
          bucket: 0,
          after: { generation: 1, offset: 2 },
          reason: "rolled_back",
        },
      ],
    },
    open: new Map([
      ["ana", 1],
      ["bob", 2],
    ]),
    ack: "fast",
    ackReplicas: 1,
  };
}

/** The same, and then the gateway, whose call was never answered, stores ana's message again. */
function storedAgain(): Run {
  const run = rolledBack();
  const again = said("ana.2", 3, 9);
  run.truth.messages.push(again);
  run.truth.events.push(published(8_500, 9, 2, again));
  run.entries.push(
    { t: 8_501, kind: "heard", session: 1, id: "ana.2", conv: "~" },
    { t: 8_502, kind: "heard", session: 2, id: "ana.2", conv: "~" },
  );
  return run;
}

const rulesBroken = (run: Run): string[] => brokenOf(check(run)).map(({ id }) => id);

const LOST = "acknowledged-is-stored";
const GONE = "heard-is-stored";
const VIEW = "heard-once-in-order";

test("messages that a failover rolled back may be lost, if a gateway reports it", () => {
  expect(rulesBroken(rolledBack())).toEqual([]);
});

test("a message that was rolled back and stored again may be heard again", () => {
  expect(rulesBroken(storedAgain())).toEqual([]);
});

test("a session that heard nothing for a while may hear both copies, one after the other", () => {
  const run = storedAgain();
  const isLate = (entry: Entry): boolean =>
    entry.kind === "heard" && entry.session === 2 && entry.t > 5_000;
  const times = [8_600, 8_601, 8_602];
  run.entries = run.entries.map((entry) =>
    isLate(entry) ? { ...entry, t: times.shift()! } : entry,
  );
  expect(rulesBroken(run)).toEqual([]);
});

test("a session that heard only the first copy, late, and hung up, is recognised by the number before it", () => {
  const run = storedAgain();
  run.entries.push(
    { t: 3, kind: "open", session: 3, name: "eva", gateway: 1 },
    { t: 6, kind: "heard", session: 3, id: "ana.1", conv: "~" },
    { t: 8_300, kind: "heard", session: 3, id: "ana.2", conv: "~" },
    { t: 8_301, kind: "closed", session: 3 },
  );
  run.entries.sort((one, other) => one.t - other.t);
  expect(rulesBroken(run)).toEqual([]);
});

test("an acknowledged replicated message may not be lost, not even in a failover on request", () => {
  const run = rolledBack();
  for (const entry of run.entries) {
    if ("what" in entry) Object.assign(entry, { what: "asked-failover" });
  }
  expect(rulesBroken(run)).toEqual([]);
  run.ack = "replicated";
  expect(rulesBroken(run)).toContain(LOST);
});

test("a stale primary may publish what it had been sent when it wakes up, if nobody hears it", () => {
  const run = storedAgain();
  const stale = said("ana.2", 3, 1);
  run.truth.events[1] = published(8_900, 1, 3, stale);
  run.truth.reports[0] = { ...run.truth.reports[0]!, after: { generation: 1, offset: 3 } };
  run.entries = run.entries.filter(
    (entry) => !(entry.kind === "heard" && entry.id === "ana.2" && entry.t < 8_000),
  );
  expect(rulesBroken(run)).toEqual([]);
  run.entries.push({ t: 8_901, kind: "heard", session: 2, id: "ana.2", conv: "~" });
  expect(rulesBroken(run)).toContain(VIEW);
});

const spoiled: [what: string, rule: string, run: Run, spoil: (run: Run) => void][] = [
  ["nobody says so", LOST, rolledBack(), (run) => (run.truth.reports = [])],
  ["nobody says so", GONE, rolledBack(), (run) => (run.truth.reports = [])],
  ["nobody says so", VIEW, storedAgain(), (run) => (run.truth.reports = [])],
  [
    "who says so had not seen so much",
    LOST,
    rolledBack(),
    (run) =>
      (run.truth.reports[0] = { ...run.truth.reports[0]!, after: { generation: 1, offset: 1 } }),
  ],
  [
    "another bucket was rolled back",
    LOST,
    rolledBack(),
    (run) => (run.truth.reports[0] = { ...run.truth.reports[0]!, bucket: 1 }),
  ],
  [
    "the log was trimmed, not rolled back",
    LOST,
    rolledBack(),
    (run) => (run.truth.reports[0] = { ...run.truth.reports[0]!, reason: "trimmed" }),
  ],
  [
    "there was no failover",
    LOST,
    rolledBack(),
    (run) => (run.entries = run.entries.filter(({ kind }) => kind !== "fault")),
  ],
  [
    "it was acknowledged long before the failover",
    LOST,
    rolledBack(),
    (run) =>
      (run.entries = run.entries.map((entry) =>
        "id" in entry && entry.id === "ana.2" ? { ...entry, t: 100 } : entry,
      )),
  ],
  ["it was never published", LOST, rolledBack(), (run) => run.truth.events.splice(1, 1)],
  ["it was acknowledged as replicated", LOST, rolledBack(), (run) => (run.ack = "replicated")],
  [
    "its number and epoch are given to another message",
    "number-names-one-message",
    rolledBack(),
    (run) => (run.truth.messages[1] = said("bob.1", 2, 1)),
  ],
  [
    "its position is given to another event",
    "position-means-one-event",
    rolledBack(),
    (run) => run.truth.events.push(published(8_001, 1, 2, said("bob.1", 2, 9))),
  ],
  [
    "nobody can write for nine seconds",
    "writable-after-failover",
    rolledBack(),
    (run) =>
      (run.entries = run.entries.map((entry) =>
        entry.t >= 8_000 ? { ...entry, t: entry.t + 6_700 } : entry,
      )),
  ],
  [
    "it is heard a third time",
    VIEW,
    storedAgain(),
    (run) => run.entries.push({ t: 8_600, kind: "heard", session: 2, id: "ana.2", conv: "~" }),
  ],
];

test("a planned outage may take its time, and explains sign-outs", () => {
  const run = rolledBack();
  run.entries = run.entries.map((entry) =>
    entry.t >= 8_000 ? { ...entry, t: entry.t + 30_000 } : entry,
  );
  run.entries.push({ t: 30_000, kind: "presence", session: 2, name: "ana", status: 0 });
  run.entries.sort((one, other) => one.t - other.t);
  expect(rulesBroken(run).toSorted()).toEqual(
    ["no-false-sign-out", "writable-after-failover"].toSorted(),
  );
  for (const entry of run.entries) {
    if (entry.kind === "fault") Object.assign(entry, { isOutage: true });
  }
  expect(rulesBroken(run)).toEqual([]);
});

for (const [what, rule, run, spoil] of spoiled) {
  test(`found when ${what}: ${rule}`, () => {
    spoil(run);
    expect(rulesBroken(run)).toContain(rule);
  });
}

test("the figures show what each failover lost and how long nobody could write", () => {
  const figures = figuresOf(rolledBack(), new Map());
  expect(figures["lost although acknowledged, lossy-failover"]).toBe("1 (in 1)");
  expect(figures["of these not announced"]).toBe(0);
  expect(figures["no write ms, lossy-failover"]).toBe("median 2510, max 2510");
});

test("a run whose lossy failovers lost nothing is void", () => {
  const counts = new Map([["lossy-failover", 1]]);
  expect(whyVoid(rolledBack(), counts, new Map())).toBeUndefined();
  const run = rolledBack();
  run.truth.messages.push(said("ana.2", 2, 1));
  expect(whyVoid(run, counts, new Map())).toBe("no lossy-failover has lost a tail");
});

test("sign-outs after a kill are timed at each viewer", () => {
  const run = rolledBack();
  run.entries.push(
    { t: 10_000, kind: "down", what: "kill-gateway", gateways: [0] },
    { t: 10_001, kind: "closed", session: 1 },
    { t: 14_000, kind: "presence", session: 2, name: "ana", status: 0 },
    { t: 14_100, kind: "open", session: 3, name: "ana", gateway: 1 },
    { t: 16_000, kind: "presence", session: 2, name: "ana", status: 0 },
  );
  const figures = figuresOf(run, new Map());
  expect(figures["sign-out heard after a kill ms"]).toBe("median 4000, max 4000");
  expect(figures["back after a kill ms"]).toBe("median 4100, max 4100");
});

test("a gateway's report of what is kept covers all generations since", () => {
  const run = rolledBack();
  const [report] = run.truth.reports;
  const says = (kept: [number, number], after: [number, number]): string[] => {
    const [k, a] = [kept, after].map(([generation, offset]) => ({ generation, offset })) as [
      Report["after"],
      Report["after"],
    ];
    run.truth.reports = [{ ...report!, kept: k, after: a }];
    return rulesBroken(run);
  };
  expect(says([1, 1], [1, 2])).toEqual([]);
  expect(says([1, 1], [5, 7])).toEqual([]);
  expect(says([1, 2], [5, 7])).toContain(LOST);
  expect(says([0, 0], [1, 1])).toContain(LOST);
});

test("the next message after the last kept one is the stored copy, whatever was rolled back between", () => {
  const run = rolledBack();
  const [kept] = run.truth.messages;
  const [lost, taken] = [said("bob.0", 2, 1), said("ana.2", 3, 1)];
  const [again, after] = [said("ana.2", 2, 9), said("bob.1", 3, 9)];
  run.truth.messages = [kept!, again, after];
  run.truth.events = [
    published(4, 1, 1, kept!),
    published(5_010, 1, 2, lost),
    published(5_012, 1, 3, taken),
    published(7_900, 9, 1, again),
    published(8_005, 9, 2, after),
  ];
  run.truth.reports = [{ ...run.truth.reports[0]!, after: { generation: 1, offset: 3 } }];
  // bob hears ana's message only when it is stored again
  const isOfAnas = (entry: Entry): boolean => "id" in entry && entry.id === "ana.2";
  run.entries = run.entries.filter((entry) => !isOfAnas(entry));
  run.entries.push(
    { t: 5_008, kind: "invoke", session: 2, id: "bob.0", conv: "~" },
    { t: 5_009, kind: "invoke", session: 1, id: "ana.2", conv: "~" },
    { t: 5_011, kind: "heard", session: 1, id: "bob.0", conv: "~" },
    { t: 5_011, kind: "heard", session: 2, id: "bob.0", conv: "~" },
    { t: 5_011, kind: "ok", id: "bob.0" },
    { t: 5_013, kind: "heard", session: 1, id: "ana.2", conv: "~" },
    { t: 7_901, kind: "heard", session: 1, id: "ana.2", conv: "~" },
    { t: 7_901, kind: "ok", id: "ana.2" },
    { t: 7_902, kind: "heard", session: 2, id: "ana.2", conv: "~" },
  );
  run.entries.sort((a, b) => a.t - b.t);
  expect(rulesBroken(run)).toEqual([]);
  // who has heard it only then, and not again, has missed what is stored
  run.entries = run.entries.map((entry) => {
    return entry.t === 7_902 ? { ...entry, t: 5_014 } : entry;
  });
  run.entries.sort((a, b) => a.t - b.t);
  expect(rulesBroken(run)).toContain(VIEW);
});
