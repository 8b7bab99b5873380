/** The log and the counters of a history: what operators' programs read of them. */
import { Counters, type Log, type Observe } from "#tertulia/observe.js";
import { samplesOf } from "../support/samples.js";
import type { Transcript } from "./transcript.js";

/** Events that programs read. Of all other lines only the level is noted, from `warn` on. */
const EVENTS: ReadonlySet<string> = new Set([
  "command_refused",
  "connected",
  "disconnected",
  "ignored",
  "message",
  "opened",
  "refused",
  "resume_rolled_back",
  "session_broken",
  "status",
]);
/** Fields that are the same in all lines of a history, or differ each time. */
const LEFT_OUT: ReadonlySet<string> = new Set(["address", "err", "event", "session"]);

/** Making them is dear, and only one registry is needed: each history begins with zeros. */
const counters = new Counters();

export function fakeObserve(transcript: Transcript): Observe {
  counters.registry.resetMetrics();
  const write =
    (level: string) =>
    (fields: Record<string, unknown>): void => {
      const event = String(fields["event"]);
      if (!EVENTS.has(event)) {
        if (level === "warn" || level === "error") transcript.note("log", `log ${level}`);
        return;
      }
      const rest = Object.entries(fields)
        .filter(([name, value]) => !LEFT_OUT.has(name) && value !== undefined)
        .map(([name, value]) => `${name}=${String(value)}`);
      transcript.note("log", `log ${level} ${event} ${rest.join(" ")}`);
    };
  const log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    isLevelEnabled: () => true,
  } as unknown as Log;
  return { log, counters };
}

const TOTALS = [
  ["frames", "frames_received_total"],
  ["refusals", "refusals_total"],
  ["deliveries", "deliveries_total"],
  ["slow readers", "slow_readers_total"],
  ["resume gaps", "resume_gaps_total"],
  ["connections", "connections"],
] as const;

/** What the counters say when a history has ended. */
export async function totals(): Promise<string> {
  const all: string[] = [];
  for (const [name, metric] of TOTALS) {
    for (const { value, labels } of await samplesOf(counters, metric)) {
      if (value === 0) continue;
      const label = Object.values(labels).join(" ");
      all.push(`${name}${label === "" ? "" : ` ${label}`}: ${value}`);
    }
  }
  return all.join(", ");
}
