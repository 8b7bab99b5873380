/** A lint for manifests that are right, and serve until something fails: what an operator learns at night. */
import type { Manifest } from "./manifests.js";

/** A gateway that is frozen is dead within this; its clients hear nothing until then. */
const FROZEN_SECONDS = 30;
/** A pause of less than this kills nobody. */
const PAUSE_SECONDS = 10;
const INSTANCE = "app.kubernetes.io/instance";

/** Weaknesses, in words; empty if there are none. */
export function weaknesses(all: readonly Manifest[]): string[] {
  const said: string[] = [];
  const say = (manifest: Manifest, what: string): void => {
    said.push(`${manifest.kind} ${manifest.metadata?.name}: ${what}`);
  };
  const named = (kind: string, name: string): Manifest =>
    all.find((each) => each.kind === kind && each.metadata.name === name);

  for (const manifest of all) {
    const { kind, spec } = manifest;
    if (manifest.metadata.labels?.[INSTANCE] === undefined) say(manifest, "belongs to no instance");
    for (const path of dropped(manifest)) say(manifest, `the server drops ${path}`);
    for (const selector of selectors(manifest)) {
      if (selector[INSTANCE] === undefined) say(manifest, "selects pods of other instances");
    }
    if (kind === "Deployment") checkGateways(manifest);
    if (kind === "StatefulSet") checkStore(manifest);
    if (kind === "Deployment" || kind === "StatefulSet") checkMemory(manifest);
    if (kind === "PodDisruptionBudget" && !saysWhatBecomesOfTheUnready(spec)) {
      say(manifest, "pods that are not ready cannot be evicted");
    }
    if (kind === "HorizontalPodAutoscaler") {
      const { scaleTargetRef: target } = spec;
      if (named(target.kind, target.name)?.spec.replicas !== undefined) {
        say(manifest, `each apply resets the replicas of ${target.name}`);
      }
    }
    if (kind === "NetworkPolicy") {
      for (const { ports = [], from } of spec.ingress ?? []) {
        const isOpen =
          from === undefined && ports.some(({ port }: Manifest) => `${port}`.startsWith("metrics"));
        if (isOpen) say(manifest, "metrics are open to every pod");
      }
    }
  }
  return said;

  /** Gateways may always go. Of Redis, one that is not whole may be needed: there the choice is made in words. */
  function saysWhatBecomesOfTheUnready({ selector, unhealthyPodEvictionPolicy: policy }: Manifest) {
    const isStore = all.some(
      ({ kind, spec }) =>
        kind === "StatefulSet" &&
        isWithin(selector.matchLabels, spec.template.metadata.labels) &&
        policy === "IfHealthyBudget",
    );
    return policy === "AlwaysAllow" || isStore;
  }

  function checkGateways(deployment: Manifest): void {
    const pod = deployment.spec.template.spec;
    for (const container of pod.containers) {
      const { name, livenessProbe: probe, env = [] } = container;
      if (probe !== undefined) {
        const { periodSeconds = 10, timeoutSeconds = 1, failureThreshold = 3 } = probe;
        const grace =
          probe.terminationGracePeriodSeconds ?? pod.terminationGracePeriodSeconds ?? 30;
        const every = Math.max(periodSeconds, timeoutSeconds);
        const dead = periodSeconds + (failureThreshold - 1) * every + timeoutSeconds + grace;
        const pause = (failureThreshold - 1) * every + timeoutSeconds;
        if (dead > FROZEN_SECONDS)
          say(deployment, `a frozen ${name} holds its clients for ${dead} s`);
        if (pause < PAUSE_SECONDS) say(deployment, `a pause of ${pause} s kills ${name}`);
      }
      const peers = env.find((each: Manifest) => each.name === "PEERS")?.value;
      if (peers !== undefined) checkPeers(deployment, peers);
    }
    const spreads = pod.topologySpreadConstraints ?? [];
    for (const { matchLabelKeys = [] } of spreads) {
      if (!matchLabelKeys.includes("pod-template-hash")) {
        say(deployment, "is spread among the old version's pods");
      }
    }
    const isApart = spreads.some(
      ({ topologyKey, whenUnsatisfiable }: Manifest) =>
        topologyKey === "kubernetes.io/hostname" && whenUnsatisfiable === "DoNotSchedule",
    );
    if (!isApart) say(deployment, "may stand on one node as a whole");
  }

  /** PEERS names all gateways, also those that are not ready, and the network lets them talk. */
  function checkPeers(deployment: Manifest, peers: string): void {
    const [host = "", port = ""] = peers.split(":");
    const service = named("Service", host)?.spec;
    const isWhole =
      service?.clusterIP === "None" &&
      service.publishNotReadyAddresses === true &&
      service.ports.some((each: Manifest) => each.port === Number(port));
    if (!isWhole) say(deployment, `${peers} does not name all gateways`);
    const { labels } = deployment.spec.template.metadata;
    const isLetOut = all.some(
      ({ kind, spec }) =>
        kind === "NetworkPolicy" &&
        isWithin(spec.podSelector.matchLabels, labels) &&
        (spec.egress ?? []).some(
          ({ to = [], ports = [] }: Manifest) =>
            ports.some((each: Manifest) => each.port === Number(port)) &&
            to.some(({ podSelector }: Manifest) => isWithin(podSelector?.matchLabels, labels)),
        ),
    );
    if (!isLetOut) say(deployment, "no policy lets the gateways reach one another");
  }

  /** A Redis refuses what it has no room for, rather than being killed, and has room to rewrite its file. */
  function checkStore(set: Manifest): void {
    const { template, volumeClaimTemplates = [] } = set.spec;
    const redis = template.spec.containers.find(({ name }: Manifest) => name === "redis");
    if (redis === undefined) return;
    if (setting(redis, "redis_password_file") === undefined) say(set, "anybody may log in");
    if (set.spec.replicas > 1) checkStores(set, redis);
    const maxmemory = bytes(setting(redis, "maxmemory") ?? "0");
    const limit = bytes(redis.resources?.limits?.memory ?? "0");
    if (maxmemory === 0) say(set, "has no maxmemory");
    if (maxmemory > 0.65 * limit) say(set, "a rewrite finds no memory");
    for (const { metadata, spec } of volumeClaimTemplates) {
      const isRoomy = bytes(spec.resources.requests.storage) >= 4 * maxmemory;
      if (metadata.name === "data" && !isRoomy) say(set, "a rewrite finds no room on the disk");
    }
  }

  /** Several, with Sentinel: apart, encrypted, and none goes without a successor. */
  function checkStores(set: Manifest, redis: Manifest): void {
    const { podManagementPolicy, serviceName, template } = set.spec;
    const { podAntiAffinity } = template.spec.affinity ?? {};
    const apart = podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const isApart = apart.some(
      ({ topologyKey, labelSelector }: Manifest) =>
        topologyKey === "kubernetes.io/hostname" &&
        isWithin(labelSelector.matchLabels, template.metadata.labels),
    );
    if (!isApart) say(set, "two may stand on one node");
    if (podManagementPolicy !== "Parallel") say(set, "the first waits for the second to start");
    if (named("Service", serviceName)?.spec.publishNotReadyAddresses !== true) {
      say(set, "those that start do not find one another");
    }
    if (redis.lifecycle?.preStop === undefined) say(set, "a primary stops without a successor");
    if (setting(redis, "tls_dir") === undefined) say(set, "talks without TLS");
    if (!(Number(setting(redis, "min_replicas")) > 0)) say(set, "a primary alone takes writes");
    const isCopied = all.some(({ kind }) => kind === "CronJob");
    if (!isCopied) say(set, "nobody takes backups");
  }

  function checkMemory(workload: Manifest): void {
    for (const { name, resources } of workload.spec.template.spec.containers) {
      if (resources?.limits?.memory === undefined) say(workload, `${name} may take all memory`);
      if (resources?.requests?.cpu === undefined) say(workload, `${name} asks for no CPU`);
    }
  }
}

