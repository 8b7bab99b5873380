/** Accounts on a Redis that is late, whose answers are lost, or that has damaged values. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Unavailable } from "#tertulia/chat/ports.js";
import { observe } from "#tertulia/observe.js";
import { RedisAccountStore } from "#tertulia/redis/account-store.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { Keys } from "#tertulia/redis/keys.js";
import { ERROR_TEXTS } from "#tertulia/redis/library-internals.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const source = await readFunctionSource();
const keys = new Keys("t");
const ana = "ana" as Name;
const [AT_ONCE, EVERY_MS] = [8, 30_000];
let redis: TestRedis;
let library: FunctionLibrary;
let store: RedisAccountStore;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  library = new FunctionLibrary(redis.client, source, observe("silent", "test"));
  const writer = { library, replication: undefined };
  store = new RedisAccountStore(library, writer, keys, { deadlineMs: 5_000, loginIdleMs: 60_000 });
  await store.create(ana, { hash: "hash", version: "v1", share: "share" });
});

/** The answers of the next two calls come too late: Redis carries them out all the same. */
function answersLateTwice(): void {
  const call = library.call.bind(library);
  let calls = 0;
  library.call = async (...args) => {
    await call(...args);
    if (++calls === 2) library.call = call;
    throw new Error(ERROR_TEXTS.commandTimedOut);
  };
}

/** How many attempts are allowed now. */
async function attemptsLeft(): Promise<number> {
  for (let left = 0; ; left++)
    if ((await store.attempt(ana, "network")).outcome === "wait") return left;
}

test("an attempt whose answer is late counts once, and is not made again", async () => {
  answersLateTwice();
  // two of them, two attempts
  await expect(store.attempt(ana, "network")).rejects.toThrow(Unavailable);
  await expect(store.attempt(ana, "network")).rejects.toThrow(Unavailable);
  expect(await attemptsLeft()).toBe(AT_ONCE - 2);
});

test("a login session whose answer is late ends one other session, not two", async () => {
  for (let i = 0; i < 32; i++) await store.beginLogin(ana, "v1", `d${i}`, "");
  answersLateTwice();
  expect(await store.beginLogin(ana, "v1", "new", "")).toBe(true);
  expect(await store.logins(ana)).toHaveLength(32);
});

test("accounts are not asked for while Redis does not keep up", async () => {
  for (let i = 0; i < 64; i++) {
    const late = (): Promise<never> => Promise.reject(new Error(ERROR_TEXTS.commandTimedOut));
    await library.attempts.once(late).catch(() => {});
  }
  const calls: Promise<unknown>[] = [
    store.attempt(ana, "network"),
    store.forgive(ana, "network"),
    store.revokedAtMs(ana),
    store.logins(ana),
  ];
  for (const { status } of await Promise.allSettled(calls)) expect(status).toBe("rejected");
});

test.each(["140737488355327", "9".repeat(20), "1e308", "inf", "nan", "-1", "no number"])(
  "attempts of which %s is kept are there again in time, as ever",
  async (kept) => {
    await store.attempt(ana, "network");
    const [key] = await redis.client.keys("*attempts*");
    await redis.client.set(key!, kept);
    await store.attempt(ana, "network");
    const leftMs = await redis.client.pttl(key!);
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(AT_ONCE * EVERY_MS);
    const [seconds] = await redis.client.time();
    const fullInMs = Number(await redis.client.get(key!)) - Number(seconds) * 1_000;
    expect(fullInMs).toBeGreaterThan(0);
    expect(fullInMs).toBeLessThanOrEqual(AT_ONCE * EVERY_MS + 1_000);
  },
);
