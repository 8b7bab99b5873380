/** What an operator sees: the event log and the counters. */
import { pino, type DestinationStream, type Logger } from "pino";
import { Counter, Gauge, Registry, collectDefaultMetrics } from "prom-client";

export type Log = Logger;

export interface Observe {
  /** One constant sentence per event, variables as fields. Never a message's text; names at debug. */
  readonly log: Log;
  readonly counters: Counters;
}

export class Counters {
  readonly registry = new Registry();
  readonly connections = this.#gauge("connections", "Open connections by dialect", ["dialect"]);
  readonly frames = this.#counter("frames_received_total", "Frames from clients", ["kind"]);
  readonly refusals = this.#counter("refusals_total", "Commands refused, by reason", ["reason"]);
  readonly deliveries = this.#counter("deliveries_total", "Frames handed to sockets");
  readonly slowReaders = this.#counter("slow_readers_total", "Connections cut for not reading");
  readonly gapsFilled = this.#counter(
    "feed_gaps_filled_total",
    "Gaps of the feed filled from a log",
  );
  readonly eventsFilled = this.#counter("feed_events_filled_total", "Events that filled gaps");
  readonly holes = this.#counter("feed_holes_total", "Gaps that no log could fill", ["reason"]);
  readonly resubscriptions = this.#counter("feed_resubscriptions_total", "New subscriptions");
  readonly leading = this.#gauge("leading", "1 while this node leads");
  readonly rejoined = this.#counter(
    "rejoined_total",
    "Times this node lost its lease and rejoined",
  );
  readonly swept = this.#counter("swept_total", "Users swept by this leader", ["kind"]);

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: PREFIX });
  }

  #counter<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
  ): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }
}

export function observe(level: string, node: string, destination?: DestinationStream): Observe {
  const options = { level, base: { node } };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  return { log, counters: new Counters() };
}

const PREFIX = "tertulia_";
