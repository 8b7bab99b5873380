/** The Helm chart gives what the kustomize base gives, and refuses values that it does not understand. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test as always } from "vitest";
import { parse } from "yaml";
import { readConfig, schema, VARIABLES } from "#tertulia/config.js";
import { configSchema } from "../../k8s/chart-schema.js";
import {
  CHART,
  EVERYTHING,
  HELM,
  chart,
  documented,
  refusal,
  whyNoHelm,
  type Values,
} from "./chart.js";
import { hasKubectl, kustomized, lint, rendered, type Manifest } from "./manifests.js";

const why = whyNoHelm();
if (why !== undefined) console.log(why);
const test = always.skipIf(why !== undefined);

/** Kind and name → the object, without what Helm adds, and what has no order in order. */
function comparable(all: readonly Manifest[]): Record<string, Manifest> {
  const objects = all.map((each) => {
    const labels = { ...each.metadata.labels };
    for (const own of ["helm.sh/chart", "app.kubernetes.io/managed-by", VERSION]) {
      delete labels[own];
    }
    const copy = structuredClone({ ...each, metadata: { ...each.metadata, labels } });
    for (const { env } of copy.spec?.template?.spec.containers ?? []) env.sort(byName);
    return [`${each.kind} ${each.metadata.name}`, copy];
  });
  return Object.fromEntries(objects) as Record<string, Manifest>;
}

function pruneLabels(metadata: Manifest): void {
  const labels = Object.entries(metadata.labels ?? {});
  const own = labels.filter(([name]) => !name.startsWith("app.kubernetes.io/"));
  metadata.labels = Object.fromEntries(own);
}

const MONITORING = ["ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap"];

const VERSION = "app.kubernetes.io/version";

function byName(a: Manifest, b: Manifest): number {
  return a.name < b.name ? -1 : 1;
}

describe.skipIf(!hasKubectl())("the same objects as kustomize gives", () => {
  test("for the base", () => {
    expect(comparable(chart())).toEqual(comparable(rendered("base")));
  });

  test("for the overlay production", () => {
    const all = structuredClone(rendered("overlays/production"));
    const [gateway] = all.find(({ kind }) => kind === "Deployment").spec.template.spec.containers;
    // the chart is told which passwords there are, and mounts them
    gateway.env = gateway.env.filter((each: Manifest) => !each.valueFrom?.secretKeyRef?.optional);
    const values = { service: { type: "LoadBalancer" }, autoscaling: { enabled: true } };
    expect(comparable(chart(values))).toEqual(comparable(all));
  });

  test("for the overlay ha without its Redis, with the values in docs/operations.md", () => {
    const isGateways = ({ metadata }: Manifest): boolean =>
      metadata.labels?.["app.kubernetes.io/name"] === "tertulia";
    const isMonitoring = ({ kind }: Manifest): boolean => MONITORING.includes(kind);
    const all = chart(documented());
    expect(all.filter(isMonitoring)).toHaveLength(MONITORING.length);
    const gateways = all.filter((each) => !isMonitoring(each));
    expect(comparable(gateways)).toEqual(comparable(rendered("overlays/ha").filter(isGateways)));
  });

  const components: [string, Values][] = [
    ["autoscaling", { autoscaling: { enabled: true } }],
    ["ingress", { ingress: { enabled: true } }],
    ["open-metrics", { networkPolicy: { metricsFrom: [] } }],
    ["priority", { priorityClassName: "tertulia" }],
    ["tls", { tls: { existingSecret: "tertulia-tls" } }],
    ["redis-ca", { redis: { tls: { existingSecret: "tertulia-redis" } } }],
    [
      "monitoring",
      {
        serviceMonitor: { enabled: true, redis: true },
        prometheusRule: { enabled: true },
        dashboard: { enabled: true },
      },
    ],
  ];
  test.each(components)("for the component %s", (component, values) => {
    const all = kustomized({ resources: ["base"], components: [`components/${component}`] });
    const ours = all.filter(({ kind }) => kind !== "PriorityClass"); // the whole cluster's
    const theirs = chart(values);
    // this component leaves most labels to the overlay
    if (component === "monitoring")
      for (const { metadata } of [...ours, ...theirs]) pruneLabels(metadata);
    expect(comparable(theirs)).toEqual(comparable(ours));
  });
});

test("with everything enabled its parts fit together", () => {
  const variables = [...VARIABLES];
  const all = chart(EVERYTHING, "plaza");
  expect(
    lint(all, { variables, secrets: ["passwords", "redis-tls", "log", "authority", "chat-tls"] }),
  ).toEqual([]);
  expect(new Set(all.map(({ metadata }) => metadata.labels["app.kubernetes.io/instance"]))).toEqual(
    new Set(["plaza"]),
  );
});

test("given values reach the gateways", () => {
  const all = chart(EVERYTHING);
  const { spec } = all.find(({ kind }) => kind === "Deployment").spec.template;
  const [gateway] = spec.containers;
  expect(gateway.image).toBe(`registry.example.org/tertulia@sha256:${"0a".repeat(32)}`);
  const env = Object.fromEntries(
    gateway.env.map(({ name, value }: Manifest) => [name, value]),
  ) as Record<string, string>;
  expect(env).toMatchObject({
    REDIS_URL: "rediss+sentinel://redis-1:26379,redis-2:26379/main",
    REDIS_USERNAME: "tertulia",
    REDIS_PASSWORD_FILE: "/run/secrets/redis/redis",
    SENTINEL_PASSWORD_FILE: "/run/secrets/redis/sentinel",
    REDIS_CA_FILE: "/run/secrets/redis-tls/ca.crt",
    REDIS_CERT_FILE: "/run/secrets/redis-tls/tls.crt",
    REDIS_KEY_FILE: "/run/secrets/redis-tls/tls.key",
    MAX_CONNECTIONS: "1000000",
    DRAIN_WINDOW_MS: "61500",
  });
  // 2 + 5 + 61.5 + 10 = 79 s, ten more, up to the next ten
  expect(spec.terminationGracePeriodSeconds).toBe(90);
  expect(spec.volumes.map(({ name }: Manifest) => name)).toEqual([
    "redis-passwords",
    "redis-tls",
    "chat-tls",
    "authority",
  ]);
});

