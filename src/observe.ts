/** What an operator sees: the event log and the counters. */
import { pino, type DestinationStream, type Logger, type LoggerOptions } from "pino";
import { Gauge, Registry, collectDefaultMetrics } from "prom-client";
import { LogRateLimiter } from "./log-rate-limiter.js";
import { Counter, Histogram, Labelled, register, type Series } from "./metrics.js";
import { redacted } from "./redact.js";

const PREFIX = "tertulia_";
const MAX_PENDING = 10_000;
/** Seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const FAST_BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1];
/** Lines of one sentence per node that a disk and a reader can take. Counters count all of them. */
const LOG_RATE = { burst: 1_000, perSecond: 100, reportAfterMs: 1_000 };
/** Of lines about what single clients do wrong: a sample is enough, and whoever wants to can cause many. */
const SAMPLED_RATE = { burst: 100, perSecond: 10, reportAfterMs: 1_000 };
const SAMPLED: ReadonlySet<unknown> = new Set(["ignored", "refused", "command_refused"]);
const INFO = 30;
/** Who came and went is what the log is for; there cannot be more of these lines than Redis lets users in. */
const UNLIMITED: ReadonlySet<unknown> = new Set(["connected", "disconnected"]);

export type Log = Logger;

export interface Observe {
  /** One constant sentence per event, variables as fields. Never a message's text; names by LOG_NAMES. */
  readonly log: Log;
  readonly counters: Counters;
}

export class Counters {
  readonly registry = new Registry();
  readonly buildInfo = this.#gauge(
    "build_info",
    "1, with the versions of the node and of its function library (ledger)",
    ["version", "ledger"],
  );
  readonly connections = this.#gauge("connections", "Open connections by dialect", ["dialect"]);
  readonly connectionsLimit = this.#gauge("connections_limit", "MAX_CONNECTIONS");
  readonly frames = this.#counters("frames_received_total", "Frames from clients", "kind");
  readonly messages = this.#counters("messages_total", "Messages stored", "conversation");
  readonly repeats = this.#counter("messages_repeated_total", "Messages that were stored already");
  readonly notices = this.#counters("notices_total", "Events heard from the feed", "type");
  readonly refusals = this.#counters("refusals_total", "Commands refused, by reason", "reason");
  readonly deliveries = this.#counter("deliveries_total", "Frames queued for sockets");
  readonly slowReaders = this.#counter("slow_readers_total", "Connections cut for not reading");
  readonly letGo = this.#counters(
    "let_go_total",
    "Connections closed because this gateway alone was not ready, or their view had a hole",
    "why",
    ["alone", "hole"],
  );
  readonly queuedBytes = this.#sampled("queued_bytes", "Bytes that sockets have not taken yet");
  readonly ready = this.#sampled("ready", "1 while this node serves, as /readyz says");
  readonly fanOut = this.#histogram(
    "fan_out_seconds",
    "To encode an event and queue it for all of this node's sockets concerned",
    FAST_BUCKETS,
  );
  readonly delivery = new DeliveryTimer(
    this.#histogram(
      "delivery_seconds",
      "From the acceptance of a message by this node to its fan-out here, Redis and back between",
      BUCKETS,
    ),
  );
  readonly redisCalls = this.#histograms(
    "redis_call_seconds",
    "Calls of Redis functions",
    BUCKETS,
    "function",
  );
  readonly redisErrors = this.#counters(
    "redis_call_errors_total",
    "Calls of Redis functions that failed",
    "function",
  );
  readonly certificateEnd = this.#sampled(
    "redis_certificate_end_timestamp_seconds",
    "When the certificate ends that Redis showed to this node's open connection; 0 without TLS",
  );
  readonly clientCertificateEnd = this.#sampled(
    "certificate_end_timestamp_seconds",
    "When the certificate ends that new clients of this node get; 0 without TLS_CERT",
  );
  readonly feedRoundTrip = this.#histogram(
    "feed_round_trip_seconds",
    "From the publication of a probe to this node's own subscription",
    BUCKETS,
  );
  readonly feedLag = this.#gauge(
    "feed_lag_events",
    "Events in the logs that were not delivered yet, at the last beat",
  );
  readonly gapsFilled = this.#counter(
    "feed_gaps_filled_total",
    "Gaps of the feed filled from a log",
  );
  readonly eventsFilled = this.#counter("feed_events_filled_total", "Events that filled gaps");
  readonly holes = this.#counters("feed_holes_total", "Gaps that no log could fill", "reason", [
    "trimmed",
    "rolled_back",
  ]);
  readonly damaged = this.#counters(
    "damaged_values_total",
    "Values in Redis, or published there, that this chat cannot have written",
    "place",
    ["channel", "log", "meta", "user", "conversation", "bucket"],
  );
  readonly rollbacks = this.#counter(
    "rollbacks_total",
    "Times Redis held older data than this node had seen",
  );
  readonly resumeGaps = this.#counters(
    "resume_gaps_total",
    "Gaps that clients were told of when they came back",
    "reason",
    ["trimmed", "rolled_back", "limit"],
  );
  readonly resubscriptions = this.#counter("feed_resubscriptions_total", "New subscriptions");
  readonly leading = this.#gauge("leading", "1 while this node leads");
  readonly rejoined = this.#counter(
    "rejoined_total",
    "Times this node lost its lease and rejoined",
  );
  readonly sweeps = this.#counter("sweeps_total", "Rounds of the sweep by this leader");
  readonly swept = this.#counters("swept_total", "Users swept by this leader", "kind", [
    "idle",
    "lost",
    "forgotten",
  ]);

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: PREFIX });
  }

  #counter(name: string, help: string): Counter {
    return this.#register("counter", name, help, new Counter());
  }

  /** @param present series that are there from the start: Prometheus sees no increase where a series begins with 1 */
  #counters<Value extends string = string>(
    name: string,
    help: string,
    label: string,
    present: readonly Value[] = [],
  ): Labelled<Counter, Value> {
    const counters = new Labelled<Counter, Value>(label, () => new Counter());
    for (const value of present) counters.of(value);
    return this.#register("counter", name, help, counters);
  }

  #histogram(name: string, help: string, bounds: readonly number[]): Histogram {
    return this.#register("histogram", name, help, new Histogram(bounds));
  }

  #histograms(
    name: string,
    help: string,
    bounds: readonly number[],
    label: string,
  ): Labelled<Histogram> {
    const histograms = new Labelled(label, () => new Histogram(bounds));
    return this.#register("histogram", name, help, histograms);
  }

  #register<Of extends Series>(
    type: "counter" | "histogram",
    name: string,
    help: string,
    series: Of,
  ): Of {
    return register(this.registry, { type, name: PREFIX + name, help }, series);
  }

  /** A gauge that is read whenever the metrics are collected. */
  #sampled(name: string, help: string): { read: () => number } {
    const sampled = { read: () => 0 };
    const registers = [this.registry];
    const collect = function collect(this: Gauge): void {
      this.set(sampled.read());
    };
    // oxlint-disable-next-line no-new -- it lives in the registry
    new Gauge({ name: PREFIX + name, help, registers, collect });
    return sampled;
  }

  #gauge<Label extends string>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }
}

