/** Outages: how long nobody could write when Redis was down. Pure. */
import type { Index } from "./run-history.js";
import type { Finding } from "./rule.js";

export interface Outage {
  readonly what: string;
  /** When Redis went down. */
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

/** Sentinel itself needs about two seconds for a failover. */
const WRITES_AGAIN_WITHIN_MS = 8_000;

export function writesGoOn(index: Index): Finding {
  const failovers = failoversToOutlast(index);
  const outages = outagesOf(index).filter(({ what }) => failovers.has(what));
  const wrong = outages
    .filter(({ ms }) => ms > WRITES_AGAIN_WITHIN_MS)
    .map(({ what, at, ms }) => `${what} at ${at}: nothing was acknowledged for ${ms} ms`);
  return { seen: outages.length, wrong };
}

/** Faults of the run after which clients must be able to write soon. */
export function failoversToOutlast({ run }: Index): ReadonlySet<string> {
  // with more replicas than one, writes wait until the old primary is one of them again
  if (run.ack === "replicated" && run.ackReplicas > 1) return new Set();
  return new Set(
    run.entries.flatMap((entry) =>
      entry.kind === "fault" && entry.rollsBack && !entry.isOutage ? entry.what : [],
    ),
  );
}