/** Paths of empty lists and nulls: an API server does not keep them, so each apply is a change. */
function dropped(tree: unknown, path = ""): string[] {
  if (tree === null || (Array.isArray(tree) && tree.length === 0)) return [path];
  if (typeof tree !== "object") return [];
  return Object.entries(tree).flatMap(([key, value]) =>
    dropped(value, path === "" ? key : `${path}.${key}`),
  );
}

/** The labels that this manifest selects pods by. */
function selectors({ kind, spec }: Manifest): Manifest[] {
  if (kind === "Service") return [spec.selector];
  if (kind === "Deployment" || kind === "StatefulSet" || kind === "PodDisruptionBudget") {
    return [spec.selector.matchLabels];
  }
  if (kind !== "NetworkPolicy") return [];
  const rules: Manifest[] = [...(spec.ingress ?? []), ...(spec.egress ?? [])];
  const peers: Manifest[] = rules.flatMap(({ from, to }) => from ?? to ?? []);
  const own = [{ podSelector: spec.podSelector }, ...peers].filter(
    // pods of another namespace are somebody else's
    ({ podSelector, namespaceSelector }) =>
      podSelector !== undefined && namespaceSelector === undefined,
  );
  return own.map(({ podSelector }) => podSelector.matchLabels);
}

/** A setting of Redis, on its command line or in its environment. */
function setting({ args = [], env = [] }: Manifest, name: string): string | undefined {
  const at = args.indexOf(`--${name}`);
  if (at !== -1) return args[at + 1];
  return env.find((each: Manifest) => each.name === name.toUpperCase())?.value;
}

function bytes(size: string): number {
  const [, count, unit = ""] = /^([\d.]+)\s*([a-z]*)$/i.exec(size) ?? [];
  const powers: Record<string, number> = { ki: 1, kb: 1, mi: 2, mb: 2, gi: 3, gb: 3 };
  return Number(count) * 1_024 ** (powers[unit.toLowerCase()] ?? 0);
}

function isWithin(some: Manifest, all: Manifest): boolean {
  const wanted = Object.entries(some ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => all?.[key] === value);
}
