import { readFile, readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { Counters } from "#tertulia/observe.js";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL("deploy/observability/", ROOT);

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string }[] };
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const text = (path: string): Promise<string> => readFile(new URL(path, FOLDER), "utf8");
const alerts = parse(await text("alerts.yml")) as { groups: { rules: Rule[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(await text("grafana/dashboards/tertulia.json")) as Dashboard;
const shown = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const asked = [...shown, ...rules.map(({ expr }) => expr)];

/** Of the machines: they come from the kubelet, kube-state-metrics and node_exporter. */
const MACHINES = [
  "kubelet_volume_stats_available_bytes",
  "kubelet_volume_stats_capacity_bytes",
  "node_filesystem_avail_bytes",
  "node_filesystem_size_bytes",
  "kube_cronjob_created",
  "kube_cronjob_status_last_successful_time",
  "tertulia_backup_last_success_timestamp_seconds", // of deploy/backup/backup.sh
];

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

function metricsIn(expr: string): string[] {
  const outside = expr.replaceAll(/"[^"]*"/g, "");
  return [...outside.matchAll(/\b(?:tertulia|redis|node|kube|kubelet)_[a-z0-9_]+|\bup\b/g)].map(
    ([name]) => name,
  );
}

test("the dashboard and the alerts ask only for what gateways, and a real exporter of Redis, have", async () => {
  const exporter = await readFile(new URL("redis-exporter-series.txt", import.meta.url), "utf8");
  const known = new Set([...(await series()), ...exporter.split("\n"), ...MACHINES, "up"]);
  for (const expr of asked) expect(metricsIn(expr).length, expr).toBeGreaterThan(0);
  expect(asked.flatMap(metricsIn).filter((name) => !known.has(name))).toEqual([]);
});

test("metrics that alerts and the autoscaler use exist from the start", async () => {
  const increases = [
    ...(await text("alerts.yml")).matchAll(/increase\((tertulia_\w+(?:\{[^}]*\})?)/g),
  ];
  expect(increases.length).toBeGreaterThan(2);
  const metrics = await new Counters().registry.metrics();
  for (const each of [...increases.map(([, name]) => name!), "tertulia_connections"]) {
    expect(metrics).toMatch(new RegExp(`^${each.replace("}", ".*}")}.* 0$`, "m"));
  }
});

test("every alert has a severity, an owner and a runbook", () => {
  for (const { alert, labels, annotations } of rules) {
    expect(alert).toMatch(/^Tertulia[A-Z][A-Za-z]+$/);
    expect(["page", "ticket"], alert).toContain(labels["severity"]);
    expect(annotations["summary"], alert).toMatch(/\{\{ \$labels\.(?:cluster|cronjob) \}\}/);
    expect(annotations["description"], alert).toBeDefined();
    expect(annotations["runbook_url"], alert).toMatch(new RegExp(`docs/runbooks/${alert}.md$`));
  }
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
});

test("each alert's runbook says what it means, what users notice, and what to do", async () => {
  const folder = new URL("docs/runbooks/", ROOT);
  const pages = (await readdir(folder)).filter((name) => name !== "README.md");
  expect(pages.toSorted()).toEqual(rules.map(({ alert }) => `${alert}.md`).toSorted());
  const operations = await readFile(new URL("docs/operations.md", ROOT), "utf8");
  for (const page of pages) {
    expect(operations).toContain(`(runbooks/${page})`);
    const book = await readFile(new URL(page, folder), "utf8");
    expect(book).toMatch(new RegExp(`^# ${page.replace(".md", "")}\n`));
    const parts = [...book.matchAll(/^\*\*([^*]+)\.\*\*/gm)].map(([, part]) => part);
    expect(parts, page).toEqual(["Means", "Users feel", "Look at", "Do", "Afterwards"]);
    const links = [...book.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
    expect(
      links.filter((link) => !pages.includes(link)),
      page,
    ).toEqual([]);
  }
});

test("alerts keep clusters apart, and leave other people's servers alone", () => {
  const sum = /\b(?:sum|count|min|max|avg|group)\b(?!_)\s*(\([^)]|by \([^)]*\)|without \([^)]*\))/g;
  for (const { alert, expr } of rules) {
    for (const [, how] of expr.matchAll(sum)) {
      expect(how, alert).toMatch(/^by \(cluster, namespace, job[,)]|^without \(dialect\)/);
    }
    // an `and` and the limit that a value is held against are matched with what was selected
    const selectors = expr.matchAll(
      /\b(?:redis_(?!instance_info\{role="master"\})\w+|up)(\{[^}]*\})?/g,
    );
    for (const [name, selector = ""] of selectors) {
      expect(selector, `${alert}: ${name}`).toContain('part_of="tertulia"');
    }
  }
});

test("the dashboard shows one cluster, or all, of one source of data", () => {
  const variables = dashboard.templating.list.map(({ name }) => name);
  expect(variables).toEqual(["datasource", "cluster", "namespace", "job"]);
  for (const expr of shown) {
    for (const [name, , selector = ""] of expr.matchAll(
      /\b((?:tertulia|redis)_\w+)(\{[^}]*\})?/g,
    )) {
      for (const label of ["cluster", "namespace"]) {
        expect(selector, name).toContain(`${label}=~"$${label}"`);
      }
      expect(selector, name).toContain(
        name.startsWith("redis_") ? 'part_of="tertulia"' : 'job=~"$job"',
      );
    }
  }
});

test("Kubernetes has the same alerts (npm run alerts)", async () => {
  const made = await readFile(new URL("k8s/components/monitoring/rules.yaml", ROOT), "utf8");
  expect((parse(made) as { spec: unknown }).spec).toEqual(alerts);
});

test("every metric of ours is on the dashboard", async () => {
  const names = new Set(
    shown.flatMap(metricsIn).map((name) => name.replace(/_(bucket|count|sum)$/, "")),
  );
  const own = [...(await series())]
    .filter((name) => !/^tertulia_(process|nodejs)_/.test(name))
    .map((name) => name.replace(/_(bucket|count|sum)$/, ""));
  expect([...new Set(own)].filter((name) => !names.has(name))).toEqual([]);
});

test("metric names have units, and counters end in _total", async () => {
  for (const { name, type } of await new Counters().registry.getMetricsAsJSON()) {
    if (/^tertulia_(process|nodejs)_/.test(name)) continue;
    if (String(type) === "counter") expect(name).toMatch(/_total$/);
    if (String(type) === "histogram") expect(name).toMatch(/_seconds$/);
    if (String(type) === "gauge") expect(name).not.toMatch(/_total$|_ms$/);
  }
});
