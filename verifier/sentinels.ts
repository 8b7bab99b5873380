/** A primary, two replicas and three sentinels as real processes, with a proxy in front of each server. */
import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { connect } from "node:net";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisBinary } from "#tertulia/local-redis/binary.js";
import {
  freePort,
  spawnOnLeash,
  startLocalRedis,
  type LocalRedis,
} from "#tertulia/local-redis/server.js";
import { Proxy } from "./proxy.js";
import { until, withinASecond } from "./until.js";

export interface RedisServer {
  readonly port: number;
  readonly dataDir: string;
  /** The sentinels announce the proxy's port, and replicas connect to it. */
  readonly proxy: Proxy;
  /** Connected to the server directly, not through the proxy. */
  readonly client: Redis;
  process: LocalRedis;
}

const NAME = "chat";
const DOWN_AFTER_MS = 1_000;
/** For Sentinel's `failover-timeout`. */
const FAILOVER_TIMEOUT_MS = 5_000;

const OPTIONS = [
  "--repl-diskless-sync-delay 0",
  "--repl-backlog-size 64mb",
  "--enable-debug-command yes",
  "--replica-announce-ip 127.0.0.1",
].flatMap((option) => option.split(" "));

export class Sentinels {
  readonly servers: readonly RedisServer[];
  readonly ports: readonly number[];
  readonly #folder: string;
  #sentinels: readonly ChildProcess[];
  readonly #asked: readonly Redis[];

  private constructor(
    folder: string,
    servers: readonly RedisServer[],
    ports: readonly number[],
    sentinels: readonly ChildProcess[],
  ) {
    this.#folder = folder;
    this.servers = servers;
    this.ports = ports;
    this.#sentinels = sentinels;
    this.#asked = ports.map((port) => patientClient(port));
  }

  /** Keeps its data in a folder of its own, which `close` removes. Resolves when all servers know one another. */
  static async start(): Promise<Sentinels> {
    const folder = await mkdtemp(join(tmpdir(), "tertulia-sentinels-"));
    const first = await startServer(join(folder, "redis-0"));
    const others = [1, 2].map((i) => startServer(join(folder, `redis-${i}`), first));
    const servers = [first, ...(await Promise.all(others))];
    const ports = await Promise.all([1, 2, 3].map(() => freePort()));
    const monitored = first.proxy.port;
    const started = ports.map((port) => startSentinel(folder, port, monitored));
    const sentinels = new Sentinels(folder, servers, ports, await Promise.all(started));
    await sentinels.untilWhole();
    return sentinels;
  }

  get url(): string {
    return urlOf(this.ports);
  }

