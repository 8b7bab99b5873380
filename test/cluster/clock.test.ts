import { expect, test } from "vitest";
import { RedisClock } from "#tertulia/cluster/clock.js";
import { JsonClient } from "../support/json-client.js";
import { nodeProcess } from "../support/nodes.js";
import { startRedis } from "../support/redis.js";

const HOUR_MS = 3_600_000;

test.each([HOUR_MS, -HOUR_MS])(
  "a gateway whose clock is off by %i ms says pong by Redis' clock",
  async (offMs) => {
    const redis = await startRedis();
    const wrong = `const now = Date.now; Date.now = () => now() + ${offMs};`;
    const options = `--import=data:text/javascript,${encodeURIComponent(wrong)}`;
    const gateway = await nodeProcess({ REDIS_URL: redis.url, NODE_OPTIONS: options });
    try {
      const ana = await JsonClient.hello(gateway.port, "ana");
      const times: number[] = [];
      const asked = performance.now();
      for (const type of ["publish", "ping", "publish"]) {
        times.push((await ana.asks({ type, text: "x" }))["ts"] as number);
      }
      const tookMs = performance.now() - asked;
      expect(times[1]! - times[0]!).toBeGreaterThan(-tookMs - 1_000);
      expect(times[2]! - times[1]!).toBeGreaterThan(-tookMs - 1_000);
      const later = await ana.asks({ type: "ping" });
      expect(later["ts"]).toBeGreaterThanOrEqual(times[1]!);
      await ana.asks({ type: "bye" });
    } finally {
      await gateway.close();
      await redis.close();
    }
  },
);

test("the node's copy of Redis' clock is corrected by heartbeats and never goes back", () => {
  let steady = 1_000;
  const clock = new RedisClock(() => steady);
  expect(() => clock.nowMs).toThrow();
  clock.hear(50_000, 990, 1_009); // asked at 990: at 1,000 it is 50,000 or a little later
  expect(clock.nowMs).toBe(50_001);
  steady = 1_500;
  expect(clock.nowMs).toBe(50_501);
  clock.hear(50_900, 1_490, 2_490); // as good as the one before: nothing is known better
  expect(clock.nowMs).toBe(50_501);
  clock.hear(50_510, 1_498, 1_500); // ahead of us
  expect(clock.nowMs).toBe(50_510);
  steady = 2_000;
  clock.hear(48_000, 1_998, 2_000); // set back
  expect(clock.nowMs).toBe(50_510);
  steady = 5_000;
  expect(clock.nowMs).toBe(51_003);
});
