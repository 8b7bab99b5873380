import { execFileSync } from "node:child_process";
import { readFile, readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, test } from "vitest";
import { PLANTED } from "#verifier/planted/bugs.js";
import { builtFrom, plant } from "#verifier/planted/plant.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
let server: TestRedis;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
});

/** What a built project loads into Redis, but for its name. */
async function functionsOf(copy: string): Promise<string> {
  const folder = join(copy, "redis/lua");
  const files = (await readdir(folder)).toSorted();
  const parts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return `#!lua name=planted\n${parts.join("\n")}`;
}

for (const [name, { changes }] of Object.entries(PLANTED)) {
  test(`the planted bug ${name} is code`, async () => {
    const copy = await plant(name, dist);
    try {
      for (const file of new Set(changes.map((change) => builtFrom(change.file)))) {
        if (file.endsWith(".lua")) {
          await redis.function("LOAD", "REPLACE", await functionsOf(copy));
        } else {
          execFileSync(process.execPath, ["--check", join(copy, file)], { stdio: "pipe" });
        }
      }
    } finally {
      await rm(dirname(copy), { recursive: true });
    }
  });
}
