/** What a node's metrics say, line by line. */
import type { Counters } from "#tertulia/observe.js";

export interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** The lines of one metric. @param metric its name, without the prefix */
export async function samplesOf({ registry }: Counters, metric: string): Promise<Sample[]> {
  const found = registry.getSingleMetric(`tertulia_${metric}`);
  if (found === undefined) throw new Error(`no such metric: ${metric}`);
  return (await found.get()).values as Sample[];
}
