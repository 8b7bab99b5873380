/** Which series of the cluster `blue` a case is about. */
import type { During, Series } from "./alert-worlds.js";

/** Series of `blue` whose name is this, and whose labels have these values. */
export function blue(name: string, labels: Series["labels"] = {}): (series: Series) => boolean {
  return (series) =>
    (series.labels["cluster"] ?? "blue") === "blue" &&
    (series.labels["namespace"] ?? "") === "chat" &&
    series.name === name &&
    Object.entries(labels).every(([label, value]) => series.labels[label] === value);
}

/** All that is scraped from one target. */
export function target(
  instance: string,
  except: readonly string[] = [],
): (series: Series) => boolean {
  return ({ name, labels }) =>
    labels["cluster"] === "blue" && labels["instance"] === instance && !except.includes(name);
}

export const job = (of: string) => (series: Series) =>
  series.labels["cluster"] === "blue" && series.labels["job"] === of;
export const one = { instance: "tertulia-1" };
export const leader = { instance: "tertulia-2" };
export const primary = { instance: "r1" };
export const followed = (
  name: string,
  to: During,
  labels = {},
): [ReturnType<typeof blue>, During] => [blue(name, labels), to];
