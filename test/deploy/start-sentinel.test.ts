/** deploy/redis/start-sentinel.sh, with a redis-server that ends at once: what it writes is looked at. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { script } from "../support/redis-tools.js";

const work = await mkdtemp(join(tmpdir(), "tertulia-sentinel-"));
afterAll(() => rm(work, { recursive: true, force: true }));

/** Lines of the settings that begin so, after a start on what another start, or Sentinel itself, left. */
async function startedOn(left: string | undefined): Promise<(beginning: string) => string[]> {
  const data = await mkdtemp(join(work, "data-"));
  const conf = join(data, "sentinel.conf");
  if (left !== undefined) await writeFile(conf, left);
  await writeFile(join(work, "redis-server"), "#!/bin/sh\n", { mode: 0o755 });
  await writeFile(join(work, "redis-cli"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  const { code, said } = await script("deploy/redis/start-sentinel.sh", [], {
    PATH: `${work}:${process.env["PATH"]}`,
    DATA_DIR: data,
    ANNOUNCE_HOST: "sentinel-1",
    SENTINELS: "sentinel-1,sentinel-2",
    REDIS_HOSTS: "redis,redis-2,redis-3",
  });
  expect(code, said).toBe(0);
  const lines = (await readFile(conf, "utf8")).split("\n");
  return (beginning) => lines.filter((line) => line.startsWith(`sentinel ${beginning}`));
}

const LEARNT = [
  "sentinel monitor chat redis-2 6379 2",
  "sentinel myid 157021a903131c65592f4be801627185f2c3d6e2",
  "sentinel config-epoch chat 6",
  "sentinel known-sentinel chat sentinel-2 26379 f64fa6dc8c8a1f1a3ddb0bdc886584f5c717677c",
];

test("a new sentinel monitors the first primary, without known replicas", async () => {
  const settings = await startedOn(undefined);
  expect(settings("monitor")).toEqual(["sentinel monitor chat redis 6379 2"]);
  expect(settings("known-replica")).toEqual([]);
});

test("a restarted sentinel keeps what it has learnt", async () => {
  const replicas = ["redis", "redis-3"].map((host) => `sentinel known-replica chat ${host} 6379`);
  const settings = await startedOn([...LEARNT, ...replicas].join("\n"));
  for (const line of LEARNT) expect(settings(line.slice("sentinel ".length))).toEqual([line]);
  expect(settings("known-replica")).toEqual(replicas);
});

test("lines that Sentinel wrote twice, or about the primary, are corrected: it would not start with them", async () => {
  const wrong = ["redis-2", "redis-2"].map((host) => `sentinel known-replica chat ${host} 6379`);
  const settings = await startedOn([...LEARNT, ...wrong, LEARNT[3]].join("\n"));
  expect(settings("known-replica")).toEqual([
    "sentinel known-replica chat redis 6379",
    "sentinel known-replica chat redis-3 6379",
  ]);
  expect(settings("known-sentinel")).toEqual([LEARNT[3]]);
});
