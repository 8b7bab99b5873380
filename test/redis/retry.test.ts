import { expect, onTestFinished, test } from "vitest";
import { Unavailable } from "#tertulia/chat/ports.js";
import { retrying } from "#tertulia/redis/retry.js";
import { startRedis } from "../support/redis.js";

test("the error of a full Redis says that it refuses, not that it is slow", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.close());
  await redis.client.config("SET", "maxmemory", "1");
  const failure = await retrying(5_000, () => redis.client.set("key", "value")).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(Unavailable);
  expect((failure as Error).message).toBe("the store refuses it (OOM)");
});
