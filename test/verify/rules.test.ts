import { describe, expect, test } from "vitest";
import type { Entry } from "#verifier/history.js";
import type { RunHistory, Stored } from "#verifier/rules/run-history.js";
import { brokenOf } from "#verifier/rules/rule.js";
import { ALL_RULES, check, whyUnseen } from "#verifier/rules/rules.js";

interface Run {
  entries: Entry[];
  truth: { -readonly [K in keyof RunHistory["truth"]]: RunHistory["truth"][K] };
  open: Map<string, number>;
  ack: RunHistory["ack"];
  ackReplicas: number;
}

/**
 * Ana (session 1) and Bob (session 2) stay; Carl has session 3, is signed out, and has session 4. Each says
 * something, everybody hears it; one message of Ana is refused; there is a failover. Each rule sees something.
 */
function goodRun(): Run {
  const entries: Entry[] = [];
  const messages: Stored[] = [];
  const here = new Set<number>();
  const names = ["", "ana", "bob", "carl", "carl"];
  let t = 0;
  const next = (): number => ++t;
  const opens = (session: number): void => {
    const [name, gateway] = [names[session]!, session % 3];
    entries.push({ t: next(), kind: "open", session, name, gateway });
    here.add(session);
  };
  const says = (session: number, id: string): void => {
    entries.push({ t: next(), kind: "invoke", session, id, conv: "~" });
    const author = names[session]!;
    messages.push({ conv: "~", seq: messages.length + 1, epoch: 1, author, id });
    for (const each of here)
      entries.push({ t: next(), kind: "heard", session: each, id, conv: "~" });
    entries.push({ t: next(), kind: "ok", id });
  };
  for (const session of [1, 2, 3]) opens(session);
  says(1, "ana.1");
  says(2, "bob.1");
  says(3, "carl.1");
  entries.push({ t: next(), kind: "closed", session: 3 });
  here.delete(3);
  entries.push({ t: next(), kind: "presence", session: 1, name: "carl", status: 0 });
  opens(4);
  says(1, "ana.2");
  entries.push({ t: next(), kind: "invoke", session: 1, id: "ana.3", conv: "~" });
  entries.push({ t: next(), kind: "fail", id: "ana.3" });
  const what = "failover";
  entries.push({ t: next(), kind: "fault", what, gateways: [0, 1, 2], rollsBack: true });
  entries.push({ t: next(), kind: "down", what, gateways: [] });
  says(4, "carl.2");
  entries.push({ t: next(), kind: "theft", name: "ana", by: "a wrong password", isIn: false });
  entries.push({ t: next(), kind: "healed", what });
  return {
    entries,
    truth: {
      messages,
      connected: ["ana", "bob", "carl"],
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
    },
    open: new Map([
      ["ana", 1],
      ["bob", 2],
      ["carl", 4],
    ]),
    ack: "fast",
    ackReplicas: 1,
  };
}

type Spoil = (run: Run) => unknown;

const without = (...kinds: Entry["kind"][]): Spoil => {
  return (run) => (run.entries = run.entries.filter(({ kind }) => !kinds.includes(kind)));
};
const later = (run: Run, ...entries: Entry[]): void => void run.entries.push(...entries);
const nothingStored: Spoil = ({ truth }) => (truth.messages = []);

