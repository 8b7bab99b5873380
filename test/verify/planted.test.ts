import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, test } from "vitest";
import { PLANTED } from "#verifier/planted/bugs.js";
import { changed } from "#verifier/planted/change.js";
import { builtFrom } from "#verifier/planted/plant.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const LUA = "redis/lua";
let server: TestRedis;
let redis: Redis;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  folder = await mkdtemp(join(tmpdir(), "tertulia-planted-"));
});
afterAll(async () => {
  redis.disconnect();
  await server.close();
  await rm(folder, { recursive: true });
});

/** What a built project with these changed files loads into Redis, but for its name. */
async function functionsOf(planted: ReadonlyMap<string, string>): Promise<string> {
  const files = (await readdir(join(dist, LUA))).toSorted();
  const parts = files.map(
    async (file) => planted.get(`${LUA}/${file}`) ?? readFile(join(dist, LUA, file), "utf8"),
  );
  return `#!lua name=planted\n${(await Promise.all(parts)).join("\n")}`;
}

for (const [name, { changes }] of Object.entries(PLANTED)) {
  test(`the planted bug ${name} is code`, async () => {
    const planted = new Map<string, string>();
    for (const file of new Set(changes.map((change) => change.file))) {
      const source = await readFile(join(dist, builtFrom(file)), "utf8");
      const own = changes.filter((change) => change.file === file);
      planted.set(file, changed(source, own, name));
    }
    const files = [...planted.keys()];
    if (files.some((file) => file.endsWith(".lua"))) {
      await redis.function("LOAD", "REPLACE", await functionsOf(planted));
    }
    for (const file of files.filter((each) => each.endsWith(".ts"))) {
      const copy = join(folder, `${basename(file, ".ts")}.mjs`);
      await writeFile(copy, planted.get(file)!);
      execFileSync(process.execPath, ["--check", copy], { stdio: "pipe" });
    }
  });
}
