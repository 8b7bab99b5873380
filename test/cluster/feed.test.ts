import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { Proxy } from "#verifier/proxy.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type TestNode = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

/** One gateway behind a proxy with a listener on it, one beside it with a speaker. */
async function pair(environment: Record<string, number> = {}): Promise<{
  proxy: Proxy;
  behind: TestNode;
  listener: ClassicClient;
  speaker: ClassicClient;
}> {
  await redis.client.flushall();
  const proxy = await Proxy.to(redis.port);
  open.push(proxy);
  const behind = await node(proxy.url, environment);
  const beside: Node = await node(redis.url, environment);
  open.push(behind, beside);
  const listener = await ClassicClient.connect(behind.port, "listener");
  const speaker = await ClassicClient.connect(beside.port, "speaker");
  await listener.hears(53, L("speaker"), 1);
  await speaker.settles(); // its node may have been late to hear of the listener
  return { proxy, behind, listener, speaker };
}

/** Sends while the fault happens; then everything must have been heard once and in order. */
async function speak(speaker: ClassicClient, count: number, everyMs: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    speaker.says(4, L("~"), L(`m${i}`));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

async function hearsAll(listener: ClassicClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await listener.hears(55, L("speaker"), L(`m${i}`));
  await listener.hearsNothing();
}

test("when the subscription is cut while messages flow, each message is delivered once, in order", async () => {
  const { proxy, behind, listener, speaker } = await pair();
  const speaking = speak(speaker, 400, 2);
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await eventually(() => expect(proxy.cut("subscriber")).toBe(1)); // when it is back
  }
  await speaking;
  await hearsAll(listener, 400);
  expect(await value(behind, "feed_events_filled_total")).toBeGreaterThan(0);
});

test("when Redis kills all subscriptions while messages flow, each message is delivered once, in order", async () => {
  const { listener, speaker } = await pair();
  const speaking = speak(speaker, 300, 2);
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await redis.client.call("CLIENT", "KILL", "TYPE", "pubsub");
  }
  await speaking;
  await hearsAll(listener, 300);
  await hearsAll(speaker, 300);
});

test("the last message before a silence is delivered although the subscription was away", async () => {
  // no beat helps within the time of this test
  const { proxy, listener, speaker } = await pair({ BEAT_MS: 10_000, LEASE_MS: 60_000 });
  for (let i = 0; i < 5; i++) {
    proxy.cut("subscriber");
    speaker.says(4, L("~"), L(`last ${i}`));
    await listener.hears(55, L("speaker"), L(`last ${i}`));
  }
});

test("a gap that could not be filled at once is filled later, without further traffic", async () => {
  const { proxy, behind, listener, speaker } = await pair();
  const hello = await resubscriptions(behind);
  proxy.set("blackhole", "command"); // from where the log would be read
  proxy.cut("subscriber");
  speaker.says(4, L("~"), L("missed"));
  await speaker.awaits(55, L("speaker"), L("missed"));
  await eventually(async () => expect(await resubscriptions(behind)).toBeGreaterThan(hello));
  speaker.says(4, L("~"), L("heard of"));
  await speaker.awaits(55, L("speaker"), L("heard of"));
  await eventually(() =>
    expect(behind.log.map(({ msg }) => msg)).toContain("log could not be read"),
  );
  proxy.set("pass", "command");
  await listener.awaits(55, L("speaker"), L("missed"));
  await listener.hears(55, L("speaker"), L("heard of"));
});

test("a subscription that goes silent without closing is replaced, and each message is delivered once, in order", async () => {
  const { proxy, behind, listener, speaker } = await pair();
  proxy.set("blackhole", "subscriber");
  await speak(speaker, 200, 20);
  for (let i = 0; i < 200; i++) await listener.hears(55, L("speaker"), L(`m${i}`));
  await eventually(() =>
    expect(behind.log.map(({ msg }) => msg)).toContain("subscription is silent, connecting again"),
  );
  proxy.set("pass", "subscriber");
  await eventually(async () =>
    expect(await value(behind, "feed_resubscriptions_total")).toBeGreaterThan(0),
  );
  await listener.hearsNothing();
  speaker.says(4, L("~"), L("after"));
  await listener.hears(55, L("speaker"), L("after"));
});

test("a quiet subscription is left alone", async () => {
  const { behind, listener } = await pair();
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  await listener.hearsNothing();
  expect(await value(behind, "feed_resubscriptions_total")).toBe(0);
  expect(await value(behind, "feed_gaps_filled_total")).toBe(0);
});

test("an event read from the log counts as seen: its loss is reported", async () => {
  const { proxy, behind, listener, speaker } = await pair({ BEAT_MS: 10_000, LEASE_MS: 60_000 });
  const keys = await redis.client.keys("*");
  const values = await Promise.all(keys.map((key) => redis.client.dumpBuffer(key)));
  proxy.set("blackhole", "subscriber");
  speaker.says(4, L("~"), L("lost"));
  await speaker.awaits(55, L("speaker"), L("lost"));
  proxy.cut("subscriber"); // else the connection still holds what it was told
  proxy.set("pass", "subscriber");
  await listener.awaits(55, L("speaker"), L("lost"));
  const restoring = redis.client.multi().flushall();
  for (const [i, key] of keys.entries()) restoring.restore(key, 0, values[i]!);
  await restoring.exec();
  speaker.says(4, L("~"), L("next"));
  await listener.awaits(55, L("speaker"), L("next"));
  const holes = behind.log.filter(({ msg }) => msg === "events are missing from the log");
  expect(holes.map(({ reason }) => reason)).toEqual(["rolled_back"]);
});

test("events that the log no longer has are counted as a hole, and JSON sessions that missed them are closed", async () => {
  const { proxy, behind, listener, speaker } = await pair({ LEASE_MS: 60_000 });
  speaker.says(4, L("~"), L("before"));
  await listener.hears(55, L("speaker"), L("before"));
  proxy.set("blackhole"); // no beat reads the log before it is trimmed
  for (let i = 0; i < 5; i++) {
    speaker.says(4, L("~"), L(`m${i}`)); // one after the other: each is an entry of the log
    await speaker.awaits(55, L("speaker"), L(`m${i}`));
  }
  await redis.client.xtrim(await generalLog(), "MAXLEN", 2);
  proxy.set("blackhole", "subscriber");
  expect(await listener.closed()).toBe(1012);
  expect(await value(behind, 'feed_holes_total{reason="trimmed"}')).toBe(1);
});

async function generalLog(): Promise<string> {
  const [key] = await redis.client.keys("tertulia:*:history:~");
  return key!.replace("history:~", "log");
}

function resubscriptions(behind: TestNode): Promise<number> {
  return value(behind, "feed_resubscriptions_total");
}

async function value({ counters }: TestNode, metric: string): Promise<number> {
  const text = await counters.registry.metrics();
  const line = text.split("\n").find((each) => each.startsWith(`tertulia_${metric} `));
  if (line === undefined) throw new Error(`there is no ${metric}`);
  return Number(line.split(" ").at(-1));
}
