/** A real Prometheus that evaluates our alerts, hurried: what lasts minutes there lasts seconds here. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, spawnOnLeash } from "#tertulia/local-redis/server.js";
import { eventually } from "./eventually.js";
import { find } from "./prometheus-tools.js";

const ALERTS = fileURLToPath(new URL("../../deploy/observability/alerts.yml", import.meta.url));

export interface Target {
  readonly job: "tertulia" | "tertulia-redis" | "tertulia-machine";
  readonly cluster: string;
  /** A port of the loopback: of a gateway's metrics, of a Redis or sentinel, of an exporter of the machine. */
  readonly port: number;
}

export interface Watched {
  /** What is watched from now on. Resolves when all of them have answered. */
  watch(targets: readonly Target[]): Promise<void>;
  /** `cluster alert` of all alerts that fire now. */
  firing(): Promise<Set<string>>;
  /** All that fired for the cluster since the start. */
  fired(cluster: string): Promise<string[]>;
  readonly url: string;
  close(): Promise<void>;
}

export async function startWatched(): Promise<Watched> {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-watched-"));
  const [port, exporter] = [await freePort(), await freePort()];
  await writeFile(join(folder, "alerts.yml"), hurried(await readFile(ALERTS, "utf8")));
  await writeFile(join(folder, "prometheus.yml"), configuration(exporter));
  await writeFile(join(folder, "targets.json"), "[]");
  const children = [
    spawnOnLeash([
      find("prometheus")!,
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ]),
    spawnOnLeash([
      find("redis_exporter")!,
      "--redis.addr=",
      `--web.listen-address=127.0.0.1:${exporter}`,
      "--connection-timeout=900ms",
    ]),
  ];
  let said = "";
  for (const { stdout, stderr } of children) {
    for (const stream of [stdout, stderr]) stream?.on("data", (chunk) => (said += String(chunk)));
  }
  const url = `http://127.0.0.1:${port}`;
  const ask = async (path: string): Promise<unknown> => {
    const answer = await fetch(`${url}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()} ${said}`);
    return ((await answer.json()) as { data: unknown }).data;
  };
  await eventually(() => ask("/api/v1/rules"), 30_000);
  return {
    url,
    async watch(targets) {
      const groups = targets.map(({ job, cluster, port: at }) => ({
        targets: [`127.0.0.1:${at}`],
        labels: { cluster, part_of: "tertulia", __job: job },
      }));
      await writeFile(join(folder, "targets.json"), JSON.stringify(groups));
      await eventually(async () => {
        const { activeTargets } = (await ask("/api/v1/targets?state=active")) as {
          activeTargets: { health: string; scrapeUrl: string; lastError: string }[];
        };
        const ill = activeTargets.filter(({ health }) => health !== "up");
        const seen = `${activeTargets.length} targets, ${JSON.stringify(ill)} ${said}`;
        if (activeTargets.length !== targets.length || ill.length > 0) throw new Error(seen);
      }, 30_000);
    },
    async firing() {
      const { alerts } = (await ask("/api/v1/alerts")) as {
        alerts: { state: string; labels: Record<string, string> }[];
      };
      const those = alerts.filter(({ state }) => state === "firing");
      return new Set(those.map(({ labels }) => `${labels["cluster"]} ${labels["alertname"]}`));
    },
    async fired(cluster) {
      const selector = `ALERTS{alertstate="firing",cluster="${cluster}"}[1h]`;
      const query = `group by (alertname) (present_over_time(${selector}))`;
      const { result } = (await ask(`/api/v1/query?query=${encodeURIComponent(query)}`)) as {
        result: { metric: { alertname: string } }[];
      };
      return result.map(({ metric }) => metric.alertname);
    },
    async close() {
      for (const child of children) {
        if (child.exitCode !== null) continue;
        const exited = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGKILL");
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same rules, but none waits for longer than two seconds, and a window is a twentieth. */
function hurried(alerts: string): string {
  const seconds = { s: 1, m: 60, h: 3_600, d: 86_400 };
  const window = (_: string, count: string, unit: keyof typeof seconds): string =>
    `[${Math.max(15, Math.round((Number(count) * seconds[unit]) / 20))}s]`;
  return alerts.replaceAll(/^( +for:).*$/gm, "$1 2s").replaceAll(/\[(\d+)([smhd])\]/g, window);
}

function configuration(exporter: number): string {
  const common = (job: string): string => `
      - { source_labels: [__job], regex: ${job}, action: keep }`;
  const found = `
    file_sd_configs: [{ files: [targets.json] }]
    relabel_configs:`;
  return `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [alerts.yml]
scrape_configs:
  - job_name: tertulia${found}${common("tertulia")}
  - job_name: tertulia-machine${found}${common("tertulia-machine")}
  - job_name: tertulia-redis
    metrics_path: /scrape${found}${common("tertulia-redis")}
      - { source_labels: [__address__], target_label: instance }
      - { source_labels: [__address__], replacement: "redis://$1", target_label: __param_target }
      - { target_label: __address__, replacement: "127.0.0.1:${exporter}" }
`;
}