  /** The server that most sentinels call the primary. */
  async primary(): Promise<RedisServer> {
    let found: RedisServer | undefined;
    await until("two sentinels name one primary", async () => {
      const named = await Promise.all(this.#asked.map((sentinel) => primaryPort(sentinel)));
      const isNamedByTwo = ({ proxy }: RedisServer): boolean =>
        named.filter((port) => port === proxy.port).length >= 2;
      found = this.servers.find(isNamedByTwo);
      return found !== undefined;
    });
    return found!;
  }

  /** Ends a server as `kill -9` does. */
  async kill({ process }: RedisServer): Promise<void> {
    const exited = once(process.child, "exit");
    process.child.kill("SIGKILL");
    await exited;
  }

  /** Starts a server again on its data, as a replica of the current primary. */
  async revive(server: RedisServer): Promise<void> {
    const { proxy } = await this.primary();
    server.process = await startProcess(server.dataDir, server.port, server.proxy, proxy.port);
  }

  /** Stops all servers and sentinels and starts them again with this primary; none of them remembers another one. */
  async startAnew(primary: RedisServer): Promise<void> {
    const processes = [...this.#sentinels, ...this.servers.map(({ process }) => process.child)];
    const running = processes.filter((each) => each.exitCode === null && each.signalCode === null);
    const exits = running.map((each) => once(each, "exit"));
    for (const each of running) each.kill("SIGKILL");
    await Promise.all(exits);
    primary.process = await startProcess(primary.dataDir, primary.port, primary.proxy, undefined);
    const replicas = this.servers.filter((server) => server !== primary);
    const starting = replicas.map(async (server) => {
      const { dataDir, port, proxy } = server;
      server.process = await startProcess(dataDir, port, proxy, primary.proxy.port);
    });
    await Promise.all(starting);
    const monitored = primary.proxy.port;
    const sentinels = this.ports.map((port) => startSentinel(this.#folder, port, monitored));
    this.#sentinels = await Promise.all(sentinels);
  }

  /** Freezes a sentinel's process, or lets it continue. */
  signalSentinel(index: number, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#sentinels[index]!.kill(signal);
  }

  /** Makes the sentinels promote another server although the primary is well. */
  async failOver(): Promise<void> {
    await until("a sentinel begins the failover", async () => {
      return (await this.#asked[0]!.call("SENTINEL", "FAILOVER", NAME)) === "OK";
    });
  }

  /** Waits until another server is the primary, as the sentinels and the server itself say. */
  async untilSuccessorOf(old: RedisServer): Promise<void> {
    await until("another server is the primary", async () => {
      const primary = await this.primary();
      return primary !== old && (await replicationOf(primary)).includes("role:master");
    });
  }

  /** Waits until there is one primary with two replicas in sync, and all sentinels know it. */
  async untilWhole(): Promise<void> {
    await until(
      "one primary, two replicas in sync, and the sentinels know",
      async () => {
        const primary = await this.primary();
        const about = await replicationOf(primary);
        if (!about.includes("role:master") || !about.includes("connected_slaves:2")) return false;
        for (const replica of this.servers.filter((server) => server !== primary)) {
          const own = await replicationOf(replica);
          if (!own.includes(`master_port:${primary.proxy.port}\r`)) return false;
          if (!own.includes("master_link_status:up")) return false;
        }
        const views = await Promise.all(this.#asked.map((sentinel) => knows(sentinel, primary)));
        return views.every(Boolean);
      },
      60_000,
    );
  }

  async close(): Promise<void> {
    for (const { client } of this.servers) client.disconnect();
    for (const sentinel of this.#asked) sentinel.disconnect();
    for (const sentinel of this.#sentinels) sentinel.kill("SIGKILL");
    for (const { process } of this.servers) process.child.kill("SIGKILL");
    await Promise.all(this.servers.map(({ process }) => process.close()));
    await Promise.all(this.servers.map(({ proxy }) => proxy.close()));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The sentinels' addresses as a REDIS_URL. */
export function urlOf(sentinelPorts: readonly number[]): string {
  return `redis+sentinel://${sentinelPorts.map((port) => `127.0.0.1:${port}`).join(",")}/${NAME}`;
}

/** A client that connects again however often its server is killed. */
export function patientClient(port: number): Redis {
  const client = new Redis({
    host: "127.0.0.1",
    port,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  client.on("error", () => {}); // servers are killed on purpose
  return client;
}

async function startServer(dataDir: string, primary?: RedisServer): Promise<RedisServer> {
  await mkdir(dataDir, { recursive: true });
  const port = await freePort();
  const proxy = await Proxy.to(port);
  const process = await startProcess(dataDir, port, proxy, primary?.proxy.port);
  return { port, dataDir, proxy, client: patientClient(port), process };
}

function startProcess(
  dataDir: string,
  port: number,
  proxy: Proxy,
  primaryPort: number | undefined,
): Promise<LocalRedis> {
  const replicaOf = primaryPort === undefined ? [] : ["--replicaof", `127.0.0.1 ${primaryPort}`];
  const extra = [...OPTIONS, "--replica-announce-port", `${proxy.port}`, ...replicaOf];
  return startLocalRedis({ dataDir, port, extra });
}

/**
 * Resolves when it listens.
 * @param more lines of its configuration
 */
export async function startSentinel(
  folder: string,
  port: number,
  primary: number,
  more: readonly string[] = [],
): Promise<ChildProcess> {
  const path = join(folder, `${port}.conf`);
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primary} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${NAME} ${FAILOVER_TIMEOUT_MS}`,
    ...more,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
  const child = spawnOnLeash([...(await findRedisBinary()), path, "--sentinel"]);
  child.stdout!.resume();
  await until("the sentinel listens", () => isListening(port));
  return child;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** -1 if the sentinel gives no answer: it may be frozen. */
async function primaryPort(sentinel: Redis): Promise<number> {
  const named = sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
  const port = named.then((answer) => Number((answer as [string, string])[1]));
  return withinASecond(port, -1);
}

/** Whether the sentinel names this primary, and sees two replicas and two other sentinels alive. */
async function knows(sentinel: Redis, primary: RedisServer): Promise<boolean> {
  if ((await primaryPort(sentinel)) !== primary.proxy.port) return false;
  for (const others of ["REPLICAS", "SENTINELS"]) {
    const seen = (await sentinel.call("SENTINEL", others, NAME)) as string[][];
    const alive = seen.filter((one) => !/down|disconnected/.test(one[one.indexOf("flags") + 1]!));
    if (alive.length < 2) return false;
  }
  return true;
}

/** Empty if the server does not answer, because it is frozen for example. */
function replicationOf({ client }: RedisServer): Promise<string> {
  return withinASecond(client.info("replication"), "");
}
