/** A start that fails, or is given up, leaves nothing: no handle, no lease, no connection, no subscription. */
import { spawn } from "node:child_process";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { ALL_BUCKETS, Keys } from "#tertulia/redis/keys.js";
import { Proxy } from "#verifier/proxy.js";
import { eventually } from "../support/eventually.js";
import type { LogLine } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SCRIPT = fileURLToPath(new URL("../support/start-and-end.mjs", import.meta.url));
const RIGHTS = ["on", ">secret", "~tertulia:*", "&tertulia:*", "+@all"];

let redis: TestRedis;

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(() => redis.close());

interface Attempt {
  /** What the start threw, or that it did not. */
  readonly outcome: string;
  readonly log: readonly LogLine[];
  /** Null if the process had not ended by itself five seconds later. */
  readonly exitCode: number | null;
}

/** Starts a node whose process ends by itself. `onLine` may end or change something meanwhile. */
async function attempt(
  environment: Record<string, string | number>,
  onLine: (line: LogLine, giveUp: () => void) => void = () => {},
): Promise<Attempt> {
  const env = { PORT: 0, HOST: "127.0.0.1", REDIS_URL: redis.url, ...environment };
  const child = spawn(process.execPath, [SCRIPT], {
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, `${value}`])),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const log: LogLine[] = [];
  let outcome = "none";
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as LogLine & { readonly outcome?: string };
    if (line.outcome === undefined) {
      log.push(line);
      onLine(line, () => child.kill("SIGTERM"));
    } else {
      outcome = line.outcome;
      setTimeout(() => child.kill("SIGKILL"), 5_000).unref();
    }
  }
  return { outcome, log, exitCode: await exited };
}

/** Nothing holds the process, and Redis knows of no node. */
async function expectNothingLeft({ exitCode }: Attempt): Promise<void> {
  expect(exitCode).toBe(0);
  const keys = new Keys("tertulia");
  const leases = ALL_BUCKETS.map((bucket) => redis.client.hlen(keys.nodes(bucket)));
  expect(await Promise.all(leases)).toEqual(ALL_BUCKETS.map(() => 0));
  await eventually(async () => {
    expect(await redis.client.client("LIST")).not.toContain("name=tertulia");
  });
  expect(await redis.client.pubsub("CHANNELS")).toEqual([]);
}

async function listening(): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

test.each(["PORT", "METRICS_PORT"])("%s is taken", async (variable) => {
  const server = await listening();
  const { port } = server.address() as AddressInfo;
  try {
    const failed = await attempt({ METRICS_PORT: await freePort(), [variable]: port });
    expect(failed.outcome).toMatch(`ConfigError: ${variable}: somebody listens on port ${port}`);
    await expectNothingLeft(failed);
  } finally {
    server.close();
  }
});

test.each([
  ["what the start asks Redis first", "-info", /NOPERM.*'info'/, false],
  ["to load functions", "-function", /the store refuses it \(NOPERM\)/, false],
  ["to call functions", "-fcall", /the store refuses it \(NOPERM\)/, false],
  ["to subscribe", "-subscribe", /the store refuses it \(NOPERM\)/, true],
  ["to read who is connected", "-zrange", /the store refuses it \(ERR\)/, true],
  ["to the channels", "resetchannels", /the store refuses it \(NOPERM\)/, true],
])("Redis' user has no right %s", async (_, lacks, message, hadLease) => {
  await redis.client.call("ACL", "SETUSER", "tertulia", ...RIGHTS, lacks);
  const failed = await attempt({ REDIS_USERNAME: "tertulia", REDIS_PASSWORD: "secret" });
  expect(failed.outcome).toMatch(message);
  expect(failed.log.some(({ event }) => event === "cluster_joined")).toBe(hadLease);
  await expectNothingLeft(failed);
});

test("Redis has no memory left", async () => {
  await redis.client.config("SET", "maxmemory", "1");
  const failed = await attempt({});
  expect(failed.outcome).toBe("Unavailable: the store refuses it (OOM)");
  await expectNothingLeft(failed);
});

test("Redis has no memory left, but has the functions already", async () => {
  const before = await attempt({});
  expect(before.outcome).toBe("started and closed");
  await expectNothingLeft(before);
  await redis.client.config("SET", "maxmemory", "1");
  const failed = await attempt({});
  expect(failed.outcome).toBe("Unavailable: the store refuses it (OOM)");
  await expectNothingLeft(failed);
});

test("Redis goes away in the middle of the start, and stays away", async () => {
  // on a busy machine the node may be there before Redis is gone: then once more
  for (let outcome = "started and closed"; outcome === "started and closed";) {
    let killed = Promise.resolve();
    const failed = await attempt({}, ({ event }) => {
      if (event === "functions_loaded") killed = redis.kill();
    });
    outcome = failed.outcome;
    await killed;
    await redis.revive();
    // a lease that was there by then ends by itself: nothing can be given back to a Redis that is gone
    if (failed.log.some(({ event }) => event === "cluster_joined")) await redis.client.flushall();
    if (outcome === "started and closed") continue;
    expect(outcome).toBe("Unavailable: the store gave no answer in time");
    await expectNothingLeft(failed);
  }
});

test.each([
  [
    "a wrong password",
    { REDIS_USERNAME: "tertulia", REDIS_PASSWORD: "wrong" },
    "it does not accept the user or the password",
  ],
  ["no Redis", { REDIS_URL: "redis://127.0.0.1:1" }, "ECONNREFUSED"],
  ["no Sentinel", { REDIS_URL: "redis+sentinel://127.0.0.1:1/main" }, "ECONNREFUSED"],
])("with %s a start waits and says why, until it is given up", async (_, environment, why) => {
  const given = await attempt(environment, (line, giveUp) => {
    if (JSON.stringify(line).includes(why)) giveUp();
  });
  expect(given.outcome).toBe("Error: given up");
  await expectNothingLeft(given);
});

test.each(["redis_connected", "functions_loaded", "cluster_joined"])(
  "a start that is given up at %s leaves nothing",
  async (stage) => {
    const given = await attempt({}, ({ event }, giveUp) => event === stage && giveUp());
    expect(given.outcome).toMatch(/given up|started and closed/);
    await expectNothingLeft(given);
  },
);

test("a start that is given up while Redis is silent does not hold its process", async () => {
  const proxy = await Proxy.to(redis.port);
  try {
    const environment = { REDIS_URL: proxy.url, OPERATION_DEADLINE_MS: 2_000 };
    const given = await attempt(environment, ({ event, role }, giveUp) => {
      if (event !== "redis_connected" || role !== "subscriber") return;
      proxy.set("blackhole");
      giveUp();
    });
    expect(given.outcome).toMatch(/given up|started and closed/);
    expect(given.exitCode).toBe(0);
  } finally {
    await proxy.close();
  }
});
