import { expect, test } from "vitest";
import { check } from "#verifier/checks.js";
import type { RunHistory, Stored } from "#verifier/indexed.js";
import type { Entry } from "#verifier/history.js";

/** Ana (session 1) and Bob (session 2) stay; ana says 1, bob says 2, and both hear both. */
function goodRun(): {
  entries: Entry[];
  truth: { -readonly [K in keyof RunHistory["truth"]]: RunHistory["truth"][K] };
  open: Map<string, number>;
  ack: RunHistory["ack"];
  ackReplicas: number;
} {
  let t = 0;
  const next = (): number => ++t;
  const entries: Entry[] = [
    { t: next(), kind: "open", session: 1, name: "ana", gateway: 0 },
    { t: next(), kind: "open", session: 2, name: "bob", gateway: 1 },
    { t: next(), kind: "invoke", session: 1, id: "ana.1", conv: "~" },
    { t: next(), kind: "heard", session: 1, id: "ana.1", conv: "~" },
    { t: next(), kind: "ok", id: "ana.1" },
    { t: next(), kind: "heard", session: 2, id: "ana.1", conv: "~" },
    { t: next(), kind: "invoke", session: 2, id: "bob.1", conv: "~" },
    { t: next(), kind: "heard", session: 2, id: "bob.1", conv: "~" },
    { t: next(), kind: "ok", id: "bob.1" },
    { t: next(), kind: "heard", session: 1, id: "bob.1", conv: "~" },
  ];
  const messages: Stored[] = [
    { conv: "~", seq: 1, epoch: 1, author: "ana", id: "ana.1" },
    { conv: "~", seq: 2, epoch: 1, author: "bob", id: "bob.1" },
  ];
  const truth = {
    messages,
    connected: ["ana", "bob"],
    terms: [
      { token: "1-1", gateway: 0 },
      { token: "1-1", gateway: 0 },
      { token: "1-2", gateway: 1 },
    ],
    events: messages.map((message, i) => ({
      t: 3 + 4 * i,
      bucket: 0,
      generation: 1,
      offset: i + 1,
      digest: message.id,
      message,
    })),
    reports: [],
  };
  return {
    entries,
    truth,
    open: new Map([
      ["ana", 1],
      ["bob", 2],
    ]),
    ack: "fast",
    ackReplicas: 1,
  };
}

test("a run that kept every promise breaks no rule", () => {
  expect(check(goodRun())).toEqual([]);
});

type Run = ReturnType<typeof goodRun>;
const without = (run: Run, drop: (entry: Entry) => boolean): void => {
  run.entries = run.entries.filter((entry) => !drop(entry));
};

const spoiled: [rule: string, spoil: (run: Run) => void][] = [
  [
    "what was acknowledged is in the history",
    (run) => (run.truth.messages = run.truth.messages.slice(0, 1)),
  ],
  [
    "what was refused is not in the history",
    (run) => run.entries.push({ t: 11, kind: "fail", id: "ana.1" }),
  ],
  [
    "every message is in the history once",
    (run) => (run.truth.messages = [...run.truth.messages, { ...run.truth.messages[1]!, seq: 3 }]),
  ],
  [
    "the numbers of a conversation have no holes",
    (run) => (run.truth.messages = [run.truth.messages[0]!, { ...run.truth.messages[1]!, seq: 3 }]),
  ],
  [
    "what was acknowledged before another was sent comes before it",
    (run) =>
      (run.truth.messages = run.truth.messages.map((each) => ({ ...each, seq: 3 - each.seq }))),
  ],
  [
    "what one session sends is stored in that order",
    (run) => {
      run.entries.push(
        { t: 2.5, kind: "invoke", session: 2, id: "bob.2", conv: "~" },
        { t: 10, kind: "ok", id: "bob.2" },
      );
      run.truth.messages = [
        ...run.truth.messages.map((each) => ({ ...each, seq: each.seq + 1 })),
        { conv: "~", seq: 1, epoch: 1, author: "bob", id: "bob.2" },
      ];
    },
  ],
  [
    "a session hears each message once, in order, without holes",
    (run) => run.entries.push({ t: 11, kind: "heard", session: 1, id: "bob.1", conv: "~" }),
  ],
  [
    "a session that stayed hears everything since it came",
    (run) =>
      without(
        run,
        (entry) => entry.kind === "heard" && entry.session === 1 && entry.id === "bob.1",
      ),
  ],
  [
    "a session hears nothing that is not in the history",
    (run) => run.entries.push({ t: 11, kind: "heard", session: 1, id: "eva.1", conv: "~" }),
  ],
  [
    "the connected are those with an open connection",
    (run) => (run.truth.connected = ["ana", "bob", "ghost"]),
  ],
  ["the connected are those with an open connection", (run) => (run.truth.connected = ["ana"])],
  [
    "nobody writes under a name that another session has got since",
    (run) =>
      run.entries.splice(6, 0, { t: 6.5, kind: "open", session: 3, name: "bob", gateway: 2 }),
  ],
  ["leadership tokens rise", (run) => (run.truth.terms = run.truth.terms.toReversed())],
  [
    "leadership tokens rise",
    (run) => (run.truth.terms = [...run.truth.terms, { token: "1-2", gateway: 0 }]),
  ],
  [
    "a position means one event",
    (run) =>
      (run.truth.events = [...run.truth.events, { ...run.truth.events[0]!, digest: "other" }]),
  ],
  [
    "nobody is signed out without a reason",
    (run) => run.entries.push({ t: 60_000, kind: "presence", session: 1, name: "bob", status: 0 }),
  ],
];

for (const [rule, spoil] of spoiled) {
  test(`found when broken: ${rule}`, () => {
    const run = goodRun();
    spoil(run);
    expect(check(run).map((violation) => violation.rule)).toContain(rule);
  });
}

test("an unknown message may be there or not, and a fault explains a sign-out", () => {
  const run = goodRun();
  run.entries.push(
    { t: 11, kind: "invoke", session: 1, id: "ana.2", conv: "~" },
    { t: 12, kind: "unknown", id: "ana.2" },
    { t: 13, kind: "fault", what: "kill-gateway", gateways: [1], rollsBack: false },
    { t: 5_000, kind: "presence", session: 1, name: "bob", status: 0 },
  );
  expect(check(run)).toEqual([]);
});

test("who gave up before it was ever let in may be signed in and out while a fault lasts, and only then", () => {
  const run = goodRun();
  const fault = { t: 20, kind: "fault", what: "slow", gateways: [2], rollsBack: false } as const;
  const told = { kind: "presence", session: 1, name: "late" } as const;
  run.entries.push(fault, { t: 30, ...told, status: 1 }, { t: 31, ...told, status: 0 });
  expect(check(run)).toEqual([]);
  run.entries.push({ t: 60_000, ...told, status: 0 });
  expect(check(run).map(({ rule }) => rule)).toEqual(["nobody is signed out without a reason"]);
});
