/** A gateway that alone is cut off from Redis lets its clients go; while Redis is away for all, nobody goes. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, type TestContext } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { Proxy } from "#verifier/proxy.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at } from "../support/sdk-scene.js";

type TestNode = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

/** Two gateways that know of each other, each behind a proxy to Redis, in a chat of their own. */
async function pair(
  REDIS_PREFIX: string,
  { onTestFinished }: TestContext, // its own: the tests are concurrent
): Promise<{ proxies: [Proxy, Proxy]; nodes: [TestNode, TestNode] }> {
  const ports = [await freePort(), await freePort()];
  const PEERS = ports.map((port) => `127.0.0.1:${port}`).join(",");
  const proxies: Proxy[] = [];
  const nodes: TestNode[] = [];
  for (const PORT of ports) {
    const proxy = await Proxy.to(redis.port);
    proxies.push(proxy);
    const started = await node(proxy.url, { PORT, PEERS, REDIS_PREFIX });
    nodes.push(started);
    onTestFinished(() => proxy.close());
    onTestFinished(() => started.close());
  }
  return { proxies: proxies as [Proxy, Proxy], nodes: nodes as [TestNode, TestNode] };
}

async function readiness({ port }: TestNode): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
}

async function letGo({ counters }: TestNode): Promise<number> {
  const metrics = await counters.registry.metrics();
  return Number(/^tertulia_let_go_total\{why="alone"\} (\d+)$/m.exec(metrics)?.[1]);
}

// side by side: both wait for longer than ten seconds
test.concurrent("a gateway that alone is cut off lets its clients go, and accepts clients again when it is back", async (context) => {
  const { proxies, nodes } = await pair("alone", context);
  const [lonely, other] = nodes;
  const [classic, rival, json] = await Promise.all([
    ClassicClient.connect(lonely.port, "classic"),
    ClassicClient.connect(lonely.port, "seed", "ws-protocol"),
    JsonClient.hello(lonely.port, "json", { key: "k" }),
  ]);
  const sdk = connect(at(lonely, other), { name: "sdk", WebSocket });
  context.onTestFinished(() => sdk.close());
  await sdk.joined();
  const speaker = await ClassicClient.connect(other.port, "speaker");
  await classic.awaits(53, L("speaker"), 1);
  proxies[0].set("blackhole");
  const cutMs = performance.now();
  const codes = await Promise.all([classic, rival, json].map((client) => client.closed()));
  expect(codes).toEqual([1012, 1012, 4510]);
  expect(performance.now() - cutMs).toBeGreaterThan(10_000);
  const missed = sdk.once("message");
  speaker.says(4, L("~"), L("meanwhile"));
  expect(await missed).toMatchObject({ from: "speaker", text: "meanwhile" });
  expect(lonely.log).toContainEqual(
    expect.objectContaining({ event: "left_alone", why: "others serve", sessions: 4 }),
  );
  expect(await letGo(lonely)).toBe(4);
  expect(await letGo(other)).toBe(0);
  await expect(ClassicClient.attempt(lonely.port, "classic")).rejects.toThrow("503");
  const back = await ClassicClient.connect(other.port, "classic"); // its name is free
  proxies[0].set("pass");
  await eventually(async () => expect(await readiness(lonely)).toBe(200));
  const again = await ClassicClient.connect(lonely.port, "seed");
  again.says(4, L("classic"), L("hello"));
  await back.awaits(55, L("seed"), L("hello"));
});

test.concurrent("while Redis is away for all gateways, all clients stay connected", async (context) => {
  const { proxies, nodes } = await pair("away", context);
  const clients = await Promise.all(
    nodes.flatMap(({ port }, i) => [
      ClassicClient.connect(port, `classic-${i}`),
      JsonClient.hello(port, `json-${i}`),
    ]),
  );
  for (const proxy of proxies) proxy.set("blackhole");
  for (const each of nodes) await eventually(async () => expect(await readiness(each)).toBe(503));
  await pause(14_000);
  for (const each of nodes) expect(await letGo(each)).toBe(0);
  for (const proxy of proxies) proxy.set("pass");
  for (const each of nodes) await eventually(async () => expect(await readiness(each)).toBe(200));
  await pause(1_000); // one of them was ready first
  for (const client of clients) expect(client.webSocket.readyState).toBe(1);
});
