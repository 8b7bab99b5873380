/** Our Kubernetes manifests, rendered, and a lint for what schemas do not see. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseAllDocuments } from "yaml";
import { BINARIES } from "../support/k8s-tools.js";

// oxlint-disable-next-line typescript/no-explicit-any -- manifests are trees of anything
export type Manifest = any;

export const K8S = new URL("../../k8s/", import.meta.url).pathname;

const KUBECTL = existsSync(join(BINARIES, "kubectl")) ? join(BINARIES, "kubectl") : "kubectl";

export function hasKubectl(): boolean {
  try {
    execFileSync(KUBECTL, ["version", "--client"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

/** As kubectl renders them. */
export function rendered(folder: string): Manifest[] {
  const path = join(K8S, folder);
  const known = cache.get(path) ?? manifests(kustomize(path));
  cache.set(path, known);
  return known;
}

const cache = new Map<string, Manifest[]>();

export interface Kustomization {
  readonly resources: readonly string[];
  readonly components?: readonly string[];
}

/** Folders of k8s/ together, as kubectl renders them. */
export function kustomized(parts: Kustomization): Manifest[] {
  const folder = mkdtempSync(join(tmpdir(), "tertulia-kustomize-"));
  try {
    const found = Object.entries(parts).map(([key, paths]: [string, readonly string[]]) => [
      key,
      paths.map((path) => relative(folder, join(K8S, path))),
    ]);
    writeFileSync(join(folder, "kustomization.yaml"), JSON.stringify(Object.fromEntries(found)));
    return manifests(kustomize(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function kustomize(path: string): string {
  return execFileSync(KUBECTL, ["kustomize", path], { encoding: "utf8" });
}

export function manifests(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}

export interface LintSettings {
  /** Names of environment variables that the configuration knows. */
  readonly variables: readonly string[];
  /** Secrets that an operator creates. */
  readonly secrets: readonly string[];
}

/** Mistakes in how the manifests refer to one another, in words; empty if there are none. */
export function lint(all: readonly Manifest[], { variables, secrets }: LintSettings): string[] {
  const mistakes: string[] = [];
  const say = (manifest: Manifest, what: string): void => {
    mistakes.push(`${manifest.kind} ${manifest.metadata?.name}: ${what}`);
  };
  const workloads = all.filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet");
  const jobs = all.filter(({ kind }) => kind === "CronJob");
  const exists = (kind: string, name: string): boolean =>
    all.some((each) => each.kind === kind && each.metadata.name === name);
  const matching = (labels: Manifest): Manifest[] =>
    [...workloads, ...jobs].filter((each) => isWithin(labels, templateOf(each).metadata?.labels));
  const portNames = (those: Manifest[]): unknown[] =>
    those.flatMap((each) =>
      templateOf(each).spec.containers.flatMap(({ ports = [] }: Manifest) =>
        ports.flatMap(({ name, containerPort }: Manifest) => [name, containerPort]),
      ),
    );
  const checkPort = (manifest: Manifest, port: Manifest, those: Manifest[]): void => {
    if (!portNames(those).includes(port)) say(manifest, `no container has the port ${port}`);
  };

  for (const manifest of all) {
    if (manifest.metadata?.namespace !== undefined) say(manifest, "depends on a namespace");
    if (all.filter((each) => isSame(each, manifest)).length > 1) say(manifest, "is there twice");
  }
  for (const workload of workloads) checkWorkload(workload);
  for (const job of jobs) checkPod(job);
  for (const manifest of all) checkReferences(manifest);
  return [...new Set(mistakes)];

  function checkWorkload(workload: Manifest): void {
    const { selector, template, serviceName } = workload.spec;
    if (!isWithin(selector?.matchLabels, template.metadata?.labels)) {
      say(workload, "its selector does not match its template's labels");
    }
    if (serviceName !== undefined && !exists("Service", serviceName)) {
      say(workload, `there is no service ${serviceName}`);
    }
    checkPod(workload);
    for (const container of template.spec.containers) checkProbes(workload, container);
    for (const { labelSelector } of template.spec.topologySpreadConstraints ?? []) {
      if (!isWithin(labelSelector.matchLabels, template.metadata?.labels)) {
        say(workload, "spreads other pods than its own");
      }
    }
  }

  function checkPod(workload: Manifest): void {
    const pod = templateOf(workload).spec;
    if (pod.serviceAccountName !== undefined && !exists("ServiceAccount", pod.serviceAccountName)) {
      say(workload, `there is no account ${pod.serviceAccountName}`);
    }
    if (pod.automountServiceAccountToken !== false) say(workload, "mounts a token");
    if (pod.securityContext?.runAsNonRoot !== true) say(workload, "may run as root");
    for (const { name, configMap, secret } of pod.volumes ?? []) {
      if (configMap !== undefined && !exists("ConfigMap", configMap.name)) {
        say(workload, `there is no configuration ${configMap.name}`);
      }
      if (secret !== undefined) checkSecret(workload, secret.secretName);
      const isMounted = pod.containers.some(({ volumeMounts = [] }: Manifest) =>
        volumeMounts.some((mount: Manifest) => mount.name === name),
      );
      if (!isMounted) say(workload, `nobody mounts ${name}`);
    }
    for (const container of pod.containers) checkContainer(workload, container);
  }

  function checkSecret(workload: Manifest, name: string): void {
    if (!exists("Secret", name) && !secrets.includes(name)) {
      say(workload, `there is no secret ${name}`);
    }
  }

  function checkContainer(workload: Manifest, container: Manifest): void {
    const { securityContext, ports = [], env = [] } = container;
    for (const { name } of ports) {
      if (!/^(?=.*[a-z])[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/.test(name)) {
        say(workload, `${name} is no name of a port (at most 15 of a-z, 0-9 and dashes)`);
      }
    }
    const isHard =
      securityContext?.allowPrivilegeEscalation === false &&
      securityContext.readOnlyRootFilesystem === true &&
      securityContext.capabilities?.drop?.includes("ALL");
    if (!isHard) say(workload, `${container.name} may do more than it must`);
    for (const { name, valueFrom } of env) {
      const isOurs = container.name === "gateway";
      if (isOurs && !variables.includes(name)) say(workload, `the configuration knows no ${name}`);
      const secret = valueFrom?.secretKeyRef?.name;
      if (secret !== undefined) checkSecret(workload, secret);
    }
    checkGrace(workload, container);
  }

  function checkProbes(workload: Manifest, container: Manifest): void {
    const { ports = [] } = container;
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"]) {
      if (container[probe] === undefined) say(workload, `has no ${probe}`);
      const port = (container[probe]?.httpGet ?? container[probe]?.tcpSocket)?.port;
      const own = ports.flatMap((each: Manifest) => [each.name, each.containerPort]);
      if (port !== undefined && !own.includes(port)) {
        say(workload, `${probe} asks at ${port}, which is no port of it`);
      }
    }
  }

  function checkGrace(workload: Manifest, { env = [], lifecycle }: Manifest): void {
    const seconds = (name: string): number =>
      Number(env.find((each: Manifest) => each.name === name)?.value ?? 0) / 1_000;
    const command = lifecycle?.preStop?.exec?.command ?? [];
    const preStop = command[0] === "sleep" ? Number(command[1]) : 0;
    const drain = ["DRAIN_WAIT_MS", "DRAIN_WINDOW_MS", "STOP_WITHIN_MS"].map(seconds);
    const needed = drain.reduce((sum, each) => sum + each, preStop);
    if (templateOf(workload).spec.terminationGracePeriodSeconds < needed) {
      say(workload, `is killed before it has drained (${needed} s)`);
    }
  }

  function checkReferences(manifest: Manifest): void {
    const { kind, spec } = manifest;
    if (kind === "Service") {
      const those = matching(spec.selector);
      if (those.length === 0) say(manifest, "selects nothing");
      for (const { targetPort, port } of spec.ports) checkPort(manifest, targetPort ?? port, those);
    } else if (kind === "PodDisruptionBudget") {
      if (matching(spec.selector.matchLabels).length === 0) say(manifest, "selects nothing");
    } else if (kind === "NetworkPolicy") {
      const those = matching(spec.podSelector.matchLabels);
      if (those.length === 0) say(manifest, "selects nothing");
      for (const { ports = [], from = [] } of spec.ingress ?? []) {
        for (const { port } of ports) checkPort(manifest, port, those);
        checkPeers(manifest, from, "lets nobody in");
      }
      for (const { to = [] } of spec.egress ?? []) checkPeers(manifest, to, "lets out to nobody");
    } else if (kind === "HorizontalPodAutoscaler") {
      const { scaleTargetRef, minReplicas, maxReplicas } = spec;
      if (!exists(scaleTargetRef.kind, scaleTargetRef.name)) say(manifest, "scales nothing");
      if (minReplicas > maxReplicas) say(manifest, "its least is more than its most");
    } else if (kind === "Ingress") {
      for (const { http } of spec.rules) {
        for (const { backend } of http.paths) checkBackend(manifest, backend.service);
      }
    } else if (kind === "ServiceMonitor") {
      const services = all.filter(
        (each) =>
          each.kind === "Service" && isWithin(spec.selector.matchLabels, each.metadata.labels),
      );
      const names = new Set(
        services.flatMap((each) => each.spec.ports.map(({ name }: Manifest) => name)),
      );
      for (const { port } of spec.endpoints) {
        if (!names.has(port)) say(manifest, `no service has the port ${port}`);
      }
    }
  }

  function checkPeers(manifest: Manifest, peers: Manifest[], what: string): void {
    for (const { podSelector, namespaceSelector } of peers) {
      const isOurs = namespaceSelector === undefined;
      if (isOurs && matching(podSelector.matchLabels).length === 0) say(manifest, what);
    }
  }

  function checkBackend(manifest: Manifest, { name, port }: Manifest): void {
    const service = all.find((each) => each.kind === "Service" && each.metadata.name === name);
    const ports = service?.spec.ports.flatMap((each: Manifest) => [each.name, each.port]) ?? [];
    if (!ports.includes(port.name ?? port.number))
      say(manifest, `there is no ${name} at this port`);
  }
}

/** Of the pods that this makes. */
function templateOf({ kind, spec }: Manifest): Manifest {
  return kind === "CronJob" ? spec.jobTemplate.spec.template : spec.template;
}

function isWithin(some: Manifest, all: Manifest): boolean {
  const wanted = Object.entries(some ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => all?.[key] === value);
}

function isSame(a: Manifest, b: Manifest): boolean {
  return a.kind === b.kind && a.metadata?.name === b.metadata?.name;
}
