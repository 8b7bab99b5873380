/** The checkers: what a run's history and the truth in Redis must have to do with one another. Pure. */
import { Index, type Message, type RunHistory, type Session, type Stored } from "./indexed.js";

export interface Violation {
  readonly rule: string;
  /** The smallest example that was found. */
  readonly example: string;
  readonly count: number;
}

/** All rules; an empty answer means that the run kept every promise. */
export function check(run: RunHistory): Violation[] {
  const index = new Index(run);
  return RULES.flatMap(([rule, find]) => {
    const examples = find(index);
    return examples.length === 0 ? [] : [{ rule, example: examples[0]!, count: examples.length }];
  });
}

const RULES: readonly [rule: string, find: (index: Index) => string[]][] = [
  ["what was acknowledged is in the history", acknowledgedIsStored],
  ["what was refused is not in the history", refusedIsNotStored],
  ["every message is in the history once", (index) => index.storedTwice],
  ["the numbers of a conversation have no holes", numbersAreGapless],
  ["what was acknowledged before another was sent comes before it", realTimeOrder],
  ["what one session sends is stored in that order", sessionOrder],
  ["a session hears each message once, in order, without holes", viewsAreComplete],
  ["a session that stayed hears everything since it came", nothingMissedAtEnds],
  ["a session hears nothing that is not in the history", nothingInvented],
  ["the connected are those with an open connection", rosterIsTrue],
  ["nobody writes under a name that another session has got since", namesDoNotOverlap],
  ["leadership tokens rise", tokensRise],
  ["a position means one event", positionsAreUnique],
  ["nobody is signed out without a reason", noFalseLeaves],
];

function acknowledgedIsStored({ messages, stored }: Index): string[] {
  return [...messages.values()]
    .filter(({ id, outcome }) => outcome === "ok" && !stored.has(id))
    .map(({ id, conv, answeredAt }) => `${id} in ${conv}, acknowledged at ${answeredAt}`);
}

function refusedIsNotStored({ messages, stored }: Index): string[] {
  return [...messages.values()]
    .filter(({ id, outcome }) => outcome === "fail" && stored.has(id))
    .map(({ id, conv }) => `${id} in ${conv}`);
}

function numbersAreGapless({ byConv }: Index): string[] {
  const holes: string[] = [];
  for (const [conv, messages] of byConv) {
    for (const [i, { seq, id }] of messages.entries()) {
      const expected = i === 0 ? 1 : messages[i - 1]!.seq + 1;
      if (seq !== expected) holes.push(`${conv}: ${id} has ${seq} where ${expected} was due`);
    }
  }
  return holes;
}

function realTimeOrder({ byConv, messages }: Index): string[] {
  const wrong: string[] = [];
  for (const [conv, stored] of byConv) {
    let latest: Message | undefined;
    for (const { id } of stored) {
      const message = messages.get(id);
      if (message === undefined) continue;
      const isBeforeItsElder =
        message.outcome === "ok" && latest !== undefined && message.answeredAt! < latest.invokedAt;
      if (isBeforeItsElder) {
        wrong.push(
          `${conv}: ${id} was acknowledged before ${latest!.id} was sent, but comes after it`,
        );
      }
      if (latest === undefined || message.invokedAt > latest.invokedAt) latest = message;
    }
  }
  return wrong;
}

function sessionOrder({ messages, stored }: Index): string[] {
  const last = new Map<string, { id: string; seq: number }>();
  const wrong: string[] = [];
  for (const { id, conv, session, outcome } of messages.values()) {
    const seq = stored.get(id)?.seq;
    if (outcome !== "ok" || seq === undefined) continue;
    const key = `${session} ${conv}`;
    const before = last.get(key);
    if (before !== undefined && before.seq > seq) {
      wrong.push(`${conv}: ${before.id} was sent before ${id}, but comes after it`);
    }
    last.set(key, { id, seq });
  }
  return wrong;
}

function viewsAreComplete({ sessions, stored }: Index): string[] {
  const wrong: string[] = [];
  for (const { number, name, heard } of sessions.values()) {
    const last = new Map<string, Stored>();
    for (const { id, conv } of heard) {
      const message = stored.get(id);
      if (message === undefined) continue; // another rule's matter
      const before = last.get(conv);
      last.set(conv, message);
      if (before === undefined || message.seq === before.seq + 1) continue;
      const what = message.seq > before.seq ? "missed what lies between" : "heard again or late";
      wrong.push(
        `${name} (session ${number}) in ${conv}: ${what} ${before.seq} and ${message.seq} (${id})`,
      );
    }
  }
  return wrong;
}

