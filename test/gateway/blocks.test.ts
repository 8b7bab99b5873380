/** A user who blocks another one, on two gateways: private messages are refused without a word of why. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import type { Name } from "#tertulia/chat/names.js";
import { Keys } from "#tertulia/redis/keys.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const TEN_YEARS_MS = 315_360_000_000;
const LATER = String(Date.now() + 600_000);

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];

beforeAll(async () => {
  redis = await startRedis();
  nodes = [await node(redis.url), await node(redis.url)];
});
afterAll(async () => {
  for (const each of nodes) await each.close();
  await redis.close();
});

const join = (name: string, which = 0, more: object = {}): Promise<JsonClient> =>
  JsonClient.hello(nodes[which]!.port, name, { key: `key-of-${name}`, ...more });

const block = (client: JsonClient, user: string, off = false) =>
  client.asks({ type: "block", user, off });

const writes = (client: JsonClient, to: string, text: string, more: object = {}) =>
  client.asks({ type: "publish", conv: `@${to}`, text, ...more });

/** The key of the conversation of two users. */
async function conversationOf(one: string, other: string): Promise<string> {
  const id = [one, other].map((name) => Buffer.from(name).toString("base64url")).join(".");
  const [key] = await redis.client.keys(`tertulia:*:conversation:${id}`);
  return key!;
}

describe("who is blocked", () => {
  test("is answered as if the other one was away; nothing is stored, and typing is told to nobody", async () => {
    const [ana, bob] = [await join("ana"), await join("bob", 1)];
    const bytes = await ClassicClient.connect(nodes[1]!.port, "bert");
    expect(await block(ana, "bob")).toEqual({ type: "ok", id: expect.anything() });
    await block(ana, "bert");
    const refused = await writes(bob, "ana", "hello?");
    expect(refused).toEqual({
      type: "error",
      id: expect.anything(),
      code: "away",
      message: "this user is not connected, and nobody is known to come back",
      retryable: false,
    });
    bytes.says(4, L("ana"), L("hello?"));
    await bytes.hears(50, 4);
    expect(await bob.asks({ type: "typing", conv: "@ana" })).toMatchObject({ type: "ok" });
    await bob.asks({ type: "publish", text: "to all" });
    const heard = await ana.awaits({ type: "message", conv: "~", text: "to all" });
    expect(heard).toMatchObject({ from: "bob" });
    expect(ana.heard.filter(({ type }) => type === "typing")).toEqual([]);
    for (const user of ["bob", "bert"]) {
      const page = await ana.asks({ type: "history", conv: `@${user}` });
      expect(page).toMatchObject({ head: 0, messages: [] });
    }
    for (const client of [ana, bob, bytes]) client.vanish();
  });

  test("may be written to, and answers once the block is lifted", async () => {
    const [ana, bob] = [await join("anna"), await join("bo", 1)];
    await block(ana, "bo");
    expect(await writes(ana, "bo", "one last word")).toMatchObject({ type: "ok", seq: 1 });
    await bob.awaits({ type: "message", conv: "@anna", text: "one last word" });
    expect(await writes(bob, "anna", "but")).toMatchObject({ code: "away" });
    await block(ana, "bo", true);
    expect(await writes(bob, "anna", "thanks")).toMatchObject({ type: "ok", seq: 2 });
    await ana.awaits({ type: "message", conv: "@bo", text: "thanks" });
    await bob.asks({ type: "typing", conv: "@anna" });
    await ana.awaits({ type: "typing", conv: "@bo" });
    for (const client of [ana, bob]) client.vanish();
  });

  test("is told of a message that was stored before as of any that is sent twice", async () => {
    const [ana, bob] = [await join("ann"), await join("ben", 1)];
    const first = await writes(bob, "ann", "hi", { mid: "m1" });
    await block(ana, "ben");
    const again = await writes(bob, "ann", "hi", { mid: "m1" });
    expect(again).toMatchObject({ type: "ok", seq: first["seq"], dup: true });
    expect(await writes(bob, "ann", "hi", { mid: "m2" })).toMatchObject({ code: "away" });
    for (const client of [ana, bob]) client.vanish();
  });

  test("stays so when both block each other, and one of them no longer does", async () => {
    const [ana, bob] = [await join("amy"), await join("bill", 1)];
    await block(ana, "bill");
    await block(bob, "amy");
    await block(bob, "amy", true);
    expect(await writes(bob, "amy", "sorry")).toMatchObject({ code: "away" });
    expect(await writes(ana, "bill", "well")).toMatchObject({ type: "ok" });
    for (const client of [ana, bob]) client.vanish();
  });
});

test("a block does not end by itself: the conversation expires only when it is lifted", async () => {
  const [ana, bob] = [await join("ada"), await join("bea", 1)];
  await writes(ana, "bea", "hi");
  await block(ana, "bea");
  const key = await conversationOf("ada", "bea");
  expect(await redis.client.pttl(key)).toBeGreaterThan(TEN_YEARS_MS);
  // what renews the expiry of others, half a minute after the last time
  await redis.client.hset(key, "renewed", 1);
  await join("bea", 0).then((device) => device.vanish());
  const other = await node(redis.url);
  const device = await JsonClient.hello(other.port, "ada", { key: "key-of-ada" });
  expect(await writes(device, "bea", "still here")).toMatchObject({ type: "ok" });
  expect(await redis.client.pttl(key)).toBeGreaterThan(TEN_YEARS_MS);
  await block(ana, "bea", true);
  const ttl = await redis.client.pttl(key);
  expect(ttl > 86_400_000 && ttl < TEN_YEARS_MS, `${ttl}`).toBe(true);
  for (const client of [ana, bob, device]) client.vanish();
  await other.close();
});

