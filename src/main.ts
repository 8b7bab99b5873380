/** The entry: configuration, a Redis if none is given, the node, signals. */
import { rmSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ConfigError, readConfig, type Config } from "./config.js";
import { startLocalRedis } from "./local-redis/server.js";
import { startNode } from "./node.js";
import { observe, type Observe } from "./observe.js";

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const watch = observe(config.LOG_LEVEL, config.NODE_NAME);
  const stopping = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1); // the second time: at once
      stopping.abort();
    });
  }
  const redis =
    config.REDIS_URL === undefined ? await privateRedis(config, watch) : { url: config.REDIS_URL };
  const node = await startNode({ ...config, REDIS_URL: redis.url }, watch);
  if (config.REDIS_URL === undefined) {
    process.stderr.write(
      `Tertulia is ready on ws://localhost:${node.port}?name=you\n` +
        `Another node of the same cluster: REDIS_URL=${redis.url} PORT=${node.port + 1} npm start\n`,
    );
  }
  if (!stopping.signal.aborted) {
    await new Promise((done) => stopping.signal.addEventListener("abort", done));
  }
  await node.close();
  await redis.close?.();
  process.exit(0);
}

interface PrivateRedis {
  readonly url: string;
  readonly close?: () => Promise<void>;
}

/** A Redis of one's own; or the one that another process runs on the same folder. */
async function privateRedis({ DATA_DIR }: Config, { log }: Observe): Promise<PrivateRedis> {
  const dataDir = resolve(DATA_DIR);
  await mkdir(dataDir, { recursive: true });
  const note = join(dataDir, "redis.json");
  const noted = await readFile(note, "utf8").then(
    (text) => JSON.parse(text) as { pid: number; url: string },
    () => undefined, // nobody has run here, or stopped cleanly
  );
  if (noted !== undefined && isAlive(noted.pid)) {
    log.info({ url: noted.url }, "joining the private redis of another node");
    return { url: noted.url };
  }
  const redis = await startLocalRedis({ dataDir });
  await writeFile(note, JSON.stringify({ pid: redis.child.pid, url: redis.url }));
  redis.child.once("exit", (code, signal) => {
    rmSync(note, { force: true });
    log.info({ code, signal }, "private redis has stopped");
  });
  log.info({ url: redis.url, pid: redis.child.pid, dataDir }, "private redis started");
  return redis;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

main().catch((error: unknown) => {
  const isOurs = error instanceof ConfigError;
  process.stderr.write(
    `${isOurs ? "Configuration:\n" : ""}${isOurs ? error.message : String(error)}\n`,
  );
  process.exit(1);
});
