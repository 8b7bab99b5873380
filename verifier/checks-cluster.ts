/** Checkers of names, positions and leadership. Pure. */
import type { Entry } from "./history.js";
import { ANY_GATEWAY, type Index, type RunHistory, type Session } from "./indexed.js";

type Fault = Extract<Entry, { kind: "fault" }>;

export function rosterIsTrue({ run }: Index): string[] {
  const connected = new Set(run.truth.connected);
  const ghosts = run.truth.connected.filter((name) => !run.open.has(name));
  const missing = [...run.open.keys()].filter((name) => !connected.has(name));
  return [
    ...ghosts.map((name) => `${name} counts as connected`),
    ...missing.map((name) => `${name} does not`),
  ];
}

export function namesDoNotOverlap({ sessions, messages, stored }: Index): string[] {
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
export function tokensRise({ run }: Index): string[] {
  return run.truth.terms.flatMap(({ token, gateway }, i, all) => {
    const before = all[i - 1];
    if (before === undefined || token > before.token) return [];
    if (token === before.token && gateway === before.gateway) return [];
    return [
      `gateway ${gateway} with ${token} after gateway ${before.gateway} with ${before.token}`,
    ];
  });
}

export function positionsAreUnique({ run }: Index): string[] {
  const digests = new Map<string, string>();
  const wrong: string[] = [];
  for (const { bucket, generation, offset, digest } of run.truth.events) {
    const key = `${bucket}/${generation}-${offset}`;
    const known = digests.get(key);
    if (known !== undefined && known !== digest) wrong.push(`${key} was two events`);
    digests.set(key, digest);
  }
  return wrong;
}

/** After a fault that reached a gateway, for a lease and the time to notice, its users may be taken for dead. */
const AFTERMATH_MS = 15_000;

export function noFalseLeaves({ run, sessions }: Index): string[] {
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
    // who was never let in may be so behind its back, having given up: by a gateway that nobody noted
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
  return wrong;
}

/** Of an outage that was meant: it may take its time. */
function isUnderWay({ entries }: RunHistory, fault: Fault, at: number): boolean {
  if (fault.isOutage !== true) return false;
  const healed = entries.find(
    (entry) => entry.kind === "healed" && entry.t > fault.t && entry.what === fault.what,
  );
  return healed === undefined || at < healed.t;
}