function nothingMissedAtEnds({ run, sessions, byConv, messages }: Index): string[] {
  const wrong: string[] = [];
  const open = new Set(run.open.values());
  const heardIn = (session: Session, conv: string): Set<string> =>
    new Set(session.heard.filter((each) => each.conv === conv).map(({ id }) => id));
  for (const session of sessions.values()) {
    const isOpen = open.has(session.number);
    if (!isOpen && session.heard.length === 0) continue;
    for (const [conv, stored] of byConv) {
      if (conv !== "~" && !conv.split("|").includes(session.name)) continue;
      const heard = heardIn(session, conv);
      const last = isOpen ? Infinity : stored.findLast(({ id }) => heard.has(id))?.seq;
      if (last === undefined) continue;
      const missed = stored.find(({ id, seq }) => {
        const message = messages.get(id);
        return (
          message !== undefined &&
          message.invokedAt > session.openedAt &&
          seq < last &&
          !heard.has(id)
        );
      });
      if (missed === undefined) continue;
      wrong.push(
        `${session.name} (session ${session.number}) in ${conv}: never heard ${missed.id} (${missed.seq})`,
      );
    }
  }
  return wrong;
}

function nothingInvented({ sessions, stored }: Index): string[] {
  const wrong: string[] = [];
  for (const { number, name, heard } of sessions.values()) {
    for (const { id } of heard) {
      if (!stored.has(id)) wrong.push(`${name} (session ${number}) heard ${id}`);
    }
  }
  return wrong;
}

function rosterIsTrue({ run }: Index): string[] {
  const connected = new Set(run.truth.connected);
  const ghosts = run.truth.connected.filter((name) => !run.open.has(name));
  const missing = [...run.open.keys()].filter((name) => !connected.has(name));
  return [
    ...ghosts.map((name) => `${name} counts as connected`),
    ...missing.map((name) => `${name} does not`),
  ];
}

function namesDoNotOverlap({ sessions, messages, stored }: Index): string[] {
  const openings = new Map<string, Session[]>();
  for (const session of sessions.values()) {
    openings.set(session.name, [...(openings.get(session.name) ?? []), session]);
  }
  const wrong: string[] = [];
  for (const { id, session, invokedAt } of messages.values()) {
    if (!stored.has(id)) continue;
    const { name } = sessions.get(session)!;
    const heir = openings
      .get(name)!
      .find(({ number, openedAt }) => number > session && openedAt < invokedAt);
    if (heir !== undefined)
      wrong.push(`${id} by session ${session} of ${name}, which session ${heir.number} has`);
  }
  return wrong;
}

/** A leader that paused and goes on has its token still; another one must have a greater one. */
function tokensRise({ run }: Index): string[] {
  return run.truth.terms.flatMap(({ token, gateway }, i, all) => {
    const before = all[i - 1];
    if (before === undefined || token > before.token) return [];
    if (token === before.token && gateway === before.gateway) return [];
    return [
      `gateway ${gateway} with ${token} after gateway ${before.gateway} with ${before.token}`,
    ];
  });
}

function positionsAreUnique({ run }: Index): string[] {
  const digests = new Map<string, string>();
  const wrong: string[] = [];
  for (const { bucket, at, digest } of run.truth.events) {
    const key = `${bucket}/${at}`;
    const known = digests.get(key);
    if (known !== undefined && known !== digest) wrong.push(`${key} was two events`);
    digests.set(key, digest);
  }
  return wrong;
}

/** After a fault that reached a gateway, for a lease and the time to notice, its users may be taken for dead. */
const AFTERMATH_MS = 15_000;

function noFalseLeaves({ run, sessions }: Index): string[] {
  const faults = run.entries.filter((entry) => entry.kind === "fault");
  const byName = new Map<string, Session[]>();
  for (const session of sessions.values()) {
    byName.set(session.name, [...(byName.get(session.name) ?? []), session]);
  }
  const wrong: string[] = [];
  for (const entry of run.entries) {
    if (entry.kind !== "presence" || entry.status !== 0) continue;
    const { name, t } = entry;
    const own = byName.get(name) ?? [];
    const hasLeft = own.some(({ closedAt }) => Math.abs(closedAt - t) < AFTERMATH_MS);
    if (hasLeft) continue;
    const gateways = new Set(
      own.filter(({ openedAt }) => openedAt < t).map(({ gateway }) => gateway),
    );
    const hasReason = faults.some(
      (fault) =>
        fault.t < t &&
        t - fault.t < AFTERMATH_MS &&
        fault.gateways.some((each) => gateways.has(each)),
    );
    if (!hasReason) wrong.push(`${name} at ${t}, heard by session ${entry.session}`);
  }
  return wrong;
}
