/** The package `tertulia-client`: small, whole, typed, and at home in a browser, in ESM and in CommonJS. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type * as Sdk from "#tertulia/clients/sdk/tertulia.js";
import { node } from "../support/nodes.js";
import { pack, ROOT, run, type Packed } from "../support/packed.js";
import { startRedis } from "../support/redis.js";
import { serve } from "../support/sdk-scene.js";

let packed: Packed;
let tarball: Buffer<ArrayBuffer>;

beforeAll(async () => {
  packed = await pack("packages/client");
  tarball = Buffer.from(await readFile(packed.tarball));
});
afterAll(() => packed.remove());

test("packed from a fresh clone, it contains code, types and documents only", () => {
  expect(packed.files.toSorted()).toEqual([
    "LICENSE",
    "README.md",
    "dist/PROTOCOL.md",
    "dist/docs/sdk.md",
    "dist/docs/tertulia.v1.schema.json",
    "dist/index.cjs",
    "dist/index.d.cts",
    "dist/index.d.ts",
    "dist/index.js",
    "package.json",
  ]);
});

test("npm installs it without a network, and nothing besides", async () => {
  const elsewhere = join(packed.folder, "elsewhere");
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, "package.json"), "{}");
  const { stdout } = await run("npm", ["i", "--offline", "--no-audit", packed.tarball], {
    cwd: elsewhere,
  });
  expect(stdout).toContain("added 1 package in");
});

test.each([
  [
    "an ESM app",
    "app.mjs",
    'import { connect } from "tertulia-client";\nimport { WebSocket } from "ws";',
  ],
  [
    "a CommonJS script",
    "script.cjs",
    'const { connect } = require("tertulia-client");\nconst { WebSocket } = require("ws");',
  ],
])("%s chats with it", async (_, file, imports) => {
  const redis = await startRedis();
  const gateway = await node(redis.url);
  try {
    const url = `ws://127.0.0.1:${gateway.port}`;
    const program = `${imports}
      const chat = connect("${url}", { name: "ana", WebSocket });
      Promise.all([chat.once("message"), chat.publish("~", "hello")]).then(([{ from, text }]) => {
        console.log(from + ": " + text);
        return chat.close();
      });
    `;
    await writeFile(join(packed.folder, file), program);
    const { stdout } = await run(process.execPath, [join(packed.folder, file)], {
      timeout: 20_000,
    });
    expect(stdout).toBe("ana: hello\n");
  } finally {
    await gateway.close();
    await redis.close();
  }
});

/** What a browser's bundle has of the SDK. */
async function bundled(): Promise<string> {
  const outcome = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      minify: true,
      lib: {
        entry: join(packed.folder, "node_modules/tertulia-client/dist/index.js"),
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
  console.log(`tertulia-client: ${code.length} bytes minified, ${bytes} in gzip`);
  expect(bytes).toBeLessThan(10_000);
  expect(bytes).toBeGreaterThan(2_000);
});

test("it runs with only what browsers have", async () => {
  const server = await serve();
  const browser = {
    WebSocket,
    setTimeout,
    clearTimeout,
    queueMicrotask,
    crypto,
    URL,
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

test("the types are right for node10, node16 and bundlers", async () => {
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
  if (!analysis.types) throw new Error("the package has no types");
  expect(analysis.problems).toEqual([]);
});

const CONSUMER = `
import { connect, TertuliaError, type Message, type State } from "tertulia-client";
declare const WS: WebSocketHere;
const chat = connect(["ws://a", "ws://b"], { name: "ana", WebSocket: WS, cursors: { "~": ["a", 1] } });
const texts: string[] = [];
const off: () => void = chat.on("message", (message) => {
  const whole: Message = message;
  texts.push(message.text, whole.from);
});
chat.on("state", (state: State) => {
  if (state.name === "waiting") new Date(state.retryAtMs), state.error.code satisfies string;
  // @ts-expect-error an open connection has no code
  if (state.name === "open") state.code;
});
// @ts-expect-error no such event
chat.on("massage", () => {});
// @ts-expect-error no such status
chat.setStatus("away");
export async function use() {
  const signal = AbortSignal.timeout(9);
  const { seq }: { seq: number } = await chat.publish("~", "hi", { signal });
  const status: "active" | "busy" | "inactive" | "disconnected" = await chat.user("bob");
  const bob = chat.presence.people.get("bob");
  await using other = connect("ws://a", {
    name: "bob",
    WebSocket: WS,
    storage: { getItem: () => null, setItem: () => {} },
    timing: { nameWithinMs: Infinity },
    debug: (event) => event.type === "retry" && event.error.message,
  });
  other.once("gap", ({ reason }) => reason)();
  const message: Message = await other.once("message", { signal });
  for await (const { text } of other.events("message", { limit: 5, signal })) texts.push(text);
  // @ts-expect-error no such event
  other.once("massage");
  try { off(); } catch (error) { if (error instanceof TertuliaError) error.code satisfies string; }
  return { seq, status, bob, message };
}
`;

const BROWSER = {
  here: "type WebSocketHere = typeof globalThis.WebSocket;",
  options: { lib: ["es2022", "dom"], types: [] as string[] },
};
const NODE = {
  here: "type WebSocketHere = typeof import('ws').WebSocket;",
  options: { lib: ["es2022"], types: ["node", "ws"], skipLibCheck: true },
};
const NOW = join(ROOT, "node_modules/typescript/lib/tsc.js");
/** The last major version that knew `node10`; it comes with a package that checks types. */
const THEN = join(ROOT, "node_modules/@arethetypeswrong/core/node_modules/typescript/lib/tsc.js");

test.each([
  ["a browser, by a bundler", BROWSER, "esm.ts", NOW, "esnext", "bundler"],
  ["Node and ws, ESM", NODE, "esm.mts", NOW, "nodenext", "nodenext"],
  ["Node and ws, CommonJS", NODE, "cjs.cts", NOW, "node16", "node16"],
  ["Node and ws, by an old compiler", NODE, "old.ts", THEN, "commonjs", "node10"],
])("a program for %s compiles strictly", async (_, kind, file, tsc, module, moduleResolution) => {
  await writeFile(join(packed.folder, file), `${kind.here}\n${CONSUMER}`);
  const compilerOptions = {
    ...kind.options,
    target: "es2022",
    module,
    moduleResolution,
    strict: true,
    noEmit: true,
    exactOptionalPropertyTypes: true,
    typeRoots: [join(ROOT, "node_modules/@types")],
    paths: { ws: [join(ROOT, "node_modules/@types/ws/index.d.ts")] },
  };
  const config = join(packed.folder, "tsconfig.json");
  await writeFile(config, JSON.stringify({ compilerOptions, files: [file] }));
  const compile = run(process.execPath, [tsc, "-p", config]);
  const { stdout } = await compile.catch((failed: { stdout: string }) => failed);
  expect(stdout).toBe("");
});
