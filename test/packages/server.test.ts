/** The package `tertulia`: a gateway and the terminal client, ready to run where it is installed. */
import { spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
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
  const { dependencies } = await packageJson(ROOT);
  for (const name of Object.keys(dependencies ?? {})) {
    if (name === "ws") continue; // is there already
    await symlink(join(ROOT, "node_modules", name), join(packed.folder, "node_modules", name));
  }
});
afterAll(async () => {
  await packed.remove();
  await redis.close();
});

test("packed from a fresh clone, it contains what runs, without tests, source maps and pictures", () => {
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
  expect(packed.files.filter((path) => /\.(?:map|png|svg|ts)$|verif/.test(path))).toEqual([]);
});

test("installing it installs its dependencies, without those that build and test it", async () => {
  const asked = await packageJson(join(packed.folder, "node_modules/tertulia"));
  expect(asked.devDependencies ?? asked.optionalDependencies).toBeUndefined();
  expect(asked.dependencies).toEqual((await packageJson(ROOT)).dependencies);
  expect(Object.keys(asked.dependencies!).toSorted()).toEqual([
    "ioredis",
    "jose",
    "nanoid",
    "pino",
    "prom-client",
    "ws",
    "zod",
  ]);
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
    await eventually(() => expect(log).toContain('"event":"node_ready"'), 30_000);
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

test("server, client, image and changelog are of one version, which the commands tell", async () => {
  const { version } = await packageJson(ROOT);
  expect((await packageJson(join(ROOT, "packages/client"))).version).toBe(version);
  const dockerfile = await readFile(join(ROOT, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`org.opencontainers.image.version="${version}"`);
  const changelog = await readFile(join(ROOT, "CHANGELOG.md"), "utf8");
  expect(/^## (\S+)$/m.exec(changelog)?.[1]).toBe(version);
  const installed = join(packed.folder, "node_modules/tertulia/dist");
  expect(ask(installed, "main.js", "--version").stdout).toMatch(
    new RegExp(`^tertulia ${version} \\(function library [0-9a-f]{8}\\)\n$`),
  );
  expect(ask(installed, "clients/tui/main.js", "--version").stdout).toBe(
    `tertulia-chat ${version}\n`,
  );
});

test("the image, npm start and the bench run the gateway with the same options of Node", async () => {
  const option = /--m(?:in|ax)-semi-space-size=\d+/g;
  const texts = ["Dockerfile", "package.json", "bench/servers.js"].map((file) =>
    readFile(join(ROOT, file), "utf8"),
  );
  const wanted = ["--min-semi-space-size=8", "--max-semi-space-size=8"];
  for (const text of await Promise.all(texts)) {
    expect(text.match(option)).toEqual(wanted);
  }
});

test("unknown arguments are refused, and nothing is started", () => {
  const { status, stderr } = ask(join(ROOT, "dist"), "main.js", "--port=9000");
  expect(status).toBe(1);
  expect(stderr).toContain("from the environment");
});

test("it and the client's package have the same license", async () => {
  const license = await readFile(join(ROOT, "LICENSE"), "utf8");
  expect(await readFile(join(ROOT, "packages/client/LICENSE"), "utf8")).toBe(license);
});

type Kind = "dependencies" | "devDependencies" | "optionalDependencies";

async function packageJson(folder: string) {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly version: string;
  } & { readonly [kind in Kind]?: Record<string, string> };
}

function ask(folder: string, main: string, ...words: string[]): SpawnSyncReturns<string> {
  const env = { PATH: process.env["PATH"] };
  return spawnSync(process.execPath, [join(folder, main), ...words], {
    encoding: "utf8",
    env,
    timeout: 20_000,
  });
}