/** Times messages from their acceptance by this node to their delivery; forgets messages that never come. */
export class DeliveryTimer {
  readonly #histogram: Histogram;
  readonly #began = new Map<string, number>();

  constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  begin(mid: string): void {
    if (this.#began.size >= MAX_PENDING) this.#began.clear();
    this.#began.set(mid, performance.now());
  }

  end(mid: string): void {
    const began = this.#began.get(mid);
    if (began === undefined) return; // another node accepted it
    this.#began.delete(mid);
    this.#histogram.observe((performance.now() - began) / 1_000);
  }
}

export function observe(level: string, node: string, destination?: DestinationStream): Observe {
  const leftOut = (sentence: string, lines: number): void => {
    log.warn({ event: "left_out", sentence, lines }, "lines were left out of the log");
  };
  const limiter = new LogRateLimiter(LOG_RATE, leftOut);
  const sampler = new LogRateLimiter(SAMPLED_RATE, leftOut);
  const options: LoggerOptions = {
    level,
    base: { node },
    serializers: { err: errorFields },
    hooks: {
      streamWrite: redacted,
      logMethod(args, method, lineLevel) {
        const sentence = String(args.find((each) => typeof each === "string"));
        const { event } = args[0] as { event?: unknown };
        const isLimited = lineLevel >= INFO && !UNLIMITED.has(event);
        const rate = SAMPLED.has(event) ? sampler : limiter;
        if (!isLimited || rate.allows(sentence)) method.apply(this, args);
      },
    },
  };
  const log = destination === undefined ? pino(options) : pino(options, destination);
  return { log, counters: new Counters() };
}

/** The same, for one room of the code: its log lines name it. */
export function inRoom(watch: Observe, room: string): Observe {
  return { ...watch, log: watch.log.child({ room }) };
}

/** Only these fields of an error: Redis' errors carry the command's arguments, with passwords and texts. */
function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name: type, message, stack, cause } = error;
  const code: unknown = Reflect.get(error, "code");
  const errors = error instanceof AggregateError ? error.errors.map(errorFields) : undefined;
  return { type, message, code, stack, cause: cause && errorFields(cause), errors };
}