test("the gateways accept its default values", () => {
  const [{ spec }] = chart().filter(({ kind }) => kind === "Deployment");
  const given = spec.template.spec.containers[0].env
    .filter(({ value }: Manifest) => value !== undefined)
    .map(({ name, value }: Manifest) => [name, value]);
  for (const [name] of given) expect(VARIABLES).toContain(name);
  expect(() => readConfig(Object.fromEntries(given) as Record<string, string>)).not.toThrow();
});

test("another release has other names, and selects its own pods only", () => {
  const all = chart({}, "plaza");
  expect(new Set(all.map(({ metadata }) => metadata.name))).toEqual(
    new Set(["plaza-tertulia", "plaza-tertulia-peers", "plaza-tertulia-metrics"]),
  );
  for (const { kind, spec } of all) {
    if (kind === "Service") expect(spec.selector["app.kubernetes.io/instance"]).toBe("plaza");
  }
});

test("helm lint finds nothing, and the package holds the same", () => {
  const folder = mkdtempSync(join(tmpdir(), "tertulia-package-"));
  try {
    execFileSync(HELM, ["lint", "--strict", CHART], { stdio: "pipe" });
    execFileSync(HELM, ["package", CHART, "-d", folder], { stdio: "pipe" });
    const [file] = readdirSync(folder);
    expect(chart(EVERYTHING, "tertulia", join(folder, file!))).toEqual(chart(EVERYTHING));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const refused: [string, Values][] = [
  ["additional properties 'replica' not allowed", { replica: 3 }],
  ["at '/image': additional properties 'name' not allowed", { image: { name: "tertulia" } }],
  ["at '/replicas': got string, want integer", { replicas: "3" }],
  ["at '/image/pullPolicy': value must be one of", { image: { pullPolicy: "Sometimes" } }],
  ["at '/image/digest'", { image: { digest: "0a0a" } }],
  ["additional properties 'MAX_CONNECTION' not allowed", { config: { MAX_CONNECTION: 5 } }],
  ["at '/config/LEASE_MS': minimum: got 10, want 500", { config: { LEASE_MS: 10 } }],
  ["at '/config/LEASE_MS': got string, want integer", { config: { LEASE_MS: "4000" } }],
  ["at '/config/LOG_LEVEL': value must be one of", { config: { LOG_LEVEL: "loud" } }],
  ["at '/service/type': value must be one of", { service: { type: "Balancer" } }],
  ["at '/podAnnotations/a': got number, want string", { podAnnotations: { a: 1 } }],
  ["at '/redis/url'", { redis: { url: "http://redis" } }],
  ["at '/ingress/hosts': minItems", { ingress: { hosts: [] } }],
  ["config.REDIS_URL: use redis.url", { config: { REDIS_URL: "redis://redis:6379" } }],
  ["config.PORT: use service.port", { config: { PORT: 8080 } }],
  ["redis.url: a password in it", { redis: { url: "redis://:secret@redis:6379" } }],
  [
    "redis.url: a password in it",
    { redis: { url: "redis+sentinel://redis:26379/main?sentinel_password=secret" } },
  ],
  ["redis: give redis.url, or", { redis: { existingSecret: "" } }],
  [
    "there is no redis.existingSecret",
    {
      redis: {
        url: "redis://redis:6379",
        existingSecret: "",
        secretKeys: { password: "password" },
      },
    },
  ],
  ["redis.tls: cert and key go together", { redis: { tls: { cert: "tls.crt" } } }],
  ["the chart sets NODE_NAME itself", { extraEnv: [{ name: "NODE_NAME", value: "me" }] }],
  [
    "the chart sets LEASE_MS itself",
    { config: { LEASE_MS: 4000 }, extraEnv: [{ name: "LEASE_MS" }] },
  ],
  [
    "minReplicas is more than maxReplicas",
    { autoscaling: { enabled: true, minReplicas: 9, maxReplicas: 3 } },
  ],
  ["one of connections and cpu", { autoscaling: { enabled: true, connections: 0, cpu: 0 } }],
  ["httpRoute.parentRefs: name the Gateway", { httpRoute: { enabled: true } }],
];

test.each(refused)("refuses with clear words: %s", (said, values) => {
  expect(refusal(values)).toContain(said);
});

always("its schema knows the settings that the gateways know", () => {
  const values = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8"));
  const { config } = values.properties;
  expect(config, "npm run schema writes it").toEqual(JSON.parse(JSON.stringify(configSchema())));
  expect(Object.keys(config.properties)).toEqual(Object.keys(schema.shape));
});

always("it has a schema for all of its values, and its version is ours", () => {
  const read = (path: string): Manifest => parse(readFileSync(join(CHART, path), "utf8"));
  const { version } = read("../../package.json");
  expect(read("Chart.yaml")).toMatchObject({ version, appVersion: version });
  const { global: _, ...known } = read("values.schema.json").properties;
  expect(Object.keys(known).toSorted()).toEqual(Object.keys(read("values.yaml")).toSorted());
});
