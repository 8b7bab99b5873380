/** The Helm chart, rendered. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { BINARIES } from "../support/k8s-tools.js";
import { K8S, manifests, type Manifest } from "./manifests.js";

export const CHART = join(K8S, "chart");
export const HELM = existsSync(join(BINARIES, "helm")) ? join(BINARIES, "helm") : "helm";

export type Values = Readonly<Record<string, unknown>>;

export function whyNoHelm(): string | undefined {
  try {
    execFileSync(HELM, ["version"], { stdio: "pipe" });
    return undefined;
  } catch {
    return "no helm here (npm run test:k8s builds one): the chart is not rendered";
  }
}

/** @throws Error with what helm says to values that it refuses */
export function chart(values: Values = {}, release = "tertulia", from = CHART): Manifest[] {
  const folder = mkdtempSync(join(tmpdir(), "tertulia-chart-"));
  try {
    const file = join(folder, "values.yaml");
    writeFileSync(file, JSON.stringify(values));
    const args = ["template", release, from, "-f", file, "--kube-version", "1.36.0"];
    const text = execFileSync(HELM, args, { encoding: "utf8", stdio: "pipe" });
    return manifests(text).filter((each) => each !== null);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What helm says to values that it refuses. */
export function refusal(values: Values): string {
  try {
    chart(values);
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
  throw new Error("these values are not refused");
}

/** The values in docs/operations.md: with the Redis of the overlay ha. */
export function documented(): Values {
  const manual = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const [, yaml] = /^### Helm$.*?^```yaml\n(.*?)^```$/ms.exec(manual)!;
  return parse(yaml!) as Values;
}

/** All that the chart can do at once. */
export const EVERYTHING: Values = {
  image: { repository: "registry.example.org/tertulia", digest: `sha256:${"0a".repeat(32)}` },
  imagePullSecrets: [{ name: "registry" }],
  cluster: "plaza",
  redis: {
    url: "rediss+sentinel://redis-1:26379,redis-2:26379/main",
    username: "tertulia",
    existingSecret: "passwords",
    secretKeys: { password: "redis", sentinelPassword: "sentinel" },
    tls: { existingSecret: "redis-tls", cert: "tls.crt", key: "tls.key" },
  },
  tls: { existingSecret: "chat-tls" },
  config: { MAX_CONNECTIONS: 1_000_000, LOG_NAMES: "hash", DRAIN_WINDOW_MS: 61_500 },
  extraEnv: [{ name: "LOG_NAMES_KEY", valueFrom: { secretKeyRef: { name: "log", key: "key" } } }],
  extraEnvFrom: [{ configMapRef: { name: "more" } }],
  extraVolumes: [{ name: "authority", secret: { secretName: "authority" } }],
  extraVolumeMounts: [{ name: "authority", mountPath: "/etc/authority", readOnly: true }],
  autoscaling: { enabled: true, minReplicas: 4 },
  podAnnotations: { "example.org/team": "chat" },
  podLabels: { "example.org/tier": "front" },
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "chat", operator: "Exists", effect: "NoSchedule" }],
  affinity: { podAntiAffinity: {} },
  priorityClassName: "system-cluster-critical",
  serviceAccount: { name: "gateway", annotations: { "example.org/role": "none" } },
  service: {
    type: "LoadBalancer",
    port: 443,
    annotations: { "example.org/balancer": "tcp" },
    loadBalancerClass: "example.org/balancer",
    loadBalancerSourceRanges: ["192.0.2.0/24"],
    externalTrafficPolicy: "Local",
  },
  ingress: { enabled: true, hosts: ["chat.example.org", "plaza.example.org"] },
  httpRoute: {
    enabled: true,
    parentRefs: [{ name: "public", namespace: "gateways", sectionName: "https" }],
    hostnames: ["chat.example.org"],
  },
  podDisruptionBudget: { maxUnavailable: "25%" },
  networkPolicy: { redisPorts: [6380, 26380], extraEgress: [{ ports: [{ port: 443 }] }] },
  serviceMonitor: {
    enabled: true,
    redis: true,
    interval: "30s",
    labels: { release: "prometheus" },
  },
  prometheusRule: { enabled: true, labels: { release: "prometheus" } },
  dashboard: { enabled: true },
};
