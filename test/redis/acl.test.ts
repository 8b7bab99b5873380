import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Redis } from "ioredis";
import { readFunctionSource } from "#tertulia/redis/function-library.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const ADMIN = fileURLToPath(new URL("../../dist/admin/main.js", import.meta.url));

let redis: TestRedis;
let url: string;
let rights: string[];

beforeAll(async () => {
  redis = await startRedis();
  const documented = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  rights = /^ACL SETUSER tertulia (.*)$/m.exec(documented)![1]!.split(" ");
  await redis.client.call("ACL", "SETUSER", "tertulia", ...rights);
  url = `redis://tertulia:secret@127.0.0.1:${redis.port}`;
});
afterAll(() => redis.close());

test("the rights in docs/operations.md are enough for everything a cluster does", async () => {
  const settings = { IDLE_AFTER_MS: 1_000, BEAT_MS: 200, LEASE_MS: 2_000, ELECTION_MS: 200 };
  const [first, second] = [await node(url, settings), await node(url, settings)];
  const ana = await ClassicClient.connect(first.port, "ana");
  const bob = await ClassicClient.connect(second.port, "bob");
  await ana.awaits(53, L("bob"), 1);
  ana.says(4, L("~"), L("to all"));
  await bob.awaits(55, L("ana"), L("to all"));
  bob.says(4, L("ana"), L("to ana"));
  await ana.awaits(55, L("bob"), L("to ana"));
  ana.says(3, L("ana"), 2);
  await bob.awaits(54, L("ana"), 2);
  ana.says(1);
  ana.says(5, L("bob"));
  await ana.awaits(56, 1, L("bob"), L("to ana"));
  await ana.awaits(54, L("bob"), 3); // swept
  const eva = await JsonClient.hello(first.port, "eva");
  await eva.asks({ type: "publish", conv: "@ana", text: "in JSON" });
  await eva.asks({ type: "read", conv: "@ana", seq: 1 });
  await eva.asks({ type: "typing", conv: "@ana" });
  const removed = await eva.asks({ type: "remove", conv: "@ana", seq: 1 });
  expect(removed).toMatchObject({ type: "ok", seq: 2 });
  await eva.asks({ type: "bye" });
  await redis.client.call("CLIENT", "KILL", "TYPE", "pubsub"); // fills from the log
  await redis.client.call("FUNCTION", "FLUSH"); // loads its functions again
  ana.says(4, L("~"), L("after that"));
  await bob.awaits(55, L("ana"), L("after that"));
  await bob.close();
  await ana.awaits(54, L("bob"), 0);
  await eventually(async () => {
    const refused = (await redis.client.call("ACL", "LOG")) as unknown[];
    expect(refused).toEqual([]);
  });
  ana.vanish();
  for (const act of [["mute", "ana"], ["unmute", "ana"], ["sanctions"], ["log"]]) {
    const env = { PATH: process.env["PATH"], REDIS_URL: url };
    await promisify(execFile)(process.execPath, [ADMIN, ...act], { env });
  }
  await first.close();
  await second.close();
  expect(await redis.client.call("ACL", "LOG")).toEqual([]);
});

test("they are enough for accounts", async () => {
  await redis.client.call("ACL", "LOG", "RESET");
  const gateway = await node(url, { IDENTITY: "accounts" });
  const client = await JsonClient.connect(gateway.port);
  const fay = { name: "fay", password: "correct horse" };
  const { session } = await client.asks({ type: "register", ...fay });
  expect(session).toEqual(expect.any(String));
  expect((await client.asks({ type: "login", ...fay }))["session"]).toEqual(expect.any(String));
  const wrong = { type: "login", name: "fay", password: "another horse" };
  expect((await client.asks(wrong))["code"]).toBe("bad_credentials");
  const here = await JsonClient.hello(gateway.port, "fay", { session });
  const replaced = { type: "password", old: fay.password, new: "a new horse" };
  for (const request of [{ type: "sessions" }, replaced, { type: "bye" }]) {
    expect((await here.asks(request))["type"], request.type).toBe("ok");
  }
  client.vanish();
  await gateway.close();
  expect(await redis.client.call("ACL", "LOG")).toEqual([]);
});

/** The commands that functions call, also where the name of one is handed on: each word in quotes that is a command. */
async function commandsOfFunctions(): Promise<Set<string>> {
  const { source } = await readFunctionSource();
  const known = new Set((await redis.client.call("COMMAND", "LIST")) as string[]);
  const words = [...source.matchAll(/'([A-Z]+)'/g)].map(([, word]) => word!.toLowerCase());
  return new Set(words.filter((word) => known.has(word)));
}

test("the rights have every command that the functions call", async () => {
  const called = await commandsOfFunctions();
  expect(called.size).toBeGreaterThan(20);
  expect([...called].filter((name) => !rights.includes(`+${name}`))).toEqual([]);
});

/** What nodes ask of Redis themselves, outside of functions: the right, and where it is used. */
const ASKED = {
  fcall: ["function-library", /fcall/],
  "function|load": ["function-library", /"FUNCTION", "LOAD"/],
  "client|setname": ["connect", /connectionName/],
  subscribe: ["feed/feed", /\.subscribe\(/],
  smembers: ["user-store", /\.smembersBuffer\(/],
  wait: ["replication", /\.wait\(/],
} as const;

test("each right is needed: a function calls the command, or a node does", async () => {
  const called = await commandsOfFunctions();
  const commands = rights.filter((right) => right.startsWith("+")).map((right) => right.slice(1));
  const others = commands.filter((name) => !called.has(name));
  expect(others.toSorted()).toEqual(Object.keys(ASKED).toSorted());
  for (const [file, pattern] of Object.values(ASKED)) {
    const code = await readFile(new URL(`../../src/redis/${file}.ts`, import.meta.url), "utf8");
    expect(code).toMatch(pattern);
  }
});

test("the rights allow nothing else", async () => {
  const client = new Redis(url);
  const forbidden = [
    ["KEYS", "*"],
    ["FLUSHALL"],
    ["CONFIG", "GET", "*"],
    ["ACL", "LIST"],
    ["EVAL", "return 1", "0"],
    ["FUNCTION", "FLUSH"],
    ["FUNCTION", "DELETE", "tertulia"],
    ["SCAN", "0"],
    ["MONITOR"],
    ["REPLICAOF", "NO", "ONE"],
    ["CLIENT", "LIST"],
    ["CLIENT", "KILL", "TYPE", "normal"],
    ["GET", "other:key"],
    ["PUBLISH", "other", "x"],
    ["SUBSCRIBE", "other"],
  ];
  for (const [command, ...args] of forbidden) {
    await expect(client.call(command!, ...args), command).rejects.toThrow("NOPERM");
  }
  client.disconnect();
});
