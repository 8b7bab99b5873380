/** Redis servers for tests: private processes, or containers where TEST_REDIS=containers. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort, startLocalRedis, type LocalRedis } from "#tertulia/local-redis/server.js";

export interface TestRedis {
  readonly url: string;
  readonly port: number;
  /** A plain connection for the test itself. */
  readonly client: Redis;
  /** Ends the server as `kill -9` does. */
  kill(): Promise<void>;
  /** Stops it where it stands; what comes back lets it go on. */
  freeze(): Promise<() => Promise<void>>;
  /** Starts it again on the same port and the same data. */
  revive(): Promise<void>;
  close(): Promise<void>;
}

/** Written before it is answered, which is all that `kill` can tell from `always`: no test waits for a disk. */
const DURABLE = ["--appendfsync", "no"];

export async function startRedis(...extra: string[]): Promise<TestRedis> {
  const port = await freePort();
  const server =
    process.env["TEST_REDIS"] === "containers"
      ? await inContainer(port, extra)
      : await asProcess(port, extra);
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on("error", () => {}); // tests kill the server on purpose
  await client.ping();
  return {
    url,
    port,
    client,
    ...server,
    async close() {
      client.disconnect();
      await server.close();
    },
  };
}

type Server = Pick<TestRedis, "kill" | "freeze" | "revive" | "close">;

async function asProcess(port: number, extra: string[]): Promise<Server> {
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-redis-"));
  const start = (): Promise<LocalRedis> =>
    startLocalRedis({
      dataDir,
      port,
      extra: [...DURABLE, "--enable-debug-command", "yes", ...extra],
    });
  let redis = await start();
  return {
    async kill() {
      const exited = new Promise((resolve) => redis.child.once("exit", resolve));
      redis.child.kill("SIGKILL");
      await exited;
    },
    async freeze() {
      redis.child.kill("SIGSTOP");
      return async () => void redis.child.kill("SIGCONT");
    },
    async revive() {
      redis = await start();
    },
    async close() {
      await redis.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function inContainer(port: number, extra: string[]): Promise<Server> {
  process.env["TESTCONTAINERS_RYUK_DISABLED"] ??= "true"; // its image may be out of reach
  const { GenericContainer, getContainerRuntimeClient } = await import("testcontainers");
  const options = [
    "--port",
    `${port}`,
    "--appendonly",
    "yes",
    "--save",
    "",
    "--enable-debug-command",
    "yes",
  ];
  const image = process.env["TEST_REDIS_IMAGE"] ?? "redis:8.0";
  const program = image.includes("valkey") ? "valkey-server" : "redis-server";
  const container = await new GenericContainer(image)
    .withNetworkMode("host")
    .withCommand([program, ...options, ...DURABLE, ...extra])
    .start();
  const client = await getContainerRuntimeClient();
  const handle = client.container.getById(container.getId());
  return {
    async kill() {
      await handle.kill({ signal: "SIGKILL" });
      await handle.wait();
    },
    async freeze() {
      await handle.pause();
      return () => handle.unpause();
    },
    async revive() {
      await handle.start();
    },
    async close() {
      await container.stop();
    },
  };
}
