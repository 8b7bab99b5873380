import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Proxy } from "#verifier/proxy.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let proxy: Proxy;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  proxy = await Proxy.to(redis.port);
  gateway = await node(proxy.url);
  await told("leading_began"); // the last thing that happens by itself
});
afterEach(async () => {
  await gateway.close();
  await proxy.close();
});

async function told(event: string): Promise<void> {
  await eventually(() => expect(gateway.log.map((line) => line["event"])).toContain(event), 15_000);
}

async function readiness(): Promise<number> {
  return (await fetch(`http://127.0.0.1:${gateway.port}/readyz`)).status;
}

async function untilReadiness(status: number): Promise<void> {
  await eventually(async () => expect(await readiness()).toBe(status), 15_000);
}

test("a ready node has heard its own probe", async () => {
  await untilReadiness(200); // the first probe may be late
  const metrics = await gateway.counters.registry.metrics();
  expect(metrics).toMatch(/^tertulia_feed_round_trip_seconds_count [1-9]/m);
});

test("a silent subscription makes a quiet node not ready, and is replaced", async () => {
  proxy.set("mute", "subscriber"); // nobody says anything: only a probe can notice
  await untilReadiness(503);
  await expect(ClassicClient.attempt(gateway.port, "ana")).rejects.toThrow("503");
  await told("subscription_deaf");
  proxy.set("pass");
  await untilReadiness(200);
  const ana = await ClassicClient.connect(gateway.port, "ana");
  ana.says(4, L("~"), L("heard"));
  await ana.hears(55, L("ana"), L("heard"));
  ana.vanish();
});

test("a node that cannot publish is not ready, and keeps its subscription", async () => {
  await redis.client.call("ACL", "SETUSER", "default", "-publish");
  await untilReadiness(503);
  await redis.client.call("ACL", "SETUSER", "default", "+publish");
  await untilReadiness(200);
  expect(gateway.log.map(({ msg }) => msg)).not.toContain("subscription is deaf, connecting again");
});
