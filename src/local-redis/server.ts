/** A private Redis: a real redis-server as a child process that ends with its parent, however that ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { findRedisBinary } from "./binary.js";

/** Before a server that has not ended is told to end again. */
const END_AGAIN_AFTER_MS = 1_000;
/** How often a server that starts is asked, and dialled. */
const [ASK_EVERY_MS, DIAL_EVERY_MS] = [50, 20];

export interface LocalRedis {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** Shuts down, keeping the data. May be called twice. */
  close(): Promise<void>;
}

export interface LocalRedisOptions {
  /** Folder of the append-only file; created if missing. Without one, nothing is kept. */
  readonly dataDir?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** More of redis-server's own options, as `--name value`. */
  readonly extra?: readonly string[];
}

/** Starts and waits until it answers. @throws Error with the server's own words if it does not start. */
export async function startLocalRedis(options: LocalRedisOptions = {}): Promise<LocalRedis> {
  const command = await findRedisBinary();
  const port = options.port ?? (await freePort());
  if (options.dataDir !== undefined) await mkdir(options.dataDir, { recursive: true });
  const settings = {
    port: `${port}`,
    bind: "127.0.0.1",
    save: "",
    "maxmemory-policy": "noeviction",
    ...(options.dataDir !== undefined && { appendonly: "yes", dir: options.dataDir }),
  };
  const args = [
    ...command.slice(1),
    ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ...(options.extra ?? []),
  ];
  const child = spawnOnLeash([command[0]!, ...args]);
  let said = "";
  const remember = (chunk: Buffer): void => void (said = (said + chunk.toString()).slice(-4_000));
  child.stdout!.on("data", remember);
  child.stderr!.on("data", remember);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const url = `redis://127.0.0.1:${port}`;
  const isUp = await Promise.race([untilAnswers(url, exited), exited.then(() => false)]);
  if (!isUp) throw new Error(`redis-server did not start:\n${said}`);
  return {
    url,
    port,
    child,
    async close() {
      // a replica that has just copied its primary's data refuses to end until they are on disk
      while (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await Promise.race([exited, pause(END_AGAIN_AFTER_MS)]);
      }
    },
  };
}

/**
 * Spawns a program that ends with this process, however that ends: a shell becomes the program, and a helper of the
 * shell ends it when the pipe from this process breaks. It is detached, so that Ctrl-C reaches only this process.
 */
export function spawnOnLeash(command: readonly string[]): ChildProcess {
  const child = spawn("/bin/sh", ["-c", UNTIL_PARENT_ENDS, ...command], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const leash = child.stdio[3] as NodeJS.WritableStream;
  leash.on("error", () => {});
  // tell the helper, or it might end another process that has got the same id
  child.once("exit", () => leash.end("ended\n"));
  return child;
}

const UNTIL_PARENT_ENDS = `
  (read word <&3; [ "$word" = ended ] || kill -TERM $$) &
  exec 3<&-
  exec "$0" "$@"
`;

async function untilAnswers(url: string, exited: Promise<void>): Promise<boolean> {
  const redis = new Redis(url, { retryStrategy: () => DIAL_EVERY_MS, maxRetriesPerRequest: null });
  redis.on("error", () => {}); // not yet up
  void exited.then(() => redis.disconnect());
  try {
    while (!(await isServing(redis))) await pause(ASK_EVERY_MS);
    return true;
  } catch {
    return false; // it ended before it answered
  } finally {
    redis.disconnect();
  }
}

/** False while it loads its data, or copies its primary's. */
async function isServing(redis: Redis): Promise<boolean> {
  try {
    await redis.ping();
    return true;
  } catch (error) {
    if (/^(?:LOADING|MASTERDOWN)/.test((error as Error).message)) return false;
    throw error;
  }
}

/**
 * A port that was free a moment ago. It is below the ephemeral ports (32,768 and up), so that no outgoing connection
 * takes it in the meantime.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_240, 32_000);
    if (await isFree(port)) return port;
  }
}

/** Whether nobody listens on the port now. */
export function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
