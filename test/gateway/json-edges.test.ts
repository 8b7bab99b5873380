/** Edges of the JSON dialect that were fallen over once. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/model.js";
import { Keys, bucketOfUser } from "#tertulia/redis/keys.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type Gateway = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
const running: Gateway[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.close()));
});

async function gatewayOf(
  prefix: string,
  environment: Record<string, string | number> = {},
): Promise<Gateway> {
  const gateway = await node(redis.url, {
    REDIS_PREFIX: prefix,
    REQUESTS_PER_SECOND: 100_000,
    ...environment,
  });
  running.push(gateway);
  return gateway;
}

/** How often a function of the ledger was called, or has failed. */
async function calls(
  { counters }: Gateway,
  which: "redisCalls" | "redisErrors",
  name: string,
): Promise<number> {
  const { values } = await counters[which].get();
  return values.reduce((sum, { labels, value, ...each }) => {
    const isCount = !("metricName" in each) || String(each.metricName).endsWith("_count");
    return labels["function"] === name && isCount ? sum + value : sum;
  }, 0);
}

test("who asks for a name in vain hears nothing that was told to its owner meanwhile", async () => {
  const [here, there] = [await gatewayOf("vain"), await gatewayOf("vain")];
  const ana = await JsonClient.hello(there.port, "ana");
  const bob = await JsonClient.hello(there.port, "bob");
  const eve = await JsonClient.connect(here.port);
  // until its next beat this node may claim nothing, and goes on trying
  const nodes = new Keys("vain").nodes(bucketOfUser("ana" as Name));
  await redis.client.hdel(nodes, here.incarnation);
  eve.says({ type: "hello", name: "ana" });
  await eventually(async () => {
    expect(await calls(here, "redisErrors", "claim")).toBeGreaterThan(0);
  });
  await bob.asks({ type: "publish", conv: "@ana", text: "a secret" });
  await ana.awaits({ type: "message", text: "a secret" });
  await eve.hears({ type: "error", code: "name_taken" });
  eve.says({ type: "hello", name: "eve" });
  await eve.hears({ type: "welcome" });
  await eve.asks({ type: "ping" });
  expect(JSON.stringify(eve.heard)).not.toContain("a secret");
});

test.each(["hello", "register"])(
  "a name whose %s had no answer, and was asked for again, is kept",
  async (how) => {
    const prefix = `again-${how}`;
    const gateway = await gatewayOf(prefix, { PRESENCE_LINGER_MS: 200 });
    const bob = await JsonClient.hello(gateway.port, "bob");
    const left = `${prefix}:{${String(bucketOfUser("ana" as Name)).padStart(2, "0")}}:left`;
    await redis.client.set(left, "of a wrong type");
    if (how === "hello") {
      const ana = await JsonClient.connect(gateway.port);
      ana.says({ type: "hello", name: "ana" });
      await ana.hears({ type: "error", code: "unavailable" });
      await redis.client.del(left);
      ana.says({ type: "hello", name: "ana" });
      await ana.hears({ type: "welcome" });
    } else {
      const ana = await ClassicClient.connect(gateway.port, "", "ws-protocol");
      ana.says(10, L("ana"));
      await ana.hears(50, 6);
      await redis.client.del(left);
      ana.says(10, L("ana"));
      await ana.hears(53, L("ana"), 1);
    }
    const failed = await calls(gateway, "redisErrors", "leave");
    await eventually(async () => {
      expect(await calls(gateway, "redisCalls", "leave")).toBeGreaterThan(failed);
    });
    expect(await bob.asks({ type: "user", user: "ana" })).toMatchObject({ status: "active" });
  },
);
