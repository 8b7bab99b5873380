/**
 * Counters and histograms for what happens thousands of times a second: an event costs an addition. The registry reads
 * the numbers when Prometheus asks. (prom-client's own check and hash the labels of each event.)
 */
import type { Metric, Registry } from "prom-client";

/** A line of what Prometheus reads, as prom-client's registry takes it. */
interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface Series {
  samples(name: string, labels: Sample["labels"]): Sample[];
  /** Begins anew. */
  reset(): void;
}

/** How often something has happened. */
export class Counter implements Series {
  #count = 0;

  inc(by = 1): void {
    this.#count += by;
  }

  samples(metricName: string, labels: Sample["labels"]): Sample[] {
    return [{ metricName, labels, value: this.#count }];
  }

  reset(): void {
    this.#count = 0;
  }
}

/** How many values were in each bucket, and their sum. */
export class Histogram implements Series {
  readonly #bounds: readonly number[];
  /** Values up to each bound and above the one before it; the last number is for those above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds the upper bounds of the buckets, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (value > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += value;
  }

  samples(name: string, labels: Sample["labels"]): Sample[] {
    let count = 0;
    const buckets = [...this.#bounds, "+Inf"].map((le, i) => {
      count += this.#counts[i]!;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: this.#sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }

  reset(): void {
    this.#counts.fill(0);
    this.#sum = 0;
  }
}

/** Series that a label tells apart. Each is there from the first time that it is asked for. */
export class Labelled<Each extends Series, Value extends string = string> implements Series {
  readonly #label: string;
  readonly #make: () => Each;
  readonly #series = new Map<Value, Each>();

  constructor(label: string, make: () => Each) {
    this.#label = label;
    this.#make = make;
  }

  of(value: Value): Each {
    const known = this.#series.get(value);
    if (known !== undefined) return known;
    const series = this.#make();
    this.#series.set(value, series);
    return series;
  }

  samples(name: string): Sample[] {
    const label = this.#label;
    return [...this.#series].flatMap(([value, each]) => each.samples(name, { [label]: value }));
  }

  reset(): void {
    this.#series.clear();
  }
}

/** Makes the series a metric of the registry, under this name. */
export function register<Of extends Series>(
  registry: Registry,
  names: { readonly name: string; readonly help: string; readonly type: "counter" | "histogram" },
  series: Of,
): Of {
  const get = async (): Promise<object> => ({
    ...names,
    aggregator: "sum",
    values: series.samples(names.name, {}),
  });
  // all that the registry asks of a metric (test/metrics.test.ts); its types know only its own classes
  const metric: object = { ...names, get, reset: () => series.reset() };
  registry.registerMetric(metric as Metric);
  return series;
}
