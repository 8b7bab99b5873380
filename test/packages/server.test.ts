/** The package `tertulia`: a gateway and the terminal client, ready to run where it is installed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.js";
import { pack, ROOT, type Packed } from "../support/packed.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let packed: Packed;

beforeAll(async () => {
  redis = await startRedis();
  packed = await pack(".");
  const { dependencies } = await packageJson(".");
  for (const name of Object.keys(dependencies ?? {})) {
    if (name === "ws") continue; // is there already
    await symlink(join(ROOT, "node_modules", name), join(packed.folder, "node_modules", name));
  }
});
afterAll(async () => {
  await packed.remove();
  await redis.close();
});

test("packed from a fresh clone, it has what runs, and nothing that proves, maps or shows it", () => {
  expect(packed.files).toEqual(
    expect.arrayContaining([
      "dist/main.js",
      "dist/clients/tui/main.js",
      "dist/redis/lua/1-bucket.lua",
      "dist/web/index.html",
      "PROTOCOL.md",
      "LICENSE",
      "README.md",
    ]),
  );
  expect(packed.files.filter((path) => /\.(?:map|png|svg|ts)$|verify\//.test(path))).toEqual([]);
});

test("installed elsewhere, it serves, and its terminal client joins", async () => {
  const installed = join(packed.folder, "node_modules/tertulia");
  const child = spawn(process.execPath, [join(installed, "dist/main.js")], {
    cwd: packed.folder,
    env: { PATH: process.env["PATH"], PORT: "0", HOST: "127.0.0.1", REDIS_URL: redis.url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    let log = "";
    child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
    await eventually(() => expect(log).toContain("node is ready"), 30_000);
    const port = /"port":(\d+)/.exec(log)![1]!;
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toContain("<title>");
    const chat = join(installed, "dist/clients/tui/main.js");
    const words = ["--url", `ws://127.0.0.1:${port}`, "--name", "ci"];
    const said = spawn(process.execPath, [chat, ...words], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    said.stdin.end("build 42 is green\n");
    expect(await once(said, "exit")).toEqual([0, null]);
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
  }
});

test("it and the client's package have the same version and license", async () => {
  const [server, client] = [await packageJson("."), await packageJson("packages/client")];
  expect(client.version).toBe(server.version);
  const license = await readFile(join(ROOT, "LICENSE"), "utf8");
  expect(await readFile(join(ROOT, "packages/client/LICENSE"), "utf8")).toBe(license);
});

async function packageJson(where: string) {
  return JSON.parse(await readFile(join(ROOT, where, "package.json"), "utf8")) as {
    version: string;
    dependencies?: Record<string, string>;
  };
}
