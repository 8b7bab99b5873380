import * as prometheus from "prom-client";
import { expect, test } from "vitest";
import { Counter, Histogram, Labelled, register } from "#tertulia/metrics.js";

const COUNTER = {
  name: "frames_total",
  help: 'Frames, "so called"\nor not',
  type: "counter",
} as const;
const HISTOGRAM = { name: "call_seconds", help: "Calls", type: "histogram" } as const;
const BOUNDS = [0.001, 0.1, 1];
const VALUES = [0, 0.0005, 0.001, 0.0011, 0.1, 0.5, 1, 1.0001, 70, 0.1 + 0.2];

/** What Prometheus reads when the same has happened in ours and in prom-client's metrics. */
async function texts(
  ours: (registry: prometheus.Registry) => void,
  theirs: (registers: prometheus.Registry[]) => void,
): Promise<[string, string]> {
  const [a, b] = [new prometheus.Registry(), new prometheus.Registry()];
  ours(a);
  theirs([b]);
  return [await a.metrics(), await b.metrics()];
}

test("a counter reads like prom-client's, before and after it has counted", async () => {
  for (const counts of [[], [1, 1, 0, 40]]) {
    const [ours, theirs] = await texts(
      (registry) => {
        const counter = register(registry, COUNTER, new Counter());
        for (const count of counts) counter.inc(count);
      },
      (registers) => {
        const counter = new prometheus.Counter({ ...COUNTER, registers });
        for (const count of counts) counter.inc(count);
      },
    );
    expect(ours).toBe(theirs);
  }
});

test("counters with a label read like prom-client's, in the order of their first use", async () => {
  const kinds = ["command", 'a "kind"', "command", "back\\slash", "request", "command"];
  const [ours, theirs] = await texts(
    (registry) => {
      const counters = register(registry, COUNTER, new Labelled("kind", () => new Counter()));
      counters.of("zero");
      for (const kind of kinds) counters.of(kind).inc(2);
    },
    (registers) => {
      const counter = new prometheus.Counter({ ...COUNTER, labelNames: ["kind"], registers });
      counter.inc({ kind: "zero" }, 0);
      for (const kind of kinds) counter.inc({ kind }, 2);
    },
  );
  expect(ours).toContain('frames_total{kind="command"} 6');
  expect(ours).toBe(theirs);
});

test("a histogram reads like prom-client's, before and after it has seen values", async () => {
  for (const values of [[], VALUES]) {
    const [ours, theirs] = await texts(
      (registry) => {
        const histogram = register(registry, HISTOGRAM, new Histogram(BOUNDS));
        for (const value of values) histogram.observe(value);
      },
      (registers) => {
        const histogram = new prometheus.Histogram({
          ...HISTOGRAM,
          buckets: [...BOUNDS],
          registers,
        });
        for (const value of values) histogram.observe(value);
      },
    );
    expect(ours).toBe(theirs);
  }
});

test("histograms with a label read like prom-client's", async () => {
  const [ours, theirs] = await texts(
    (registry) => {
      const make = (): Histogram => new Histogram(BOUNDS);
      const histograms = register(registry, HISTOGRAM, new Labelled("function", make));
      for (const [i, value] of VALUES.entries()) histograms.of(`f${i % 2}`).observe(value);
    },
    (registers) => {
      const buckets = [...BOUNDS];
      const labelNames = ["function"];
      const histogram = new prometheus.Histogram({ ...HISTOGRAM, labelNames, buckets, registers });
      for (const [i, value] of VALUES.entries())
        histogram.observe({ function: `f${i % 2}` }, value);
    },
  );
  expect(ours).toContain('call_seconds_bucket{le="+Inf",function="f0"} 5');
  expect(ours).toBe(theirs);
});

test("a registry that is reset begins anew", async () => {
  const registry = new prometheus.Registry();
  const counters = register(registry, COUNTER, new Labelled("kind", () => new Counter()));
  const histogram = register(registry, HISTOGRAM, new Histogram(BOUNDS));
  counters.of("command").inc(7);
  histogram.observe(0.5);
  registry.resetMetrics();
  counters.of("request").inc();
  histogram.observe(2);
  const text = await registry.metrics();
  expect(text).toContain('counter\nframes_total{kind="request"} 1\n\n');
  expect(text).toContain('call_seconds_bucket{le="1"} 0');
  expect(text).toContain("call_seconds_sum 2\ncall_seconds_count 1");
});
