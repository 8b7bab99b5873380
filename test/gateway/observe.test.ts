import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

test("the log tells what happened in constant sentences, and never what was said", async () => {
  const gateway = await node(redis.url);
  const ana = await ClassicClient.connect(gateway.port, "ana");
  await expect(ClassicClient.connect(gateway.port, "ana")).rejects.toThrow("400");
  ana.says(4, L("~"), L("a secret"));
  await ana.hears(55, L("ana"), L("a secret"));
  ana.says(4, L("nobody"), L("a secret"));
  await ana.hears(50, 1);
  ana.says(99, L("a secret"));
  ana.says(3, L("ana"), 2);
  await ana.hears(54, L("ana"), 2);
  await ana.close();
  await gateway.close();
  const told = new Map(gateway.log.map((line) => [line.msg, line]));
  expect([...told.keys()]).toEqual(
    expect.arrayContaining([
      "joined the cluster",
      "began to lead",
      "node is ready",
      "user registered",
      "client connected",
      "connection was refused",
      "command was refused",
      "frame was ignored",
      "status changed",
      "client disconnected",
      "node is stopping",
      "node has stopped",
    ]),
  );
  expect(told.get("command was refused")).toMatchObject({ reason: "unknown_user" });
  // the first of them: the last may be its sign-out
  const changed = gateway.log.find(({ msg }) => msg === "status changed");
  expect(changed).toMatchObject({ status: "busy", cause: "asked" });
  expect(JSON.stringify(gateway.log)).not.toContain("secret");
});

test("metrics are served on HOST, and on no other address", async () => {
  const port = await freePort();
  const gateway = await node(redis.url, { METRICS_PORT: port, REDIS_PREFIX: "host" });
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(200);
  await expect(fetch(`http://127.0.0.2:${port}/metrics`)).rejects.toThrow();
  await gateway.close();
});

test("metrics are served on a port of their own", async () => {
  const port = await freePort();
  const gateway = await node(redis.url, { METRICS_PORT: port, REDIS_PREFIX: "metrics" });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  ana.says(4, L("~"), L("x"));
  await ana.hears(55, L("ana"), L("x"));
  // the message may be faster than the store's answer, which is what is counted
  await eventually(async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(text).toContain('tertulia_connections{dialect="classic"} 1');
    expect(text).toContain("tertulia_deliveries_total 1");
    expect(text).toContain('tertulia_messages_total{conversation="general"} 1');
    expect(text).toContain("tertulia_delivery_seconds_count 1");
    expect(text).toContain('tertulia_redis_call_seconds_count{function="append"} 1');
    expect(text).toContain("tertulia_ready 1");
    expect(text).toContain("tertulia_feed_lag_events 0");
  });
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
  ana.vanish();
  await gateway.close();
});
