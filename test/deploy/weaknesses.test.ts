import { expect, test as always } from "vitest";
import { hasKubectl, rendered, type Manifest } from "./manifests.js";
import { weaknesses } from "./weaknesses.js";

const test = always.skipIf(!hasKubectl());

test.each(["overlays/single", "overlays/production", "overlays/ha"])(
  "%s has no known weakness",
  (overlay) => {
    expect(weaknesses(rendered(overlay))).toEqual([]);
  },
);

test("the pods of a trial, and one more during a replacement, fit on two cores", () => {
  const all = rendered("overlays/single").filter(({ spec }) => spec?.template !== undefined);
  const millis = all.map(({ kind, spec }) => {
    const each = spec.template.spec.containers.map(({ resources }: Manifest) => {
      return Number.parseInt(resources.requests.cpu, 10);
    });
    return (
      each.reduce((a: number, b: number) => a + b) *
      (spec.replicas + (kind === "Deployment" ? 1 : 0))
    );
  });
  // what a minikube runs for itself asks for 850m
  expect(millis.reduce((a, b) => a + b)).toBeLessThan(1_000);
});

const planted: [string, string, (all: Manifest[]) => void][] = [
  [
    "production",
    "a frozen gateway holds its clients for 95 s",
    (all) => {
      const probe = gateway(all).livenessProbe;
      delete probe.terminationGracePeriodSeconds;
      probe.periodSeconds = 10;
    },
  ],
  [
    "production",
    "a pause of 5 s kills gateway",
    (all) => (gateway(all).livenessProbe.failureThreshold = 1),
  ],
  [
    "production",
    "is spread among the old version's pods",
    (all) => delete pod(all).topologySpreadConstraints[1].matchLabelKeys,
  ],
  [
    "production",
    "may stand on one node as a whole",
    (all) => (pod(all).topologySpreadConstraints[0].whenUnsatisfiable = "ScheduleAnyway"),
  ],
  [
    "production",
    "pods that are not ready cannot be evicted",
    (all) => delete part(all, "PodDisruptionBudget").spec.unhealthyPodEvictionPolicy,
  ],
  [
    "production",
    "each apply resets the replicas of tertulia",
    (all) => (part(all, "Deployment").spec.replicas = 3),
  ],
  [
    "production",
    "metrics are open to every pod",
    (all) => delete part(all, "NetworkPolicy").spec.ingress[1].from,
  ],
  [
    "production",
    "belongs to no instance",
    (all) => delete part(all, "Service").metadata.labels["app.kubernetes.io/instance"],
  ],
  [
    "production",
    "selects pods of other instances",
    (all) => delete part(all, "Service").spec.selector["app.kubernetes.io/instance"],
  ],
  [
    "production",
    "the server drops spec.egress",
    (all) => (part(all, "NetworkPolicy").spec.egress = []),
  ],
  ["production", "gateway may take all memory", (all) => delete gateway(all).resources.limits],
  [
    "production",
    "tertulia-peers:9000 does not name all gateways",
    (all) => delete named(all, "Service", "tertulia-peers").spec.publishNotReadyAddresses,
  ],
  [
    "production",
    "no policy lets the gateways reach one another",
    (all) => part(all, "NetworkPolicy").spec.egress.pop(),
  ],
  ["single", "anybody may log in", (all) => unset(all, "REDIS_PASSWORD_FILE")],
  ["single", "has no maxmemory", (all) => unset(all, "MAXMEMORY")],
  ["single", "a rewrite finds no memory", (all) => (redis(all).resources.limits.memory = "768Mi")],
  [
    "single",
    "a rewrite finds no room on the disk",
    (all) => {
      const [{ spec }] = part(all, "StatefulSet").spec.volumeClaimTemplates;
      spec.resources.requests.storage = "2Gi";
    },
  ],
  [
    "ha",
    "pods that are not ready cannot be evicted",
    (all) => {
      const { spec } = named(all, "PodDisruptionBudget", "tertulia-redis");
      delete spec.unhealthyPodEvictionPolicy;
    },
  ],
  [
    "ha",
    "metrics are open to every pod",
    (all) => delete named(all, "NetworkPolicy", "tertulia-redis").spec.ingress[1].from,
  ],
  [
    "ha",
    "two may stand on one node",
    (all) => delete part(all, "StatefulSet").spec.template.spec.affinity,
  ],
  [
    "ha",
    "the first waits for the second to start",
    (all) => delete part(all, "StatefulSet").spec.podManagementPolicy,
  ],
  [
    "ha",
    "those that start do not find one another",
    (all) => delete named(all, "Service", "tertulia-redis").spec.publishNotReadyAddresses,
  ],
  ["ha", "a primary stops without a successor", (all) => delete redis(all).lifecycle],
  ["ha", "talks without TLS", (all) => unset(all, "TLS_DIR")],
  ["ha", "a primary alone takes writes", (all) => unset(all, "MIN_REPLICAS")],
  ["ha", "nobody takes backups", (all) => all.splice(all.indexOf(part(all, "CronJob")), 1)],
];

test.each(planted)("a planted weakness of %s is found: %s", (overlay, said, plant) => {
  const all = structuredClone(rendered(`overlays/${overlay}`));
  plant(all);
  expect(weaknesses(all)).toContainEqual(expect.stringContaining(said));
});

function part(all: Manifest[], kind: string): Manifest {
  return all.find((each) => each.kind === kind);
}

function named(all: Manifest[], kind: string, name: string): Manifest {
  return all.find((each) => each.kind === kind && each.metadata.name === name);
}

/** Takes a variable from Redis' environment. */
function unset(all: Manifest[], name: string): void {
  const container = redis(all);
  container.env = container.env.filter((each: Manifest) => each.name !== name);
}

function pod(all: Manifest[]): Manifest {
  return part(all, "Deployment").spec.template.spec;
}

function gateway(all: Manifest[]): Manifest {
  return pod(all).containers[0];
}

function redis(all: Manifest[]): Manifest {
  return part(all, "StatefulSet").spec.template.spec.containers[0];
}
