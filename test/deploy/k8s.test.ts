import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test as always } from "vitest";
import { readConfig, VARIABLES } from "#tertulia/config.js";
import { hasKubectl, lint, rendered, type Manifest } from "./manifests.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const settings = {
  variables: [...VARIABLES],
  secrets: ["tertulia-redis", "tertulia-redis-tls"],
};
const overlays = ["overlays/single", "overlays/production", "overlays/ha"];
const options = ["components/monitoring", "components/ingress"];
const test = always.skipIf(!hasKubectl());
if (!hasKubectl()) console.log("no kubectl here: the manifests are not checked");

/** An overlay with everything that is optional. */
function everything(overlay: string): Manifest[] {
  return structuredClone([...rendered(overlay), ...options.flatMap((each) => rendered(each))]);
}

test.each(overlays)("%s renders, and its parts fit together", (overlay) => {
  expect(rendered(overlay).length).toBeGreaterThan(4);
  expect(lint(everything(overlay), settings)).toEqual([]);
});

test.each(overlays)("%s configures the gateways with values that they accept", (overlay) => {
  const { spec } = part(rendered(overlay), "Deployment");
  const given = spec.template.spec.containers[0].env
    .filter(({ name, value }: Manifest) => value !== undefined && !name.endsWith("_FILE"))
    .map(({ name, value }: Manifest) => [name, value]);
  expect(() => readConfig(Object.fromEntries(given) as Record<string, string>)).not.toThrow();
});

test("only the chat's port is exposed", () => {
  const offered = rendered("overlays/production").filter(
    ({ kind, spec }) => kind === "Service" && spec.type === "LoadBalancer",
  );
  expect(offered.flatMap(({ spec }) => spec.ports.map(({ port }: Manifest) => port))).toEqual([
    9000,
  ]);
});

test("the image is ours, in this version, or a known one", async () => {
  const { version } = JSON.parse(await readFile(`${ROOT}package.json`, "utf8"));
  const known = [`tertulia:${version}`, "redis:8.0", "oliver006/redis_exporter:v1.74.0"];
  for (const overlay of overlays) {
    const text = JSON.stringify(rendered(overlay));
    const images = [...text.matchAll(/"image":"([^"]+)"/g)].map(([, image]) => image);
    for (const image of images) expect(known).toContain(image);
  }
});

const mistakes: [string, (all: Manifest[]) => void][] = [
  ["its selector does not match", (all) => (pod(all).metadata.labels = { app: "other" })],
  ["Service tertulia: selects nothing", (all) => (part(all, "Service").spec.selector = { a: "b" })],
  [
    "no container has the port chatt",
    (all) => (part(all, "Service").spec.ports[0].targetPort = "chatt"),
  ],
  ["readinessProbe asks at http", (all) => (gateway(all).readinessProbe.httpGet.port = "http")],
  ["is no name of a port", (all) => (gateway(all).ports[0].name = "chat-with-everybody")],
  [
    "PodDisruptionBudget tertulia: selects nothing",
    (all) => (part(all, "PodDisruptionBudget").spec.selector.matchLabels = { a: "b" }),
  ],
  [
    "scales nothing",
    (all) => (part(all, "HorizontalPodAutoscaler").spec.scaleTargetRef.name = "gateway"),
  ],
  [
    "its least is more than its most",
    (all) => (part(all, "HorizontalPodAutoscaler").spec.minReplicas = 99),
  ],
  [
    "the configuration knows no DRAIN_MS",
    (all) => gateway(all).env.push({ name: "DRAIN_MS", value: "1" }),
  ],
  [
    "there is no secret redis",
    (all) => (gateway(all).env[0].valueFrom.secretKeyRef.name = "redis"),
  ],
  ["there is no account chat", (all) => (pod(all).spec.serviceAccountName = "chat")],
  ["is killed before it has drained", (all) => (pod(all).spec.terminationGracePeriodSeconds = 30)],
  ["has no livenessProbe", (all) => delete gateway(all).livenessProbe],
  ["may run as root", (all) => delete pod(all).spec.securityContext.runAsNonRoot],
  [
    "may do more than it must",
    (all) => (gateway(all).securityContext.readOnlyRootFilesystem = false),
  ],
  ["depends on a namespace", (all) => (part(all, "Service").metadata.namespace = "chat")],
  [
    "NetworkPolicy tertulia: no container has the port 9001",
    (all) => (part(all, "NetworkPolicy").spec.ingress[0].ports[0].port = 9001),
  ],
  [
    "there is no tertulia at this port",
    (all) => (part(all, "Ingress").spec.rules[0].http.paths[0].backend.service.port.name = "http"),
  ],
  [
    "no service has the port prometheus",
    (all) => (part(all, "ServiceMonitor").spec.endpoints[0].port = "prometheus"),
  ],
  [
    "spreads other pods",
    (all) => (pod(all).spec.topologySpreadConstraints[0].labelSelector.matchLabels = { a: "b" }),
  ],
];

test.each(mistakes)("a planted mistake is found: %s", (said, plant) => {
  const all = everything("overlays/production");
  plant(all);
  expect(lint(all, settings)).toContainEqual(expect.stringContaining(said));
});

describe("the schemas of Kubernetes", () => {
  let folder: string;
  const types: Record<string, string> = {
    Deployment: "apps/v1",
    StatefulSet: "apps/v1",
    Service: "core/v1",
    ServiceAccount: "core/v1",
    ConfigMap: "core/v1",
    PersistentVolumeClaim: "core/v1",
    CronJob: "batch/v1",
    PodDisruptionBudget: "policy/v1",
    NetworkPolicy: "networking/v1",
    Ingress: "networking/v1",
    HorizontalPodAutoscaler: "autoscaling/v2",
  };
  beforeAll(async () => {
    folder = await mkdtemp(`${ROOT}node_modules/.k8s-`); // where the types are found
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** What tsc says to the manifests as typed constants. */
  async function mistyped(all: Manifest[]): Promise<string> {
    const typed = all.filter(({ kind }) => kind in types);
    const constants = typed.map((each, i) => {
      const type = `import("kubernetes-types/${types[each.kind]}").${each.kind}`;
      return `export const m${i}: ${type} = ${JSON.stringify(each, null, 1)};`;
    });
    await writeFile(`${folder}/all.ts`, constants.join("\n"));
    const args = [
      "--noEmit",
      "--strict",
      "--ignoreConfig",
      "--skipLibCheck",
      "--module",
      "esnext",
      "--moduleResolution",
      "bundler",
    ];
    try {
      execFileSync(`${ROOT}node_modules/.bin/tsc`, [...args, `${folder}/all.ts`], {
        stdio: "pipe",
      });
      return "";
    } catch (error) {
      return String((error as { stdout: Buffer }).stdout);
    }
  }

  test("accept all that we have", async () => {
    expect(await mistyped(overlays.flatMap(everything))).toBe("");
  });

  test("refuse a field that does not exist, and a value of another type", async () => {
    const all = everything("overlays/production");
    pod(all).spec.terminationGracePeriod = 60;
    part(all, "HorizontalPodAutoscaler").spec.maxReplicas = "30";
    const said = await mistyped(all);
    expect(said).toContain("terminationGracePeriod");
    expect(said).toContain("Type 'string' is not assignable to type 'number'");
  });
});

function part(all: Manifest[], kind: string): Manifest {
  return all.find((each) => each.kind === kind);
}

function pod(all: Manifest[]): Manifest {
  return part(all, "Deployment").spec.template;
}

function gateway(all: Manifest[]): Manifest {
  return pod(all).spec.containers[0];
}
