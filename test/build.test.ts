/** What runs is what the sources say: a build as `npm start` and each test run begin with. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BUILT_FROM = [
  "build.js",
  "package.json",
  "package-lock.json",
  "src",
  "tsconfig.json",
  "vite.web.config.ts",
];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tertulia-build-"));
  for (const each of BUILT_FROM) {
    await cp(join(ROOT, each), join(folder, each), { recursive: true });
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const build = (): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, ["build.js"], { cwd: folder });
const read = (path: string): Promise<string> => readFile(join(folder, path), "utf8");
const writtenAt = async (path: string): Promise<number> => (await stat(join(folder, path))).mtimeMs;

test("a build follows its sources, and does nothing when none has changed", async () => {
  await build();
  expect(await read("dist/web/index.html")).toContain("<title>Tertulia</title>");
  const parts = ["dist/.tsbuildinfo", "dist/web/index.html", "dist/redis/lua/5-register.lua"];
  const before = await Promise.all(parts.map(writtenAt));
  await build();
  expect(await Promise.all(parts.map(writtenAt))).toEqual(before);

  await writeFile(join(folder, "src/chat/added.ts"), "export const added = 1;\n");
  await build();
  expect(await read("dist/chat/added.js")).toContain("added = 1");
  expect(await writtenAt(parts[1]!), "the page has not changed").toBe(before[1]);

  await writeFile(join(folder, "src/chat/added.ts"), "export const added: string = 2;\n");
  await expect(build()).rejects.toMatchObject({
    code: 1,
    stdout: expect.stringContaining("src/chat/added.ts") as string,
  });
  expect(await read("dist/chat/added.js"), "of a source with an error").toContain("added = 1");
  await expect(build(), "the error stays until it is mended").rejects.toMatchObject({ code: 1 });

  await rm(join(folder, "src/chat/added.ts"));
  await build();
  await expect(read("dist/chat/added.js")).rejects.toThrow("ENOENT");
});

test("the verifier is built apart, if it is there", async () => {
  const withoutBuilt = (path: string): boolean => !/verifier\/dist(?:\/|$)/.test(path);
  await cp(join(ROOT, "verifier"), join(folder, "verifier"), {
    recursive: true,
    filter: withoutBuilt,
  });
  await build();
  const before = await writtenAt("verifier/dist/.tsbuildinfo");
  await build();
  expect(await writtenAt("verifier/dist/.tsbuildinfo")).toBe(before);
  expect(await read("verifier/dist/main.js")).toContain("VERDICT");
  await rm(join(folder, "verifier/dist"), { recursive: true });
  await build();
  expect(await read("verifier/dist/main.js"), "a folder of the build was gone").toContain(
    "VERDICT",
  );
  await rm(join(folder, "verifier"), { recursive: true });
  await build();
  await expect(read("verifier/dist/main.js")).rejects.toThrow("ENOENT");
});

test("everything the build needs is installed without developers' tools (NODE_ENV=production)", async () => {
  const { dependencies, optionalDependencies } = JSON.parse(await read("package.json")) as Record<
    string,
    Record<string, string>
  >;
  const script = `${await read("build.js")}${await read("vite.web.config.ts")}`;
  const tools = [...script.matchAll(/(?:from|run\() ?"([^"./][^":]*?)(?:\/[^"]*)?"/g)];
  const names = new Set(tools.map(([, name]) => name!).filter((name) => !name.startsWith("node")));
  expect([...names].toSorted()).toEqual(["typescript", "vite", "vite-plugin-singlefile"]);
  expect({ ...dependencies, ...optionalDependencies }).toMatchObject(
    Object.fromEntries(
      [...names, "preact", "@types/node", "@types/ws"].map((name) => [name, expect.any(String)]),
    ),
  );
});

test("a single test of a fresh clone builds first", async () => {
  for (const each of ["test", "vitest.config.ts"]) {
    await cp(join(ROOT, each), join(folder, each), { recursive: true });
  }
  if (existsSync(join(ROOT, ".cache"))) await symlink(join(ROOT, ".cache"), join(folder, ".cache"));
  await rm(join(folder, "dist"), { recursive: true, force: true });
  // a file that needs processes; none of its tests has this name
  const one = ["run", "test/build.test.ts", "-t", "none"];
  const vitest = join(folder, "node_modules/.bin/vitest");
  await promisify(execFile)(vitest, one, { cwd: folder });
  expect(await read("dist/chat/chat.js")).toContain("export ");
});

test("without its tools, the build says what to install", async () => {
  await rm(join(folder, "node_modules"));
  await writeFile(join(folder, "src/chat/added.ts"), "export const added = 1;\n");
  await expect(build()).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^typescript is not installed.*: npm ci/) as string,
  });
});
