import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LogRateLimiter } from "#tertulia/log-rate-limiter.js";
import { observe } from "#tertulia/observe.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node, type LogLine } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

test("the log has constant sentences, and no texts of messages", async () => {
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

/** What happens to names in each dialect; returns the events of the log, without what differs each time. */
async function story(prefix: string, environment: Record<string, string> = {}): Promise<LogLine[]> {
  const gateway = await node(redis.url, { REDIS_PREFIX: prefix, ...environment });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  await expect(ClassicClient.attempt(gateway.port, "ana")).rejects.toThrow("400");
  const eva = await JsonClient.connect(gateway.port);
  await eva.asks({ type: "hello", name: "e\u200dva" });
  await eva.asks({ type: "hello", name: "ana" });
  await eva.asks({ type: "hello", name: "eva", key: "a-secret-key", client: "robot 1\u202e" });
  await eva.asks({ type: "publish", conv: "@ana", text: "a secret" });
  await ana.awaits(55, L("eva"), L("a secret"));
  ana.says(4, L("~"), L("a secret"));
  await eva.awaits({ type: "message", conv: "~" });
  await eva.asks({ type: "publish", conv: "@nobody", text: "a secret" });
  await eva.asks({ type: "status", status: "busy" });
  eva.says({ type: "nonsense", text: "a secret" });
  await eva.awaits({ type: "error", code: "unknown_type" });
  await eva.asks({ type: "bye" });
  const bytes = await ClassicClient.connect(gateway.port, "", "ws-protocol");
  bytes.says(10, L(Buffer.from([0x66, 0xff, 0x5c])));
  await bytes.arrives();
  await bytes.close();
  ana.vanish();
  await eventually(() => {
    const gone = gateway.log.filter(
      ({ msg, level }) => msg === "client disconnected" && level === 30,
    );
    expect(gone).toHaveLength(3);
    expect(gateway.log.map(({ event, command }) => [event, command])).toContainEqual([
      "message",
      undefined,
    ]);
  });
  await gateway.close();
  expect(JSON.stringify(gateway.log)).not.toContain("secret");
  return gateway.log.filter(({ event }) => event !== undefined);
}

test("the log says who connected how, what failed and why, and who left why", async () => {
  const log = await story("names");
  const told = (event: string, ...fields: string[]): unknown[] =>
    log.filter((line) => line["event"] === event).map((line) => fields.map((field) => line[field]));
  expect(told("connected", "level", "user", "dialect", "outcome", "client", "address")).toEqual([
    [30, "ana", "classic", "new", undefined, "127.0.0.1"],
    [30, "eva", "json", "new", String.raw`robot 1\u{202e}`, "127.0.0.1"],
    [30, String.raw`f\xff\\`, "ws-protocol", "new", undefined, "127.0.0.1"],
  ]);
  expect(told("refused", "level", "user", "dialect", "reason", "address")).toEqual([
    [30, "ana", "classic", "this name is taken", "127.0.0.1"],
  ]);
  expect(told("command_refused", "level", "user", "command", "reason")).toEqual([
    [30, String.raw`e\u{200d}va`, "hello", "bad_name"],
    [30, "ana", "hello", "name_taken"],
    [30, "eva", "send", "unknown_user"],
  ]);
  expect(told("ignored", "level", "user", "why")).toEqual([[30, "eva", "unknown_type"]]);
  const busy = [30, "eva", "busy", "asked"];
  expect(told("status", "level", "user", "status", "cause")).toContainEqual(busy);
  expect(told("message", "level", "from", "to", "seq", "bytes", "repeated")).toEqual([
    [20, "eva", "ana", 1, 8, false],
    [20, "ana", "~", 1, 8, false],
  ]);
  expect(
    new Set(
      told("disconnected", "level", "user", "code", "why")
        .map(String)
        .filter((each) => each.startsWith("30")),
    ),
  ).toEqual(
    new Set([
      "30,eva,1000,bye",
      String.raw`30,f\xff\\,1005,closed by the client`,
      "30,ana,1006,connection was lost",
    ]),
  );
});

const hasIpv6 = Object.values(networkInterfaces()).some((each) =>
  each?.some(({ address }) => address === "::1"),
);

test.skipIf(!hasIpv6)(
  "an IPv4 client of a dual-stack gateway is logged with its IPv4 address",
  async () => {
    const gateway = await node(redis.url, { REDIS_PREFIX: "both", HOST: "::" });
    const ana = await ClassicClient.connect(gateway.port, "ana");
    await expect(ClassicClient.attempt(gateway.port, "ana")).rejects.toThrow("400");
    await ana.close();
    await gateway.close();
    const told = gateway.log.filter(({ event }) => event === "connected" || event === "refused");
    expect(told.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.1"]);
  },
);

test("names are hashed with a key, or omitted, and addresses with them", async () => {
  const hashed = { LOG_NAMES: "hash", LOG_NAMES_KEY: "the same on all nodes" };
  const [first, second] = [await story("hash-1", hashed), await story("hash-2", hashed)];
  const others = await story("hash-3", { LOG_NAMES: "hash" });
  const omitted = await story("omit", { LOG_NAMES: "omit" });
  const users = (log: LogLine[]): unknown[] =>
    log.filter(({ event }) => event === "connected").map(({ user }) => user);
  expect(users(first)).toEqual(users(second));
  expect(users(first)).toEqual(Array(3).fill(expect.stringMatching(/^[\w-]{12}$/)));
  expect(new Set([...users(first), ...users(others)]).size).toBe(6);
  expect(users(omitted)).toEqual([undefined, undefined, undefined]);
  for (const log of [first, others, omitted]) {
    expect(JSON.stringify(log)).not.toMatch(/"(?:ana|eva|e\\\\u\{200d\}va|nobody)"|127\.0\.0\.1/);
  }
});

test("a flood of failures leaves a bounded log, with a count of the lines left out", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "flood", REQUESTS_PER_SECOND: 100_000 });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const began = performance.now();
  for (let n = 0; n < 5_000; n++) ana.says(99, n % 256);
  ana.says(4, L("~"), L("end"));
  await ana.awaits(55, L("ana"), L("end"));
  const said = (msg: string): LogLine[] => gateway.log.filter((line) => line.msg === msg);
  const lines = said("frame was ignored").length;
  const leftOut = (): number =>
    said("lines were left out of the log").reduce((sum, line) => sum + Number(line["lines"]), 0);
  await eventually(() => expect(lines + leftOut()).toBe(5_000));
  const seconds = (performance.now() - began) / 1_000;
  expect(lines).toBeGreaterThanOrEqual(100);
  expect(lines).toBeLessThanOrEqual(100 + 10 * seconds);
  expect(said("lines were left out of the log").at(-1)).toMatchObject({
    level: 40,
    sentence: "frame was ignored",
  });
  ana.vanish();
  await gateway.close();
});

test("of what single clients do wrong the log has a sample, and of the rest more", () => {
  const events: string[] = [];
  const { log } = observe("info", "test", {
    write: (line) => void events.push((JSON.parse(line) as { event: string }).event),
  });
  for (let i = 0; i < 500; i++) {
    log.info({ event: "ignored" }, "frame was ignored");
    log.info({ event: "status" }, "status changed");
  }
  const count = (event: string): number => events.filter((each) => each === event).length;
  expect(count("status")).toBe(500);
  expect(count("ignored")).toBeGreaterThanOrEqual(100);
  expect(count("ignored")).toBeLessThan(400);
});

test("the log's limit is per sentence: a burst, then so many a second", () => {
  let nowMs = 0;
  const limiter = new LogRateLimiter(
    { burst: 3, perSecond: 10, reportAfterMs: 60_000 },
    () => {},
    () => nowMs,
  );
  const passed = (sentence: string): number =>
    Array.from({ length: 10 }, () => limiter.allows(sentence)).filter(Boolean).length;
  expect([passed("a"), passed("a"), passed("b")]).toEqual([3, 0, 3]);
  nowMs += 200;
  expect(passed("a")).toBe(2);
  nowMs += 60_000;
  expect(passed("a")).toBe(3);
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
