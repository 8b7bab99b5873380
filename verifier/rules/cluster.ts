/** Rules of names, positions and leadership. Pure. */
import type { Entry } from "../history.js";
import { ANY_GATEWAY, type Index, type RunHistory, type Session } from "./run-history.js";
import type { Finding } from "./rule.js";

type Fault = Extract<Entry, { kind: "fault" }>;

export function rosterIsTrue({ run }: Index): Finding {
  const connected = new Set(run.truth.connected);
  const ghosts = run.truth.connected.filter((name) => !run.open.has(name));
  const missing = [...run.open.keys()].filter((name) => !connected.has(name));
  return {
    seen: new Set([...connected, ...run.open.keys()]).size,
    wrong: [
      ...ghosts.map((name) => `${name} counts as connected`),
      ...missing.map((name) => `${name} does not`),
    ],
  };
}

export function namesDoNotOverlap({ sessions, messages, stored }: Index): Finding {
  const openings = byName(sessions.values());
  const wrong: string[] = [];
  let seen = 0;
  for (const { id, session, invokedAt } of messages.values()) {
    if (!stored.has(id)) continue;
    const { name } = sessions.get(session)!;
    const own = openings.get(name)!;
    if (own.length > 1) seen++;
    const heir = own.find(({ number, openedAt }) => number > session && openedAt < invokedAt);
    if (heir !== undefined)
      wrong.push(`${id} by session ${session} of ${name}, which session ${heir.number} has`);
  }
  return { seen, wrong };
}

export function namesAreProved({ run }: Index): Finding {
  const thefts = run.entries.filter((entry) => entry.kind === "theft");
  const wrong = thefts
    .filter(({ isIn }) => isIn)
    .map(({ name, by, t }) => `${name} at ${t}, by ${by}`);
  return { seen: thefts.length, wrong };
}

/** A leader that paused and continues keeps its token; another gateway must have a greater one. */
export function tokensRise(terms: RunHistory["truth"]["terms"]): Finding {
  const wrong = terms.flatMap(({ token, gateway }, i) => {
    const before = terms[i - 1];
    if (before === undefined || token > before.token) return [];
    if (token === before.token && gateway === before.gateway) return [];
    return [
      `gateway ${gateway} with ${token} after gateway ${before.gateway} with ${before.token}`,
    ];
  });
  return { seen: Math.max(terms.length - 1, 0), wrong };
}

export function positionsAreUnique({ run }: Index): Finding {
  const { events } = run.truth;
  const digests = new Map<string, string>();
  const wrong: string[] = [];
  for (const { bucket, generation, offset, digest } of events) {
    const key = `${bucket}/${generation}-${offset}`;
    const known = digests.get(key);
    if (known !== undefined && known !== digest) wrong.push(`${key} was two events`);
    digests.set(key, digest);
  }
  return { seen: events.length, wrong };
}

/** How long after a fault the users of its gateways may be taken for dead: a lease, and the time to notice its end. */
const AFTERMATH_MS = 15_000;

export function noFalseLeaves(index: Index): Finding {
  const { run, sessions } = index;
  const faults = run.entries.filter((entry) => entry.kind === "fault");
  const openings = byName(sessions.values());
  const wrong: string[] = [];
  let seen = 0;
  for (const entry of run.entries) {
    if (entry.kind !== "presence" || entry.status !== 0) continue;
    seen++;
    const { name, t } = entry;
    const own = openings.get(name) ?? [];
    const hasLeft = own.some(({ closedAt }) => Math.abs(closedAt - t) < AFTERMATH_MS);
    if (hasLeft || hasGivenUp(run, name, own, t)) continue;
    const gateways = new Set(
      own.filter(({ openedAt }) => openedAt < t).map(({ gateway }) => gateway),
    );
    // a client that was never let in may have been signed in and out after it gave up: no gateway is known
    const mayBeAny = gateways.size === 0;
    const hasReason = faults.some(
      (fault) =>
        fault.t < t &&
        (t - fault.t < AFTERMATH_MS || isUnderWay(run, fault, t)) &&
        (mayBeAny ||
          gateways.has(ANY_GATEWAY) ||
          fault.gateways.some((each) => gateways.has(each))),
    );
    if (!hasReason) wrong.push(`${name} at ${t}, heard by session ${entry.session}`);
  }
  return { seen, wrong };
}

/**
 * A connection attempt ended without an answer: the gateway may have signed the name in, and then out. That is
 * no reason while another session has the name all the time: then the attempt did not get it.
 */
function hasGivenUp(run: RunHistory, name: string, own: readonly Session[], t: number): boolean {
  return run.entries.some(
    (entry) =>
      entry.kind === "unanswered" &&
      entry.name === name &&
      entry.since < t &&
      t - entry.t < AFTERMATH_MS &&
      !own.some(({ openedAt, closedAt }) => openedAt < entry.since && closedAt > t),
  );
}

/** An outage that is part of the fault explains sign-outs as long as it lasts. */
function isUnderWay({ entries }: RunHistory, fault: Fault, at: number): boolean {
  if (fault.isOutage !== true) return false;
  const healed = entries.find(
    (entry) => entry.kind === "healed" && entry.t > fault.t && entry.what === fault.what,
  );
  return healed === undefined || at < healed.t;
}

function byName(sessions: Iterable<Session>): Map<string, Session[]> {
  const found = new Map<string, Session[]>();
  for (const session of sessions) {
    found.set(session.name, [...(found.get(session.name) ?? []), session]);
  }
  return found;
}
