/** The package `tertulia/client`: small, whole, typed, and at home in a browser. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type * as Sdk from "#tertulia/clients/sdk/tertulia.js";
import { serve } from "../support/sdk-scene.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);
let folder: string;
let tarball: Buffer<ArrayBuffer>;

/** Packed as for publishing, and installed where nothing else is. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tertulia-package-"));
  const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", pack, { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  tarball = Buffer.from(await readFile(join(folder, filename)));
  const installed = join(folder, "node_modules/tertulia");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(folder, filename), "-C", installed, "--strip-components=1"]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a browser's bundle has of the SDK. */
async function bundled(): Promise<string> {
  const outcome = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: true,
      lib: {
        entry: join(folder, "node_modules/tertulia/dist/clients/sdk/tertulia.js"),
        formats: ["iife"],
        name: "sdk",
      },
    },
  });
  const [{ output }] = outcome as unknown as [{ output: [{ code: string }] }];
  expect(output.length).toBe(1);
  return output[0].code;
}

test("bundled and minified, it is below 10 kB in gzip", async () => {
  const code = await bundled();
  const bytes = gzipSync(code, { level: 9 }).length;
  console.log(`tertulia/client: ${code.length} bytes minified, ${bytes} in gzip`);
  expect(bytes).toBeLessThan(10_000);
  expect(bytes).toBeGreaterThan(2_000);
});

test("it runs where there is only what browsers have", async () => {
  const server = await serve();
  const browser = {
    WebSocket,
    setTimeout,
    clearTimeout,
    queueMicrotask,
    crypto,
    performance,
    TextEncoder,
    AbortController,
    AbortSignal,
  };
  const sdk = runInNewContext(`${await bundled()};sdk`, browser) as typeof Sdk;
  const chat = sdk.connect(server.url, { name: "ana" });
  await chat.joined();
  expect(server.peers[0]!.hello).toMatchObject({ name: "ana", key: chat.key });
  await chat.close();
});

test("publint finds nothing", async () => {
  const { messages } = await publint({ pack: { tarball: tarball.buffer }, strict: true });
  expect(messages).toEqual([]);
});

test("the types are not wrong", async () => {
  const { analysis } = await createAnalysis();
  const expected = new Set<string>([
    "NoResolution", // Node below 12.7 and TypeScript's `node10` know no exports
    "CJSResolvesToESM", // ESM only; `require` understands that from Node 20.19 on
  ]);
  const others = analysis.problems.filter(({ kind }) => !expected.has(kind));
  expect(others).toEqual([]);
  expect(Object.keys(analysis.entrypoints)).toContain("./client");
});

async function createAnalysis() {
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
  if (!analysis.types) throw new Error("the package has no types");
  return { analysis };
}

const CONSUMER = `
import { connect, TertuliaError, type Message, type State } from "tertulia/client";
declare const WS: WebSocketHere;
const chat = connect(["ws://a", "ws://b"], { name: "ana", WebSocket: WS, cursors: { "~": ["a", 1] } });
const texts: string[] = [];
const off: () => void = chat.on("message", (message) => {
  const whole: Message = message;
  texts.push(message.text, whole.from);
});
chat.on("state", (state: State) => {
  if (state.name === "waiting") new Date(state.retryAtMs);
  // @ts-expect-error an open connection has no code
  if (state.name === "open") state.code;
});
// @ts-expect-error no such event
chat.on("massage", () => {});
// @ts-expect-error no such status
chat.setStatus("away");
const { seq }: { seq: number } = await chat.publish("~", "hi", { signal: AbortSignal.timeout(9) });
const status: "active" | "busy" | "inactive" | "disconnected" = await chat.user("bob");
const bob = chat.presence.people.get("bob");
try { off(); } catch (error) { if (error instanceof TertuliaError) error.code satisfies string; }
export { seq, status, bob };
`;

test.each([
  ["a browser", ["es2022", "dom"], [], "type WebSocketHere = typeof globalThis.WebSocket;"],
  [
    "Node and ws",
    ["es2022"],
    ["node", "ws"],
    "type WebSocketHere = typeof import('ws').WebSocket;",
  ],
])("a program for %s compiles strictly with its types alone", async (_, lib, types, here) => {
  await writeFile(join(folder, "consumer.ts"), `${here}\n${CONSUMER}`);
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const compilerOptions = {
    lib,
    types,
    target: "es2022",
    module: "nodenext",
    strict: true,
    noEmit: true,
    skipLibCheck: types.length > 0,
    exactOptionalPropertyTypes: true,
    typeRoots: [join(ROOT, "node_modules/@types")],
    paths: { ws: [join(ROOT, "node_modules/@types/ws/index.d.mts")] },
  };
  const config = join(folder, "tsconfig.json");
  await writeFile(config, JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const { stdout } = await run(tsc, ["-p", config]).catch((failed: { stdout: string }) => failed);
  expect(stdout).toBe("");
});
