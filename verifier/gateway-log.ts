/** Reads the gateways' logs by the field `event`, never by the sentence. */
import type { Position } from "#tertulia/chat/events.js";
import type { Report } from "./rules/run-history.js";

/** All events that the verifier reads. test/verify/log-events.test.ts checks that gateways log each of them. */
export const LOG_EVENTS = [
  "node_ready",
  "leading_began",
  "leading_stopped",
  "leader_superseded",
  "lease_lost",
  "gap_filled",
  "events_missing",
  "message_repeated",
] as const;

export type LogEvent = (typeof LOG_EVENTS)[number];

/** How often each event was logged. */
export type SeenEvents = ReadonlyMap<LogEvent, number>;

/** A line of a gateway's log; the fields depend on the event. */
export interface LogLine {
  readonly event?: string;
  readonly msg: string;
  /** By the gateway's own clock, ms since 1970. */
  readonly time: number;
  readonly token?: string;
  readonly bucket?: number;
  readonly after?: Position;
  readonly kept?: Position;
  readonly reason?: string;
  /** Of `node_ready`. */
  readonly version?: string;
  readonly ledger?: string;
}

/** The event of a line; undefined if the verifier does not read it. */
export function eventOf({ event }: LogLine): LogEvent | undefined {
  return LOG_EVENTS.find((each) => each === event);
}

/** A gateway began to lead. */
export interface Term {
  readonly token: string;
  readonly gateway: number;
  /** By that gateway's own clock. */
  readonly time: number;
}

/** Collects from the logs of all gateways what the rules and the figures need. */
export class GatewayLogs {
  readonly seen = new Map<LogEvent, number>();
  /** The releases of the gateways that became ready. */
  readonly releases = new Set<string>();
  /** In the order in which they were read. */
  readonly terms: Term[] = [];
  /** What gateways reported to be missing from Redis' logs. */
  readonly reports: Report[] = [];
  readonly #now: () => number;

  /** @param now the run's steady clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  take(line: LogLine, gateway: number): void {
    const event = eventOf(line);
    if (event === undefined) return;
    this.seen.set(event, (this.seen.get(event) ?? 0) + 1);
    if (event === "node_ready") {
      this.releases.add(`${line.version ?? "0.1.0"} with functions ${line.ledger}`);
    }
    if (event === "leading_began" && line.token !== undefined) {
      this.terms.push({ token: line.token, gateway, time: line.time });
    }
    if (event === "events_missing") {
      const { bucket = -1, reason = "" } = line;
      const { after = { generation: 0, offset: 0 }, kept } = line;
      this.reports.push({ t: this.#now(), gateway, bucket, after, kept, reason });
    }
  }
}
