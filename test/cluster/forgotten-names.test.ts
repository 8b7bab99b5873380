/** Names of nobody are forgotten: users do not grow for ever. Whose name it is, or whose message is kept, is not. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Keys, bucketOfUser } from "#tertulia/redis/keys.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SETTINGS = {
  NAMES_FORGOTTEN_MS: 200,
  HISTORY_MAX_AGE_MS: 600_000,
  PRESENCE_LINGER_MS: 0,
  ELECTION_MS: 50,
  REQUESTS_PER_SECOND: 10_000,
};

type TestNode = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
let nodes: TestNode[];
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(() => redis.client.flushall());
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await Promise.all(nodes.map((each) => each.close()));
});

async function start(settings: object = {}): Promise<void> {
  nodes = await Promise.all([1, 2].map(() => node(redis.url, { ...SETTINGS, ...settings })));
}

async function classic(name: string, at = 0): Promise<ClassicClient> {
  const client = await ClassicClient.connect(nodes[at]!.port, name);
  client.patienceMs = 60_000;
  clients.push(client);
  return client;
}

async function json(name: string, more: object = {}): Promise<JsonClient> {
  const client = await JsonClient.hello(nodes[0]!.port, name, more);
  clients.push(client);
  return client;
}

async function signOut(client: ClassicClient): Promise<void> {
  client.says(3, 0);
  await client.closed();
}

async function stored(which: "users" | "left" | "owners"): Promise<string[]> {
  const keys = await redis.client.keys(`*:${which}`);
  const of = (key: string): Promise<string[]> =>
    which === "left" ? redis.client.zrange(key, 0, "-1") : redis.client.hkeys(key);
  return (await Promise.all(keys.map(of))).flat().toSorted();
}

test("names that nobody has any more are forgotten, in all buckets, and are new when they come back", async () => {
  await start();
  const eva = await classic("eva");
  const names = Array.from({ length: 64 }, (_, i) => `throw-away-${i}`);
  for (let i = 0; i < names.length; i += 16) {
    const some = names.slice(i, i + 16);
    await Promise.all(
      (await Promise.all(some.map((name, k) => classic(name, k % 2)))).map(signOut),
    );
  }
  await eventually(async () => expect(await stored("users")).toEqual(["eva"]), 60_000);
  expect(await stored("left")).toEqual([]);
  eva.says(2, L("throw-away-7"));
  await eva.awaits(50, 1);
  eva.says(4, L("throw-away-7"), L("are you there?"));
  await eva.awaits(50, 1);
  const ana = await json("ana");
  const answers = [
    { type: "publish", conv: "@throw-away-7", text: "hello?" },
    { type: "user", user: "throw-away-7" },
  ];
  for (const asked of answers) expect(await ana.asks(asked)).toMatchObject({ code: "not_found" });
  eva.says(1);
  await eva.awaits(51, 2, L("eva"), 1, L("ana"), 1);
  await classic("throw-away-7", 1);
  await eva.awaits(53, L("throw-away-7"), 1);
});

test("who is connected, whose name is kept, and whose messages are kept, is not", async () => {
  await start();
  const [ana, bob] = [await classic("ana"), await classic("bob", 1)];
  const said = await classic("said");
  said.says(4, L("~"), L("hello everybody"));
  await said.awaits(55, L("said"), L("hello everybody"));
  const wrote = await classic("wrote");
  wrote.says(4, L("bob"), L("hello bob"));
  await wrote.awaits(55, L("wrote"), L("hello bob"));
  const reads = await json("reads");
  ana.says(4, L("reads"), L("hello"));
  await reads.awaits({ type: "message", conv: "@ana" });
  const iris = await json("iris", { key: "iris-own-key" });
  const nobody = await classic("nobody");
  for (const each of [iris, reads]) await each.asks({ type: "bye" });
  for (const each of [said, wrote, nobody]) await signOut(each);
  await eventually(async () => expect(await stored("users")).not.toContain("nobody"), 60_000);
  // two more are looked at and forgotten: everybody above was, too
  for (const name of ["nobody-2", "nobody-3"]) {
    await signOut(await classic(name));
    await eventually(async () => expect(await stored("users")).not.toContain(name), 60_000);
  }
  expect(await stored("users")).toEqual(["ana", "bob", "iris", "reads", "said", "wrote"]);
  expect(await stored("owners")).toEqual(["iris"]);
  bob.says(2, L("said"));
  await bob.awaits(52, L("said"), 0);
});

test("when their messages are too old, and their time is over, they are forgotten as well", async () => {
  await start({ HISTORY_MAX_AGE_MS: 1_500, NAME_KEPT_MS: 500 });
  const ana = await json("ana", { key: "anas-own-key" });
  await ana.asks({ type: "publish", text: "hello" });
  await ana.asks({ type: "bye" });
  const wrote = async (): Promise<string[]> => {
    const [general] = await redis.client.keys("*:conversation:~");
    return general === undefined ? [] : redis.client.hkeys(general);
  };
  expect(await wrote()).toContain("wrote:ana");
  await eventually(async () => expect(await stored("users")).toEqual([]), 60_000);
  expect(await stored("owners")).toEqual([]);
  expect(await wrote()).not.toContain("wrote:ana");
});

test("with a name goes how far it has read, in all buckets", async () => {
  await start({ PRIVATE_HISTORY: "name" });
  const [ana, eva] = [await json("ana"), await json("eva")];
  for (const text of ["1", "2", "3"]) await eva.asks({ type: "publish", text });
  expect(await ana.asks({ type: "read", conv: "~", seq: 3 })).toMatchObject({ read: 3 });
  const [general] = await redis.client.keys("*:marks:*");
  for (let i = 0; i < 16; i++) {
    const bucket = `{${String(i).padStart(2, "0")}}`;
    await redis.client.hset(general!.replace(/\{\d+\}/, bucket), "bob", 1);
  }
  await ana.asks({ type: "bye" });
  await eventually(async () => expect(await stored("users")).toEqual(["eva"]), 60_000);
  await eventually(async () => expect(await redis.client.keys("*:marks:*")).toEqual([]), 60_000);
  const next = await json("ana");
  expect(next.heard[0]).toMatchObject({ conversations: [{ conv: "~", read: 0, unread: 3 }] });
});

test("what is damaged of one name keeps no other from being forgotten", async () => {
  await start();
  await json("eva", {}).then((eva) => eva.asks({ type: "publish", text: "hello" }));
  const [general] = await redis.client.keys("*:conversation:~");
  await redis.client.hset(general!, "wrote:ana", "no number");
  await signOut(await classic("ana"));
  await eventually(async () => expect(await stored("users")).toEqual(["eva"]), 60_000);
  expect(await redis.client.hkeys(general!)).not.toContain("wrote:ana");
});

test("with 0 they are never forgotten", async () => {
  await start({ NAMES_FORGOTTEN_MS: 0 });
  await signOut(await classic("ana"));
  const leader = nodes.find(({ isLeading }) => isLeading) ?? nodes[0]!;
  const rounds = async (): Promise<number> =>
    (await leader.counters.registry.getSingleMetricAsString("tertulia_sweeps_total"))
      .split("\n")
      .reduce((sum, line) => sum + (line.startsWith("#") ? 0 : Number(line.split(" ")[1] ?? 0)), 0);
  const before = await rounds();
  await eventually(async () => expect(await rounds()).toBeGreaterThan(before + 40), 60_000);
  expect(await stored("users")).toEqual(["ana"]);
});

test("a claim at the same moment is safe: who has a name keeps it, and is known", async () => {
  await start({ NAMES_FORGOTTEN_MS: 1 });
  const roundOf = async (name: string): Promise<void> => {
    for (let i = 0; i < 8; i++) {
      const client = await classic(name, i % 2);
      client.says(3, 2);
      await client.awaits(54, L(name), 2);
      client.says(2, L(name));
      await client.awaits(52, L(name), 2);
      await signOut(client);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, i) => roundOf(`user-${i}`)));
  await eventually(async () => expect(await stored("users")).toEqual([]), 60_000);
});

test("a name of nobody that blocks others is forgotten without a trace; one with a damaged account stays, and no other", async () => {
  await start();
  const eva = await classic("eva");
  const pest = await JsonClient.hello(nodes[0]!.port, "pest");
  expect(await pest.asks({ type: "block", user: "eva" })).toMatchObject({ type: "ok" });
  await pest.asks({ type: "bye" });
  const keys = new Keys("tertulia");
  const others = Array.from({ length: 400 }, (_, i) => `n${i}` as Name).filter(
    (name) => bucketOfUser(name) === bucketOfUser("n0" as Name),
  );
  await redis.client.set(keys.account("n0" as Name), "damaged");
  for (const name of others.slice(0, 4)) await signOut(await classic(name));
  await eventually(async () => expect(await stored("users")).toEqual(["eva", "n0"]), 60_000);
  await eventually(async () => expect(await redis.client.keys("*:conversation:*.*")).toEqual([]));
  expect(await redis.client.exists(keys.account("pest" as Name))).toBe(0);
  eva.vanish();
});
