/** `npm run audit:deps`: what it finds, and that it does not take silence for an answer. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { examine } from "../../packages/audit.js";

const CHECKSUM = "sha512-AAAA";
const own = { dependencies: { ws: "^8" } };
const good = { version: "8.0.0", license: "MIT", integrity: CHECKSUM };

test.each<[string, object, string[]]>([
  ["nothing wrong", { "node_modules/ws": good }, []],
  ["a licence of a tool", { "node_modules/a": { ...good, license: "MPL-2.0", dev: true } }, []],
  ["one of two licences", { "node_modules/a": { ...good, license: "(GPL-3.0 OR MIT)" } }, []],
  [
    "a licence of a tool in what ships",
    { "node_modules/a": { ...good, license: "MPL-2.0" } },
    ["a 8.0.0: its licence is not allowed: MPL-2.0"],
  ],
  [
    "a licence of a tool in the page",
    { "node_modules/preact": { ...good, license: "MPL-2.0", optional: true } },
    ["preact 8.0.0: its licence is not allowed: MPL-2.0"],
  ],
  [
    "both of two licences",
    { "node_modules/a": { ...good, license: "MIT AND GPL-3.0" } },
    ["a 8.0.0: its licence is not allowed: MIT AND GPL-3.0"],
  ],
  [
    "no licence",
    { "node_modules/@b/a": { version: "8.0.0", integrity: CHECKSUM, dev: true } },
    ["@b/a 8.0.0: its licence is not allowed: none"],
  ],
  [
    "an install script in what ships, though it is forbidden",
    { "node_modules/ssh2": { ...good, hasInstallScript: true } },
    [expect.stringMatching(/^ssh2 8.0.0: it has an install script/) as string],
  ],
  [
    "an install script that nothing forbids, deep in a tool",
    { "node_modules/a/node_modules/b": { ...good, hasInstallScript: true, dev: true } },
    [expect.stringMatching(/^b 8.0.0: it has an install script/) as string],
  ],
  [
    "a forbidden one of a tool",
    { "node_modules/ssh2": { ...good, hasInstallScript: true, dev: true } },
    [],
  ],
  [
    "no checksum",
    { "node_modules/a": { ...good, integrity: undefined } },
    ["a 8.0.0: it has no checksum (sha512)"],
  ],
  [
    "a weak checksum",
    { "node_modules/a": { ...good, integrity: "sha1-AAAA" } },
    ["a 8.0.0: it has no checksum (sha512)"],
  ],
  [
    "a folder of somewhere",
    { "node_modules/a": { ...good, link: true } },
    ["a 8.0.0: it has no checksum (sha512)"],
  ],
])("%s", (_, packages, wrong) => {
  const lock = { packages: { "": own, ...packages } };
  expect(examine(lock, { ssh2: false }).wrong).toEqual(wrong);
});

test("more than ten packages are too many", () => {
  const dependencies = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`a${i}`, "1"]));
  expect(examine({ packages: { "": { dependencies } } }, {}).wrong).toHaveLength(1);
});

/** Answers as a registry does, or not at all; how the audit of our own packages ends then. */
async function auditWith(advisories: object | undefined): Promise<{ code: number; said: string }> {
  const registry = createServer((request, response) => {
    request.resume();
    const isAsked = request.method === "POST" && advisories !== undefined;
    response.writeHead(isAsked ? 200 : 405, { "content-type": "application/json" });
    response.end(JSON.stringify(isAsked ? advisories : {}));
  });
  onTestFinished(() => void registry.close());
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
  const { port } = registry.address() as AddressInfo;
  const cache = await mkdtemp(join(tmpdir(), "tertulia-audit-"));
  onTestFinished(() => rm(cache, { recursive: true, force: true }));
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("../../packages/audit.js", import.meta.url))],
    {
      env: {
        ...process.env,
        npm_config_registry: `http://127.0.0.1:${port}/`,
        npm_config_fetch_retries: "0",
        // npm keeps advisories, and this registry's are made up
        npm_config_cache: cache,
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, "close")) as [number];
  return { code, said };
}

test("our own packages are in order, and no advisory is known of them", async () => {
  const { code, said } = await auditWith({});
  expect(said).toMatch(/^ok +licences, install scripts and checksums of \d+ packages that ship/m);
  expect(said).toMatch(/^ok +no advisory is known$/m);
  expect(code).toBe(0);
});

test("an advisory is told, and is a failure", async () => {
  const title = "anybody can say anything";
  const advisory = { id: 1, url: "https://example.org/1", title, severity: "high" };
  const { code, said } = await auditWith({ ws: [{ ...advisory, vulnerable_versions: "<99.0.0" }] });
  expect(said).toMatch(
    /^wrong +ws.*: anybody can say anything \(high, https:\/\/example\.org\/1\)$/m,
  );
  expect(code).toBe(1);
});

test("a registry that answers none is said to answer none, and that is no success", async () => {
  const { code, said } = await auditWith(undefined);
  expect(said).toMatch(/^unknown advisories: the registry answers none \(405 .*\)$/m);
  expect(code).toBe(2);
});

test("the image's base is an argument, of each of its stages", async () => {
  const file = await readFile(new URL("../../Dockerfile", import.meta.url), "utf8");
  const bases = [...file.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(bases).toEqual(["${BASE_IMAGE}", "${BASE_IMAGE}"]);
  expect(file).toMatch(/^ARG BASE_IMAGE=node:\S+$/m);
});