/** For each rule: what leaves nothing for it to judge, and what breaks it. */
const table: Record<string, { unseen: Spoil; broken: Record<string, Spoil> }> = {
  "acknowledged-is-stored": {
    unseen: without("ok"),
    broken: {
      "the last message is gone": ({ truth }) => (truth.messages = truth.messages.slice(0, -1)),
      "all of them are gone": nothingStored,
    },
  },
  "refused-is-not-stored": {
    unseen: without("fail"),
    broken: {
      "a stored one is refused": (run) => later(run, { t: 90, kind: "fail", id: "ana.1" }),
    },
  },
  "stored-once": {
    unseen: nothingStored,
    broken: {
      "a message is there twice": ({ truth }) =>
        (truth.messages = [...truth.messages, { ...truth.messages[1]!, seq: 6 }]),
    },
  },
  "numbers-without-holes": {
    unseen: nothingStored,
    broken: {
      "a number is left out": ({ truth }) =>
        (truth.messages = truth.messages.map((each) => ({
          ...each,
          seq: each.seq + +(each.seq > 2),
        }))),
      "the first is not 1": ({ truth }) =>
        (truth.messages = truth.messages.map((each) => ({ ...each, seq: each.seq + 1 }))),
    },
  },
  "number-names-one-message": {
    unseen: ({ truth }) => (truth.events = truth.messages = []),
    broken: {
      "another message was published with it": ({ truth }) => {
        const [first, ...others] = truth.events;
        truth.events = [{ ...first!, message: { ...first!.message!, id: "eva.1" } }, ...others];
      },
    },
  },
  "heard-is-stored": {
    unseen: without("heard"),
    broken: {
      "nobody knows the message": (run) =>
        later(run, { t: 90, kind: "heard", session: 1, id: "eva.1", conv: "~" }),
    },
  },
  "tokens-rise": {
    unseen: ({ truth }) => (truth.terms = truth.terms.slice(0, 1)),
    broken: {
      "an older one leads again": ({ truth }) => (truth.terms = truth.terms.toReversed()),
      "two gateways have the same": ({ truth }) =>
        (truth.terms = [...truth.terms, { token: "1-2", gateway: 0 }]),
    },
  },
  "position-means-one-event": {
    unseen: ({ truth }) => (truth.events = []),
    broken: {
      "it was two": ({ truth }) =>
        (truth.events = [...truth.events, { ...truth.events[0]!, digest: "other" }]),
    },
  },
  "writable-after-failover": {
    unseen: without("fault"),
    broken: {
      "nobody can write for nine seconds": (run) => {
        const at = run.entries.findIndex(({ kind }) => kind === "down");
        run.entries = run.entries.map((entry, i) =>
          i > at ? { ...entry, t: entry.t + 9_000 } : entry,
        );
      },
    },
  },
  "real-time-order": {
    unseen: without("ok"),
    broken: {
      "the order is turned round": ({ truth }) =>
        (truth.messages = truth.messages.map((each) => ({ ...each, seq: 6 - each.seq }))),
    },
  },
  "session-order": {
    unseen: without("ok"),
    broken: {
      "a second message comes before the first": ({ truth }) => {
        const numbers: Record<string, number> = { "ana.1": 4, "ana.2": 1 };
        truth.messages = truth.messages.map((each) => ({
          ...each,
          seq: numbers[each.id] ?? each.seq,
        }));
      },
    },
  },
  "heard-once-in-order": {
    unseen: without("heard"),
    broken: {
      "one is heard twice": (run) =>
        later(run, { t: 90, kind: "heard", session: 1, id: "carl.2", conv: "~" }),
      "one is not heard": (run) =>
        (run.entries = run.entries.filter(
          (entry) => !(entry.kind === "heard" && entry.session === 1 && entry.id === "bob.1"),
        )),
    },
  },
  "nothing-missed": {
    unseen: (run) => (without("heard")(run), run.open.clear()),
    broken: {
      "the last is not heard": (run) =>
        (run.entries = run.entries.filter(
          (entry) => !(entry.kind === "heard" && entry.session === 1 && entry.id === "carl.2"),
        )),
      "nobody hears anything": without("heard"),
    },
  },
  "names-are-proved": {
    unseen: without("theft"),
    broken: {
      "a wrong password is enough": (run) =>
        later(run, { t: 90, kind: "theft", name: "ana", by: "a wrong password", isIn: true }),
    },
  },
  "one-session-writes": {
    unseen: (run) =>
      (run.entries = run.entries.filter(
        (entry) =>
          !("session" in entry && entry.session === 4) && !("id" in entry && entry.id === "carl.2"),
      )),
    broken: {
      "another session has got the name": (run) =>
        run.entries.splice(3, 0, { t: 3.5, kind: "open", session: 5, name: "bob", gateway: 2 }),
    },
  },
  "no-false-sign-out": {
    unseen: without("presence"),
    broken: {
      "a session that stays is signed out": (run) =>
        later(run, { t: 60_000, kind: "presence", session: 1, name: "bob", status: 0 }),
    },
  },
  "roster-is-true": {
    unseen: (run) => ((run.truth.connected = []), run.open.clear()),
    broken: {
      "there is a ghost": ({ truth }) => (truth.connected = [...truth.connected, "ghost"]),
      "one is missing": ({ truth }) => (truth.connected = ["ana", "bob"]),
      "all are missing": ({ truth }) => (truth.connected = []),
      "all are ghosts": ({ open }) => open.clear(),
    },
  },
};

const verdictOf = (id: string, run: Run): string | undefined =>
  check(run).find((each) => each.id === id)?.verdict;

test("every rule has an id of its own, and a line in this table", () => {
  expect(Object.keys(table).toSorted()).toEqual(ALL_RULES.map(({ id }) => id).toSorted());
  for (const { id } of ALL_RULES) expect(id).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
});

