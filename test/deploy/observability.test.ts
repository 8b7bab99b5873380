import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { Counters } from "#tertulia/observe.js";

const FOLDER = new URL("../../deploy/observability/", import.meta.url);

/** All series that a gateway has. */
async function series(): Promise<Set<string>> {
  const names = new Set<string>();
  for (const { name, type } of await new Counters().registry.getMetricsAsJSON()) {
    names.add(name);
    // prom-client says it in words, its types in numbers
    if (String(type) === "histogram") {
      for (const suffix of ["bucket", "count", "sum"]) names.add(`${name}_${suffix}`);
    }
  }
  return names;
}

function metricsIn(text: string): string[] {
  return [...text.matchAll(/\btertulia_[a-z0-9_]+/g)].map(([name]) => name);
}

test("the dashboard and the alerts ask only for what gateways have", async () => {
  const known = await series();
  const dashboard = JSON.parse(
    await readFile(new URL("grafana/dashboards/tertulia.json", FOLDER), "utf8"),
  ) as { panels: { title: string; targets: { expr: string }[] }[] };
  const alerts = parse(await readFile(new URL("alerts.yml", FOLDER), "utf8")) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const asked = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
  ];
  for (const expr of asked) expect(metricsIn(expr).length, expr).toBeGreaterThan(0);
  expect(asked.flatMap(metricsIn).filter((name) => !known.has(name))).toEqual([]);
});

test("what alerts see increase, and what the autoscaler adds up, is there before anything has happened", async () => {
  const text = await readFile(new URL("alerts.yml", FOLDER), "utf8");
  const increases = [...text.matchAll(/increase\((tertulia_\w+(?:\{[^}]*\})?)/g)];
  expect(increases.length).toBeGreaterThan(2);
  const metrics = await new Counters().registry.metrics();
  for (const series of [...increases.map(([, each]) => each!), "tertulia_connections"]) {
    expect(metrics).toMatch(new RegExp(`^${series.replace("}", ".*}")}.* 0$`, "m"));
  }
});

test("every metric of ours is on the dashboard", async () => {
  const text = await readFile(new URL("grafana/dashboards/tertulia.json", FOLDER), "utf8");
  const shown = new Set(metricsIn(text).map((name) => name.replace(/_(bucket|count|sum)$/, "")));
  const own = [...(await series())]
    .filter((name) => !/^tertulia_(process|nodejs)_/.test(name))
    .map((name) => name.replace(/_(bucket|count|sum)$/, ""));
  expect([...new Set(own)].filter((name) => !shown.has(name))).toEqual([]);
});

test("names say their unit, and count in total", async () => {
  for (const { name, type } of await new Counters().registry.getMetricsAsJSON()) {
    if (/^tertulia_(process|nodejs)_/.test(name)) continue;
    if (String(type) === "counter") expect(name).toMatch(/_total$/);
    if (String(type) === "histogram") expect(name).toMatch(/_seconds$/);
    if (String(type) === "gauge") expect(name).not.toMatch(/_total$|_ms$/);
  }
});
