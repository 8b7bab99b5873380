/** A primary, replicas and sentinels, as real processes. */
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisBinary } from "#tertulia/local-redis/binary.js";
import {
  freePort,
  spawnOnLeash,
  startLocalRedis,
  type LocalRedis,
} from "#tertulia/local-redis/server.js";
import { eventually } from "./eventually.js";

export interface Sentinels {
  readonly url: string;
  /** The process that is the primary at this moment, as the sentinels see it. */
  primary(): Promise<LocalRedis>;
  close(): Promise<void>;
}

const NAME = "chat";
const DOWN_AFTER_MS = 1_000;

export async function startSentinels(): Promise<Sentinels> {
  const first = await startLocalRedis({ extra: ["--repl-diskless-sync-delay", "0"] });
  const replicaOf = ["--replicaof", `127.0.0.1 ${first.port}`];
  const replicas = await Promise.all([1, 2].map(() => startLocalRedis({ extra: replicaOf })));
  const servers = [first, ...replicas];
  const folder = await mkdtemp(join(tmpdir(), "tertulia-sentinel-"));
  const ports = await Promise.all([1, 2, 3].map(() => freePort()));
  const sentinels = await Promise.all(ports.map((port) => startSentinel(folder, port, first.port)));
  const asked = new Redis({ port: ports[0]!, maxRetriesPerRequest: null });
  asked.on("error", () => {}); // not yet up
  const primaryPort = async (): Promise<number> => {
    const [, port] = (await asked.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)) as string[];
    return Number(port);
  };
  await eventually(async () => {
    const seen = (await asked.call("SENTINEL", "REPLICAS", NAME)) as unknown[];
    const others = (await asked.call("SENTINEL", "SENTINELS", NAME)) as unknown[];
    if (seen.length < 2 || others.length < 2) throw new Error("the sentinels do not know all yet");
  }, 20_000);
  await Promise.all(replicas.map(({ url }) => untilInSync(url)));
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(",")}/${NAME}`,
    async primary() {
      const port = await primaryPort();
      return servers.find((each) => each.port === port)!;
    },
    async close() {
      asked.disconnect();
      for (const sentinel of sentinels) sentinel.kill("SIGKILL");
      for (const { child } of servers) child.kill("SIGKILL");
      await Promise.all(servers.map((server) => server.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function untilInSync(url: string): Promise<void> {
  const replica = new Redis(url);
  await eventually(async () => {
    const about = await replica.info("replication");
    if (!about.includes("master_link_status:up")) throw new Error("the replica is not in sync");
  }, 20_000);
  replica.disconnect();
}

async function startSentinel(folder: string, port: number, primary: number): Promise<ChildProcess> {
  const path = join(folder, `${port}.conf`);
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} 5000`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
  const child = spawnOnLeash([...(await findRedisBinary()), path, "--sentinel"]);
  await once(child.stdout!, "data");
  return child;
}