for (const [id, { unseen, broken }] of Object.entries(table)) {
  describe(id, () => {
    test("is kept in a good run", () => {
      expect(verdictOf(id, goodRun())).toBe("kept");
    });
    test("is void where nothing was seen", () => {
      const run = goodRun();
      unseen(run);
      expect(verdictOf(id, run)).toBe("void");
    });
    for (const [what, spoil] of Object.entries(broken)) {
      test(`is broken when ${what}`, () => {
        const run = goodRun();
        spoil(run);
        expect(verdictOf(id, run)).toBe("broken");
      });
    }
  });
}

test("in a good run every rule is kept", () => {
  expect(check(goodRun()).map(({ id, verdict }) => `${id} ${verdict}`)).toEqual(
    ALL_RULES.map(({ id }) => `${id} kept`),
  );
});

const unseen: [what: string, spoil: Spoil, why: string | undefined][] = [
  ["everything was seen", () => {}, undefined],
  ["nobody was refused", without("fail"), undefined],
  [
    "no position was seen",
    ({ truth }) => (truth.events = []),
    "position-means-one-event was not tried: no events that Redis published",
  ],
  ["there was no failover", without("fault", "down"), undefined],
  [
    "nobody noted when Redis went",
    without("down"),
    "writable-after-failover was not tried: no failovers",
  ],
  ["no leader was harmed, and none was seen", ({ truth }) => (truth.terms = []), undefined],
  [
    "leaders were killed, and none was seen",
    (run) => {
      const fault = {
        kind: "fault",
        what: "kill-leader",
        gateways: [0],
        rollsBack: false,
      } as const;
      later(run, { t: 90, ...fault }, { t: 95, ...fault });
      run.truth.terms = [];
    },
    "tokens-rise was not tried: no terms after another one",
  ],
  [
    "gateways were killed, and nobody heard a sign-out",
    (run) => {
      const fault = {
        kind: "fault",
        what: "kill-gateway",
        gateways: [0],
        rollsBack: false,
      } as const;
      later(run, { t: 90, ...fault }, { t: 95, ...fault });
      without("presence")(run);
    },
    "no-false-sign-out was not tried: no sign-outs that were heard",
  ],
];

for (const [what, spoil, why] of unseen) {
  test(`${why === undefined ? "a run is not void" : "a run is void"} when ${what}`, () => {
    const run = goodRun();
    spoil(run);
    expect(whyUnseen(run, check(run))).toBe(why);
  });
}

test("an unanswered message may be stored or not, and a fault explains a sign-out", () => {
  const run = goodRun();
  later(
    run,
    { t: 90, kind: "invoke", session: 1, id: "ana.4", conv: "~" },
    { t: 91, kind: "unknown", id: "ana.4" },
    { t: 92, kind: "fault", what: "kill-gateway", gateways: [2], rollsBack: false },
    { t: 5_000, kind: "presence", session: 1, name: "bob", status: 0 },
  );
  expect(brokenOf(check(run))).toEqual([]);
});

test("a client that gave up before it was ever let in may be signed in and out while a fault lasts, and only then", () => {
  const run = goodRun();
  const fault = { t: 90, kind: "fault", what: "slow", gateways: [2], rollsBack: false } as const;
  const told = { kind: "presence", session: 1, name: "late" } as const;
  later(run, fault, { t: 91, ...told, status: 1 }, { t: 92, ...told, status: 0 });
  expect(brokenOf(check(run))).toEqual([]);
  later(run, { t: 60_000, ...told, status: 0 });
  expect(brokenOf(check(run)).map(({ id }) => id)).toEqual(["no-false-sign-out"]);
});

test("a connection attempt without an answer may be signed in and out, if no other session has the name", () => {
  const run = goodRun();
  const signedOut = { kind: "presence", session: 1, status: 0 } as const;
  const unanswered = { kind: "unanswered", gateway: 2, since: 57_000 } as const;
  const verdict = (): string | undefined => verdictOf("no-false-sign-out", run);

  later(run, { t: 60_000, ...unanswered, name: "late" }, { t: 60_100, ...signedOut, name: "late" });
  expect(verdict()).toBe("kept");

  const kept = run.entries;
  const broken: [what: string, ...entries: Entry[]][] = [
    ["long after it", { t: 80_000, ...signedOut, name: "late" }],
    ["before it", { t: 56_000, ...signedOut, name: "late" }],
    ["another user", { t: 60_100, ...signedOut, name: "eva" }],
    // bob's session has the name from before the attempt on
    [
      "a session stays",
      { t: 60_000, ...unanswered, name: "bob" },
      { t: 60_100, ...signedOut, name: "bob" },
    ],
  ];
  for (const [what, ...entries] of broken) {
    run.entries = [...kept, ...entries];
    expect(verdict(), what).toBe("broken");
  }
});
