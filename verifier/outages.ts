/** Outages: how long nobody could write when Redis went. Pure. */
import type { Index } from "./indexed.js";

export interface Outage {
  readonly what: string;
  /** When Redis went. */
  readonly at: number;
  /** The longest time without an acknowledgement, from then until all was healed. */
  readonly ms: number;
}

export function outagesOf({ run }: Index): Outage[] {
  const outages: Outage[] = [];
  let open: { what: string; at: number; since: number; ms: number } | undefined;
  for (const entry of run.entries) {
    if (entry.kind === "down" && entry.gateways.length === 0) {
      open = { what: entry.what, at: entry.t, since: entry.t, ms: 0 };
    } else if (open === undefined) continue;
    else if (entry.kind === "ok") {
      open.ms = Math.max(open.ms, entry.t - open.since);
      open.since = entry.t;
    } else if (entry.kind === "healed" && entry.what === open.what) {
      const { what, at, since, ms } = open;
      outages.push({ what, at, ms: Math.max(ms, entry.t - since) });
      open = undefined;
    }
  }
  return outages;
}

/** Of a sentinel group, whose failover itself takes about two. */
const WRITES_AGAIN_WITHIN_MS = 8_000;

/** Who asks for more replicas than one waits until the old primary is one of them again. */
export function writesGoOn(index: Index): string[] {
  if (index.run.ack === "replicated" && index.run.ackReplicas > 1) return [];
  const failovers = new Set(
    index.run.entries.flatMap((entry) =>
      entry.kind === "fault" && entry.rollsBack && !entry.isOutage ? entry.what : [],
    ),
  );
  return outagesOf(index)
    .filter(({ what, ms }) => failovers.has(what) && ms > WRITES_AGAIN_WITHIN_MS)
    .map(({ what, at, ms }) => `${what} at ${at}: nothing was acknowledged for ${ms} ms`);
}
