/** Whatever is asked while Redis does not answer is refused in time, and is no bug of the gateway. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
  // the lease lasts longer than the test: a name in doubt would wait
  gateway = await node(redis.url, {
    OPERATION_DEADLINE_MS: 1_000,
    REDIS_COMMAND_TIMEOUT_MS: 300,
    LEASE_MS: 60_000,
  });
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

test.each([
  { type: "publish", text: "x" },
  { type: "publish", conv: "@bob", text: "x" },
  { type: "history" },
  { type: "history", conv: "@bob", after: 1 },
  { type: "status", status: "busy" },
  { type: "read", conv: "~", seq: 1 },
  { type: "remove", conv: "~", seq: 1 },
  { type: "typing", conv: "~" },
  { type: "typing", conv: "@bob" },
] as const)("$type $conv", async (request) => {
  const ana = await JsonClient.hello(gateway.port, "ana", { key: "k" });
  const bob = await JsonClient.hello(gateway.port, "bob", { key: "k" });
  const thaw = await redis.freeze();
  try {
    expect(await ana.asks(request)).toMatchObject({ type: "error", code: "unavailable" });
  } finally {
    await thaw();
  }
  expect(await ana.asks({ type: "user", user: "bob" })).toMatchObject({ type: "ok" });
  expect(gateway.log.filter(({ event }) => event === "request_failed")).toEqual([]);
  ana.vanish();
  bob.vanish();
});