test("the list has whom one blocks, the newest first, and is nobody else's", async () => {
  const [ana, bob] = [await join("aria"), await join("bram", 1)];
  for (const user of ["cleo", "dario"]) (await join(user)).vanish();
  for (const user of ["bram", "cleo", "dario", "cleo"]) await block(ana, user);
  await block(ana, "bram", true);
  expect((await ana.asks({ type: "blocks" }))["users"]).toEqual(["cleo", "dario"]);
  expect((await bob.asks({ type: "blocks" }))["users"]).toEqual([]);
  for (const client of [ana, bob]) client.vanish();
});

test("nobody can be blocked who does not exist, or oneself, or beyond the two hundredth [abuse:block-nobody] [abuse:block-self] [abuse:block-many]", async () => {
  const [ana, bob] = [await join("abel"), await join("boris", 1)];
  expect(await block(ana, "nobody-ever")).toMatchObject({ code: "not_found" });
  expect(await block(ana, "#room")).toMatchObject({ code: "not_found" });
  expect(await block(ana, "abel")).toMatchObject({ code: "forbidden" });
  const fields = Array.from({ length: 200 }, (_, i) => [`block:u${i}`, LATER]).flat();
  await redis.client.hset(new Keys("tertulia").account("abel" as Name), ...fields);
  const tooMany = await block(ana, "boris");
  expect(tooMany).toMatchObject({
    code: "forbidden",
    message: expect.stringMatching(/^you block as many/),
  });
  expect(await block(ana, "u7", true)).toMatchObject({ type: "ok" });
  expect(await block(ana, "boris")).toMatchObject({ type: "ok" });
  for (const client of [ana, bob]) client.vanish();
});

describe("when a name has another owner", () => {
  test("the blocks of the former one are neither in force nor told", async () => {
    const ana = await join("alma", 0, { keep: false });
    const bob = await join("bert2", 1);
    await block(ana, "bert2");
    expect(await writes(bob, "alma", "hi")).toMatchObject({ code: "away" });
    await ana.asks({ type: "bye" });
    const next = await join("alma", 1, { key: "another-key" });
    expect((await next.asks({ type: "blocks" }))["users"]).toEqual([]);
    await bob.asks({ type: "typing", conv: "@alma" });
    await next.awaits({ type: "typing", conv: "@bert2" });
    expect(await writes(bob, "alma", "hi")).toMatchObject({ type: "ok" });
    await next.awaits({ type: "message", conv: "@bert2", text: "hi" });
    for (const client of [bob, next]) client.vanish();
  });

  test("they leave the next one room for two hundred of its own, and no hint is left of them", async () => {
    const [ana, bob] = [await join("alba", 0, { keep: false }), await join("bert3", 1)];
    await block(ana, "bert3");
    const fields = Array.from({ length: 199 }, (_, i) => [`block:u${i}`, "1"]).flat();
    await redis.client.hset(new Keys("tertulia").account("alba" as Name), ...fields);
    await ana.asks({ type: "bye" });
    const [next, eva] = [await join("alba", 1, { key: "another-key" }), await join("evita")];
    expect(await block(next, "evita")).toMatchObject({ type: "ok" });
    expect((await next.asks({ type: "blocks" }))["users"]).toEqual(["evita"]);
    expect(await redis.client.hexists(await conversationOf("alba", "bert3"), "blocks:alba")).toBe(
      0,
    );
    for (const client of [bob, next, eva]) client.vanish();
  });

  test("they stay with the name in a chat where its private history does", async () => {
    const named = await node(redis.url, { REDIS_PREFIX: "named", PRIVATE_HISTORY: "name" });
    const ana = await JsonClient.hello(named.port, "ana");
    const bob = await JsonClient.hello(named.port, "bob");
    await block(ana, "bob");
    await ana.asks({ type: "bye" });
    const next = await JsonClient.hello(named.port, "ana");
    expect((await next.asks({ type: "blocks" }))["users"]).toEqual(["bob"]);
    expect(await writes(bob, "ana", "hi")).toMatchObject({ code: "away" });
    for (const client of [bob, next]) client.vanish();
    await named.close();
  });
});

test("the SDK blocks, lists and unblocks", async () => {
  const url = `ws://127.0.0.1:${nodes[0]!.port}`;
  const [sam, tom] = ["sam", "tom"].map((name) => connect(url, { name, WebSocket }));
  await tom!.joined();
  await sam!.block("tom");
  expect(await sam!.blocks()).toEqual(["tom"]);
  await expect(tom!.publish("@sam", "hi")).rejects.toMatchObject({ code: "away" });
  await sam!.unblock("tom");
  expect(await sam!.blocks()).toEqual([]);
  await tom!.publish("@sam", "hi");
  await expect(sam!.block(undefined as never)).rejects.toThrow('block("ana")');
  for (const chat of [sam, tom]) await chat!.close();
});
