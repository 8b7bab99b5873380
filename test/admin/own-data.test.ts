/** The operator removes a user, and has all that is kept of one, from a terminal; beside two gateways. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { admin as run, type Said } from "../support/admin.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];
beforeAll(async () => {
  redis = await startRedis();
  nodes = await Promise.all([node(redis.url), node(redis.url)]);
});
afterAll(async () => {
  await Promise.all(nodes.map((each) => each.close()));
  await redis.close();
});

function admin(...words: string[]): Promise<Said> {
  return run(redis.url, ...words);
}

async function said(client: JsonClient, conv: string, text: string): Promise<void> {
  expect(await client.asks({ type: "publish", conv, text })).toMatchObject({ type: "ok" });
}

async function history(client: JsonClient, conv: string): Promise<unknown[]> {
  const { messages } = await client.asks({ type: "history", conv });
  return (messages as { from: string; text: string }[]).map(({ from, text }) => [from, text]);
}

test("a user is removed from all gateways, byte clients too; the log says who did it", async () => {
  const [ana, bob] = [
    await ClassicClient.connect(nodes[0]!.port, "ana"),
    await JsonClient.hello(nodes[1]!.port, "bob"),
  ];
  ana.says(4, L("~"), L("hello everybody"));
  await ana.awaits(55, L("ana"), L("hello everybody"));
  expect(await admin("unregister", "ana", "--reason", "she asked by mail")).toMatchObject({
    code: 0,
    out: "ana is removed",
  });
  await ana.closed();
  expect(await history(bob, "~")).toEqual([["~", "hello everybody"]]);
  expect(await bob.asks({ type: "user", user: "ana" })).toMatchObject({ code: "not_found" });
  expect((await admin("log", "--last", "1")).out).toContain("olga  unregister ana");
  bob.vanish();
});

test("with --erase also what the user wrote goes; who is away can be removed as well", async () => {
  const [cid, dan] = [
    await JsonClient.hello(nodes[0]!.port, "cid", { key: "cids-key" }),
    await JsonClient.hello(nodes[1]!.port, "dan"),
  ];
  await said(cid, "@dan", "for dan");
  await cid.asks({ type: "bye" });
  expect(await admin("unregister", "cid", "--erase")).toMatchObject({ code: 0 });
  expect(await history(dan, "@cid")).toEqual([["~", ""]]);
  dan.vanish();
});

test("of somebody whom nobody knows there is nothing to remove, and nothing kept", async () => {
  expect(await admin("unregister", "nobody")).toMatchObject({ code: 1, out: "there is no nobody" });
  expect(await admin("unregister")).toMatchObject({ code: 2 });
  expect(JSON.parse((await admin("export", "nobody")).out)).toMatchObject({
    user: "nobody",
    messages: [],
  });
});

test("what is kept of a user is told as the user itself would have it", async () => {
  const [eva, fay] = [
    await JsonClient.hello(nodes[0]!.port, "eva", { key: "evas-key" }),
    await JsonClient.hello(nodes[1]!.port, "fay"),
  ];
  await said(eva, "~", "eva to all");
  await said(fay, "@eva", "fay to eva");
  await admin("mute", "eva", "--for", "1h", "--reason", "calm down");
  const { code, out } = await admin("export", "eva");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    user: "eva",
    status: "active",
    sanctions: [{ kind: "mute", reason: "calm down" }],
    messages: [
      { conv: "~", from: "eva", text: "eva to all" },
      { conv: "@fay", from: "fay", text: "fay to eva" },
    ],
  });
  for (const each of [eva, fay]) each.vanish();
});
