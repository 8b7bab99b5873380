/** Byte clients that have missed what nobody can tell them are closed, and nobody else is. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Keys } from "#tertulia/redis/keys.js";
import { Proxy } from "#verifier/proxy.js";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
const open: { close(): Promise<unknown> }[] = [];
const keys = new Keys("tertulia");

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

async function generalBucket(): Promise<number> {
  const [history] = await redis.client.keys("tertulia:*:history:~");
  return Number(/\d+/.exec(history!)![0]);
}

/** One after the other: each is an entry of the log, because messages that are stored together would be one. */
async function speak(speaker: ClassicClient, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    speaker.says(4, L("~"), L(text));
    await speaker.awaits(55, L("speaker"), L(text));
  }
}

/** Messages of the speaker that a client has heard, in order. */
function heardOf({ heard }: ClassicClient, text = ""): string[] {
  const begin = frame(55, L("speaker"));
  return heard
    .filter((each) => each.subarray(0, begin.length).equals(begin))
    .map((each) => each.subarray(begin.length + 1).toString())
    .filter((each) => each.startsWith(text));
}

test("a byte session with a hole is told nothing more, signed out and closed", async () => {
  await redis.client.flushall();
  const proxy = await Proxy.to(redis.port);
  const behind = await node(proxy.url, { LEASE_MS: 60_000 });
  const beside = await node(redis.url, { LEASE_MS: 60_000 });
  open.push(proxy, behind, beside);
  const classic = await ClassicClient.connect(behind.port, "classic");
  const seed = await ClassicClient.connect(behind.port, "seed", "ws-protocol");
  const nameless = await ClassicClient.connect(behind.port, "", "ws-protocol");
  const speaker = await ClassicClient.connect(beside.port, "speaker");
  await classic.awaits(53, L("speaker"), 1);
  speaker.says(4, L("~"), L("m0"));
  await classic.awaits(55, L("speaker"), L("m0"));
  proxy.set("blackhole"); // no beat reads the log before it is trimmed
  await speak(speaker, ["m1", "m2", "m3", "m4"]);
  await redis.client.xtrim(keys.log(await generalBucket()), "MAXLEN", 2);
  proxy.set("blackhole", "subscriber"); // its connection still holds what it was told
  expect(await classic.closed()).toBe(1012);
  expect(await seed.closed()).toBe(1012);
  expect(heardOf(classic)).toEqual(["m0"]);
  await speaker.awaits(54, L("classic"), 0);
  const metrics = await behind.counters.registry.metrics();
  expect(metrics).toMatch(/^tertulia_let_go_total\{why="hole"\} 2$/m);
  expect(nameless.webSocket.readyState).toBe(1); // it has no view yet
  const back = await ClassicClient.connect(behind.port, "classic");
  speaker.says(4, L("~"), L("m5"));
  await back.awaits(55, L("speaker"), L("m5"));
});

test("a session that heard only events that were rolled back since stays connected", async () => {
  await redis.client.flushall();
  const gateway = await node(redis.url, { LEASE_MS: 60_000 });
  open.push(gateway);
  const classic = await ClassicClient.connect(gateway.port, "classic");
  const speaker = await ClassicClient.connect(gateway.port, "speaker");
  await speak(speaker, ["kept", "taken back"]);
  await classic.awaits(55, L("speaker"), L("taken back"));
  // as a failover to a replica that had not got the last event does
  const bucket = await generalBucket();
  const [[last]] = (await redis.client.xrevrange(keys.log(bucket), "+", "-", "COUNT", 1)) as [
    [string, string[]],
  ];
  const n = Number(last.split("-")[1]);
  await redis.client
    .multi()
    .xdel(keys.log(bucket), last)
    .hset(keys.meta(bucket), { n: n - 1, replid: "another" })
    .exec();
  speaker.says(4, L("~"), L("after"));
  await classic.awaits(55, L("speaker"), L("after"));
  await eventually(async () =>
    expect(await gateway.counters.registry.metrics()).toMatch(
      /^tertulia_feed_holes_total\{reason="rolled_back"\} 1$/m,
    ),
  );
  await classic.settles();
  expect(heardOf(classic)).toEqual(["kept", "taken back", "after"]);
});

test.each([
  ["is up to date if the log has it all", undefined, ["before", "m1", "m2", "m3", "after"]],
  ["is closed if the log has not", 2, ["before"]],
])(
  "a client of a gateway that stood still for longer than its lease %s",
  async (_, kept, expected) => {
    await redis.client.flushall();
    const frozen = await nodeProcess({ REDIS_URL: redis.url });
    const beside = await node(redis.url);
    open.push({ close: () => frozen.close("SIGKILL") }, beside);
    const classic = await ClassicClient.connect(frozen.port, "classic");
    const speaker = await ClassicClient.connect(beside.port, "speaker");
    await classic.awaits(53, L("speaker"), 1);
    speaker.says(4, L("~"), L("before"));
    await classic.awaits(55, L("speaker"), L("before"));
    frozen.child.kill("SIGSTOP");
    // the kernel would keep what the subscription is told: without it, as after 100 s, there is only the log
    await redis.client.call("CLIENT", "KILL", "TYPE", "pubsub");
    await speak(speaker, ["m1", "m2", "m3"]);
    speaker.patienceMs = 20_000;
    await speaker.awaits(54, L("classic"), 0); // its lease is over
    const log = keys.log(await generalBucket());
    if (kept !== undefined) await redis.client.xtrim(log, "MAXLEN", kept);
    frozen.child.kill("SIGCONT");
    if (kept === undefined) {
      await speaker.awaits(54, L("classic"), 1);
      speaker.says(4, L("~"), L("after"));
      await eventually(() => expect(heardOf(classic)).toContain("after"));
    } else expect(await classic.closed()).toBe(1012);
    expect(heardOf(classic)).toEqual(expected);
  },
);
