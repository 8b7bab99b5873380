/** The figures of a run, and whether its faults had an effect. Pure. */
import type { SeenEvents } from "./gateway-log.js";
import { Index, type Message, type RunHistory } from "./rules/run-history.js";
import { outagesOf } from "./rules/outages.js";
import { Rollbacks } from "./rules/rollback.js";

export type Figures = Record<string, number | string>;

/** The figures that need neither Redis nor the gateways' logs. */
export function clientFigures({ run, messages }: Index): Figures {
  const counts = new Map<string, number>();
  for (const { kind } of run.entries) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const answered = [...messages.values()].filter(({ outcome }) => outcome === "ok");
  const latencies = answered.map(({ invokedAt, answeredAt }) => answeredAt! - invokedAt);
  return {
    messages: counts.get("invoke") ?? 0,
    acknowledged: counts.get("ok") ?? 0,
    unknown: counts.get("unknown") ?? 0,
    refused: counts.get("fail") ?? 0,
    deliveries: counts.get("heard") ?? 0,
    sessions: counts.get("open") ?? 0,
    "acknowledged after ms": medianAndMax(latencies),
  };
}

/** `seen`: how often each event was logged. */
export function figuresOf(run: RunHistory, seen: SeenEvents): Figures {
  const index = new Index(run);
  return {
    ...clientFigures(index),
    terms: run.truth.terms.length,
    "gaps filled": seen.get("gap_filled") ?? 0,
    "retries stored once": seen.get("message_repeated") ?? 0,
    "lives begun anew": seen.get("lease_lost") ?? 0,
    "holes reported": seen.get("events_missing") ?? 0,
    ...outages(index),
    ...losses(index),
    ...signOuts(index),
  };
}

/** For each kind of fault: the longest times without an acknowledgement. */
function outages(index: Index): Figures {
  const byKind = new Map<string, number[]>();
  for (const { what, ms } of outagesOf(index)) {
    byKind.set(what, [...(byKind.get(what) ?? []), ms]);
  }
  const figures = [...byKind].map(([what, times]) => [`no write ms, ${what}`, medianAndMax(times)]);
  return Object.fromEntries(figures) as Figures;
}

/** For each failover: how many acknowledged messages are lost. */
function losses(index: Index): Figures {
  const rollbacks = new Rollbacks(index);
  if (rollbacks.failovers.length === 0) return {};
  const lost = lostOf(index);
  const byKind = new Map<string, number[]>();
  for (const { what, from } of rollbacks.failovers) {
    const here = lost.filter(({ answeredAt }) => rollbacks.failoverAt(answeredAt!)?.from === from);
    byKind.set(what, [...(byKind.get(what) ?? []), here.length]);
  }
  const silent = lost.filter((message) => isSilent(message, rollbacks));
  const published = new Set(index.run.truth.events.flatMap(({ message }) => message?.id ?? []));
  return {
    failovers: rollbacks.failovers.length,
    ...Object.fromEntries(
      [...byKind].map(([what, counts]) => [`lost although acknowledged, ${what}`, list(counts)]),
    ),
    "lost although acknowledged": lost.length,
    "of these not announced": silent.length,
    "published and taken back": [...published].filter((id) => !index.stored.has(id)).length,
  };
}

function isSilent({ id, answeredAt }: Message, rollbacks: Rollbacks): boolean {
  return rollbacks.complaint(id, answeredAt!) !== undefined;
}

function lostOf({ messages, stored }: Index): Message[] {
  return [...messages.values()].filter(({ id, outcome }) => outcome === "ok" && !stored.has(id));
}

/**
 * For each user of a killed gateway: the time until each session elsewhere heard its sign-out, and the time until it
 * was back. If Redis goes down meanwhile, leases last longer, and the times are not counted.
 */
function signOuts({ run, sessions }: Index): Figures {
  const heardAfter: number[] = [];
  const backAfter: number[] = [];
  for (const [i, down] of run.entries.entries()) {
    if (down.kind !== "down" || down.gateways.length === 0) continue;
    const gone = new Set<string>();
    for (const { name, gateway, openedAt, closedAt } of sessions.values()) {
      if (!down.gateways.includes(gateway)) continue;
      if (openedAt < down.t && closedAt >= down.t) gone.add(name);
    }
    for (let next = i + 1; next < run.entries.length && gone.size > 0; next++) {
      const entry = run.entries[next]!;
      if (entry.kind === "down") break;
      if (entry.kind === "presence" && entry.status === 0 && gone.has(entry.name)) {
        heardAfter.push(entry.t - down.t);
      }
      if (entry.kind === "open" && gone.delete(entry.name)) backAfter.push(entry.t - down.t);
    }
  }
  if (backAfter.length === 0) return {};
  return {
    "sign-out heard after a kill ms": medianAndMax(heardAfter),
    "back after a kill ms": medianAndMax(backAfter),
  };
}

export function medianAndMax(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const sorted = values.toSorted((a, b) => a - b);
  const rounded = (value: number): number => Math.round(value * 10) / 10;
  const middle = (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
  return `median ${rounded(middle)}, max ${rounded(sorted.at(-1)!)}`;
}

function list(counts: readonly number[]): string {
  return `${counts.join(" ")} (in ${counts.length})`;
}

/** Why the run proves nothing, if its faults had no effect. */
export function whyVoid(
  whole: RunHistory,
  counts: ReadonlyMap<string, number>,
  seen: SeenEvents,
): string | undefined {
  if (!whole.entries.some(({ kind }) => kind === "ok")) return "nothing was acknowledged";
  for (const what of ["lossy-failover", "old-volume", "stale-primary"]) {
    if (counts.has(what) && takenBackBy(what, whole) === 0) return `no ${what} has lost a tail`;
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total < 5) return undefined; // too short to expect an effect
  const isCutting = ["cut-subscriber", "kill-subscriptions", "cut-redis"].some((name) =>
    counts.has(name),
  );
  if (isCutting && !seen.has("gap_filled")) return "no gap was ever filled";
  if ((counts.get("mute-redis") ?? 0) > 2 && !seen.has("message_repeated")) {
    return "no message was ever stored again";
  }
  return undefined;
}

function takenBackBy(what: string, whole: RunHistory): number {
  const index = new Index(whole);
  const rollbacks = new Rollbacks(index);
  return whole.truth.events.filter(
    ({ message, t }) =>
      message !== undefined &&
      rollbacks.failoverAt(t)?.what === what &&
      rollbacks.takenBack(message.id).length > 0,
  ).length;
}
