import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { sharedLocalRedis } from "#tertulia/local-redis/shared.js";
import { ClassicClient, L } from "./support/classic-client.js";
import { eventually } from "./support/eventually.js";
import { nodeProcess, type NodeProcess } from "./support/nodes.js";

let folder: string;
const running: NodeProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tertulia-start-"));
});
afterEach(async () => {
  for (const each of running.splice(0)) await each.close("SIGKILL");
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

async function start(environment: Record<string, string> = {}): Promise<NodeProcess> {
  const started = await nodeProcess({ DATA_DIR: folder, ...environment });
  running.push(started);
  return started;
}

async function noted(): Promise<{ server: number; url: string }> {
  return JSON.parse(await readFile(join(folder, "redis.json"), "utf8")) as {
    server: number;
    url: string;
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("without REDIS_URL a private Redis is started, stopped with the gateway, and its data used again", async () => {
  const first = await start();
  const { server: pid, url } = await noted();
  const second = await start({ REDIS_URL: url });
  const ana = await ClassicClient.connect(first.port, "ana");
  const bob = await ClassicClient.connect(second.port, "bob");
  ana.says(4, L("~"), L("kept"));
  await bob.awaits(55, L("ana"), L("kept"));
  const sentAway = bob.closed();
  expect(await second.close()).toBe(0);
  expect(await sentAway).toBe(1012);
  expect(await first.close()).toBe(0);
  expect(isAlive(pid)).toBe(false);

  const third = await start();
  expect((await noted()).url, "who was told of it finds it again").toBe(url);
  const eva = await ClassicClient.connect(third.port, "eva");
  eva.says(5, L("~"));
  await eva.awaits(56, 1, L("ana"), L("kept"));
});

test("a second start on the same folder joins the first one's Redis", async () => {
  const first = await start();
  const second = await start();
  const ana = await ClassicClient.connect(first.port, "ana");
  const bob = await ClassicClient.connect(second.port, "bob");
  await ana.hears(53, L("bob"), 1);
  bob.says(4, L("ana"), L("hi"));
  await ana.hears(55, L("bob"), L("hi"));
});

test("a killed gateway leaves no Redis behind", async () => {
  const first = await start();
  const { server: pid } = await noted();
  await first.close("SIGKILL");
  const second = await start(); // at once: it does not join a Redis that is about to end
  expect(isAlive(pid)).toBe(false);
  const ana = await ClassicClient.connect(second.port, "ana");
  await ana.hearsNothing();
});

test("a lock file of an earlier process with the same id is no obstacle", async () => {
  await writeFile(join(folder, "redis.json"), JSON.stringify({ owner: process.pid }));
  const redis = await sharedLocalRedis(folder, 500);
  expect(redis.url).toBe((await noted()).url);
  const again = await sharedLocalRedis(folder, 500);
  expect(again.url).toBe(redis.url);
  await redis.close();
});

test("a lock file whose process ids belong to others now is reported, and not waited for", async () => {
  const port = await freePort();
  const other = process.ppid;
  const note = { owner: other, server: other, url: `redis://127.0.0.1:${port}` };
  await writeFile(join(folder, "redis.json"), JSON.stringify(note));
  await expect(sharedLocalRedis(folder, 500)).rejects.toThrow(/redis\.json says that process/);
});

test("npm start leaves nothing behind when it is stopped", async () => {
  const { PATH, HOME } = process.env;
  const child = spawn("npm", ["start"], {
    env: { PATH, HOME, PORT: "0", HOST: "127.0.0.1", DATA_DIR: folder },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  let server: number;
  try {
    await eventually(() => expect(log).toContain('"event":"node_ready"'), 45_000); // npm takes its time
    ({ server } = await noted());
  } finally {
    child.kill("SIGTERM");
  }
  await once(child, "exit");
  await eventually(() => expect(isAlive(server)).toBe(false));
});

test("a node whose folder was deleted still stops cleanly", async () => {
  const first = await start();
  await rm(join(folder, "redis.json"));
  expect(await first.close()).toBe(0);
});

test("several starts at the same moment share one Redis", async () => {
  const [first, second, third] = await Promise.all([start(), start(), start()]);
  const ana = await ClassicClient.connect(first.port, "ana");
  const bob = await ClassicClient.connect(second.port, "bob");
  await ana.awaits(53, L("bob"), 1);
  const eva = await ClassicClient.connect(third.port, "eva");
  eva.says(4, L("~"), L("hi"));
  await ana.awaits(55, L("eva"), L("hi"));
  await bob.awaits(55, L("eva"), L("hi"));
});

test("a node that waits for Redis can be stopped", async () => {
  const env = { PATH: process.env["PATH"], PORT: "0", REDIS_URL: "redis://127.0.0.1:1" };
  const child = spawn(process.execPath, ["dist/main.js"], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("a mistake in the configuration is reported, and nothing is started", async () => {
  await expect(nodeProcess({ DATA_DIR: folder, PORT: "many" })).rejects.toThrow(
    "PORT: must be a whole number",
  );
});

test("a stopping node tells its clients to come back (1012) and signs them out", async () => {
  const first = await start();
  const second = await start();
  const ana = await ClassicClient.connect(first.port, "ana");
  const bob = await ClassicClient.connect(second.port, "bob");
  await ana.hears(53, L("bob"), 1);
  const closed = bob.closed();
  const exit = second.close();
  expect(await closed).toBe(1012);
  expect(await exit).toBe(0);
  await ana.hears(54, L("bob"), 0);
  await ana.hearsNothing(); // by now it would be logged
  expect(first.log.map(({ msg }) => msg)).not.toContain("users of dead nodes were signed out");
});
