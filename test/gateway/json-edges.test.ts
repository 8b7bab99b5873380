/** Edges of the JSON dialect that were fallen over once. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { Name } from "#tertulia/chat/names.js";
import { bucketOfUser } from "#tertulia/redis/keys.js";
import { Proxy } from "#verifier/proxy.js";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { samplesOf } from "../support/samples.js";

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
    PRIVATE_HISTORY: "name", // clients here show no key; tenure.test.ts has the default
    ...environment,
  });
  running.push(gateway);
  return gateway;
}

/** How often a Redis function was called, or has failed. */
async function calls(
  { counters }: Gateway,
  which: "redisCalls" | "redisErrors",
  name: string,
): Promise<number> {
  const metric = which === "redisCalls" ? "redis_call_seconds" : "redis_call_errors_total";
  const samples = await samplesOf(counters, metric);
  return samples.reduce((sum, { labels, value, metricName = "" }) => {
    const isCount = /_(count|total)$/.test(metricName);
    return labels["function"] === name && isCount ? sum + value : sum;
  }, 0);
}

test("a session whose claim was refused hears nothing that was for the holder", async () => {
  const proxy = await Proxy.to(redis.port);
  const here = await node(proxy.url, { REDIS_PREFIX: "vain", OPERATION_DEADLINE_MS: 60_000 });
  const there = await gatewayOf("vain");
  try {
    const ana = await JsonClient.hello(there.port, "ana");
    const bob = await JsonClient.hello(here.port, "bob");
    const eve = await JsonClient.connect(here.port);
    // this node goes on trying to claim, and hears meanwhile
    proxy.set("blackhole", "command");
    eve.says({ type: "hello", name: "ana" });
    await eventually(async () => {
      expect(await calls(here, "redisErrors", "claim")).toBeGreaterThan(0);
    });
    await ana.asks({ type: "publish", conv: "@bob", text: "a secret" });
    await bob.awaits({ type: "message", text: "a secret" });
    proxy.set("pass");
    await eve.awaits({ type: "error", code: "name_taken" });
    eve.says({ type: "hello", name: "eve" });
    await eve.hears({ type: "welcome" });
    await eve.asks({ type: "ping" });
    expect(JSON.stringify(eve.heard)).not.toContain("a secret");
  } finally {
    proxy.set("pass");
    await here.close();
    await proxy.close();
  }
});

test.each(["hello", "register"])(
  "a name whose %s had no answer, and was claimed again, is kept",
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

test("many long texts are paged and resumed by a reader that keeps up", async () => {
  const gateway = await gatewayOf("long");
  const bob = await JsonClient.hello(gateway.port, "bob");
  const text = "語".repeat(4_096);
  for (let i = 0; i < 200; i++) await bob.asks({ type: "publish", text: `${i} ${text.slice(4)}` });
  // page by page, each next to the number that was given
  const seqs: number[] = [];
  for (let before = 201, more = true; more; before = seqs[0]!) {
    const page = await bob.asks({ type: "history", limit: 200, before });
    const messages = page["messages"] as { seq: number }[];
    expect(messages.length).toBeLessThan(200);
    seqs.unshift(...messages.map(({ seq }) => seq));
    more = page["more"] as boolean;
  }
  expect(seqs).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  const epoch = bob.heard.find(({ type }) => type === "message")!["epoch"];
  const ana = await JsonClient.hello(gateway.port, "ana", { resume: { "~": [epoch, 1] } });
  for (let seq = 2; seq <= 200; seq++) await ana.hears({ type: "message", seq });
});

test("users whose names look alike in JSON have separate conversations", async () => {
  const gateway = await gatewayOf("alike");
  const ana = await JsonClient.hello(gateway.port, "ana");
  const say = async (byte: number, text: string): Promise<void> => {
    const url = `ws://127.0.0.1:${gateway.port}/?name=%${byte.toString(16)}`;
    // refused, until the connection before it is signed out
    const webSocket = await eventually(async () => {
      const opening = new WebSocket(url);
      await once(opening, "open");
      return opening;
    });
    const own = frame(55, L(Buffer.from([byte])), L(text));
    const told = new Promise<void>((resolve) => {
      webSocket.on("message", (heard: Buffer) => {
        if (heard.equals(own)) resolve();
      });
    });
    webSocket.send(frame(4, L("ana"), L(text)));
    await told;
    webSocket.terminate();
  };
  for (let i = 0; i < 3; i++) await say(0xff, `ff ${i}`);
  ana.says({ type: "bye" });
  await ana.closed();
  const back = await eventually(() => JsonClient.hello(gateway.port, "ana"));
  for (let i = 0; i < 3; i++) await back.hears({ type: "message", text: `ff ${i}` });
  await say(0xfe, "fe 0");
  await back.awaits({ type: "message", text: "fe 0" });
});

test("history before the first message is empty", async () => {
  const gateway = await gatewayOf("before");
  const ana = await JsonClient.hello(gateway.port, "ana");
  await ana.asks({ type: "publish", text: "one" });
  for (const before of [0, 1]) {
    expect(await ana.asks({ type: "history", before })).toMatchObject({
      messages: [],
      more: false,
    });
  }
});

test("one mid in two conversations is two messages", async () => {
  const gateway = await gatewayOf("mids");
  const ana = await JsonClient.hello(gateway.port, "ana");
  for (let i = 0; i < 40; i++) {
    const conv = `@user-${i}`;
    const user = await JsonClient.hello(gateway.port, conv.slice(1));
    user.vanish();
    const ok = await ana.asks({ type: "publish", conv, text: conv, mid: "m" });
    expect(ok).toMatchObject({ type: "ok", conv, seq: 1 });
    expect(ok["dup"]).toBeUndefined();
    const { messages } = await ana.asks({ type: "history", conv });
    expect(messages).toMatchObject([{ text: conv }]);
  }
});

test("~ is no user: there is no private conversation with it", async () => {
  const gateway = await gatewayOf("tilde");
  const ana = await JsonClient.hello(gateway.port, "ana");
  for (const type of ["publish", "typing", "history"]) {
    const answer = await ana.asks({ type, conv: "@~", text: "x" });
    expect(answer).toMatchObject({ type: "error", code: "bad_frame" });
  }
});

test("a name that would look like another is refused [abuse:hello-bad-name]", async () => {
  const gateway = await gatewayOf("marks");
  const ana = await JsonClient.connect(gateway.port);
  for (const name of ["a\ufffd", "\ud800", "ana\u200d", "ana\ufe0f", "ana\u034f", "nin\u0303a"]) {
    expect(await ana.asks({ type: "hello", name })).toMatchObject({ code: "bad_name" });
  }
  const joined = await JsonClient.hello(gateway.port, "می‌خواهم 👩‍💻");
  const seen = await joined.asks({ type: "user", user: "می‌خواهم 👩‍💻" });
  expect(seen).toMatchObject({ type: "ok", status: "active" });
  const raw = await JsonClient.connect(gateway.port, "?name=%ff");
  await raw.hears({ type: "error", code: "bad_name" });
});

test("a text of which nothing can be seen is empty [abuse:publish-empty]", async () => {
  const gateway = await gatewayOf("blank");
  const ana = await JsonClient.hello(gateway.port, "ana");
  for (const text of ["", " \n", "\u200b", "\u3164\u2800", "\ufe0f"]) {
    const answer = await ana.asks({ type: "publish", text });
    expect(answer).toMatchObject({ type: "error", code: "empty", retryable: false });
  }
  expect(await ana.asks({ type: "publish", text: " 👩‍💻 " })).toMatchObject({ type: "ok", seq: 1 });
});

test("typing to an impossible name reaches nobody [abuse:typing-bad-name]", async () => {
  const gateway = await gatewayOf("typing");
  const ana = await JsonClient.hello(gateway.port, "ana");
  const short = await JsonClient.hello(gateway.port, "é".repeat(22)); // 44 bytes, as 300 modulo 256
  const answer = await ana.asks({ type: "typing", conv: `@${"é".repeat(150)}` });
  expect(answer).toMatchObject({ type: "error", code: "not_found" });
  await ana.asks({ type: "publish", conv: `@${"é".repeat(22)}`, text: "hi" });
  await short.hears({ type: "message", text: "hi" });
});

test("a private conversation that expired and starts again is unread", async () => {
  const gateway = await gatewayOf("expired");
  const bob = await JsonClient.hello(gateway.port, "bob");
  const ana = await JsonClient.hello(gateway.port, "ana");
  for (let i = 1; i <= 3; i++) await bob.asks({ type: "publish", conv: "@ana", text: `old ${i}` });
  await ana.asks({ type: "read", conv: "@bob", seq: 3 });
  ana.says({ type: "bye" });
  await ana.closed();
  // as after the longest time for which anything is kept
  const keys = await redis.client.keys("expired:*:conversation:*");
  await redis.client.del(...keys, ...keys.map((key) => key.replace("conversation:", "history:")));
  await bob.asks({ type: "publish", conv: "@ana", text: "new" });
  const back = await JsonClient.connect(gateway.port);
  back.says({ type: "hello", name: "ana" });
  const { conversations } = await back.hears({ type: "welcome" });
  expect(conversations).toMatchObject([
    { conv: "~" },
    { conv: "@bob", head: 1, read: 0, unread: 1 },
  ]);
  await back.hears({ type: "message", seq: 1, text: "new" });
});

test("before hello everything but ping and bye is refused as unauthenticated [abuse:frame-before-hello]", async () => {
  const gateway = await gatewayOf("early", { TEXT_MAX_CHARS: 3 });
  const ana = await JsonClient.connect(gateway.port);
  expect(await ana.asks({ type: "ping" })).toMatchObject({ type: "pong" });
  for (const request of [
    { type: "publish", text: "too long" },
    { type: "history", before: 1, after: 1 },
    { type: "presence", off: true },
    { type: "typing", conv: "~" },
    { type: "status", status: "busy" },
    { type: "read", conv: "~", seq: 1 },
    { type: "user", user: "ana" },
  ]) {
    expect(await ana.asks(request)).toMatchObject({ type: "error", code: "unauthenticated" });
  }
  expect(await ana.asks({ type: "bye" })).toMatchObject({ type: "ok" });
});

test("requests after a bye are not carried out: the name may be somebody else's by then [abuse:bye-behind]", async () => {
  const gateway = await gatewayOf("behind");
  const [bob, ana] = await Promise.all([
    JsonClient.hello(gateway.port, "bob"),
    JsonClient.hello(gateway.port, "ana"),
  ]);
  await bob.asks({ type: "publish", conv: "@ana", text: "not read yet" });
  const closed = ana.closed();
  ana.says({ type: "bye" });
  ana.says({ type: "read", conv: "@bob", seq: 1 });
  ana.says({ type: "typing", conv: "@bob" });
  const nobody = await JsonClient.connect(gateway.port);
  nobody.says({ type: "bye" });
  nobody.says({ type: "hello", name: "nobody" });
  expect(await closed).toBe(1000);
  // all that was asked is done, or will not be
  await eventually(async () => {
    const { values } = await gateway.counters.connections.get();
    expect(values.reduce((sum, { value }) => sum + value, 0)).toBe(1);
  });
  expect(await bob.asks({ type: "user", user: "nobody" })).toMatchObject({ code: "not_found" });
  expect(bob.heard.filter(({ type }) => type === "typing")).toEqual([]);
  const next = await JsonClient.connect(gateway.port, "?name=ana");
  const welcome = await next.hears({ type: "welcome" });
  expect(welcome["conversations"]).toMatchObject([{}, { conv: "@bob", read: 0, unread: 1 }]);
});

test("requests before a close frame are answered before it, whatever its code", async () => {
  const gateway = await gatewayOf("before");
  for (const code of [1000, 1001]) {
    const ana = await JsonClient.hello(gateway.port, `ana ${code}`);
    const closed = ana.closed();
    ana.says({ type: "publish", text: "bye", id: 1 });
    ana.webSocket.close(code);
    expect(await closed).toBe(code);
    expect(ana.heard).toContainEqual(expect.objectContaining({ type: "ok", id: 1 }));
  }
});

test("of thousands of cursors in a hello those of listed conversations are answered, and the first 256 others", async () => {
  const gateway = await gatewayOf("cursors");
  const bob = await JsonClient.hello(gateway.port, "bob");
  await bob.asks({ type: "publish", conv: "@bob", text: "a note" });
  const names = Array.from({ length: 3_000 }, (_, i) => `@${i.toString(36)}`);
  const resume = Object.fromEntries([...names, "@bob"].map((conv) => [conv, ["0", 0]]));
  bob.says({ type: "bye" });
  await bob.closed();
  const back = await JsonClient.connect(gateway.port);
  back.says({ type: "hello", name: "bob", resume });
  const { conversations } = (await back.hears({ type: "welcome" })) as never as {
    conversations: { conv: string; head: number; after: number }[];
  };
  expect(conversations.map(({ conv }) => conv)).toEqual(["~", "@bob", ...names.slice(0, 256)]);
  expect(conversations[1]).toMatchObject({ head: 1, after: 0 });
  await back.hears({ type: "message", conv: "@bob", text: "a note" });
});

test("pings count against the rate limit, also before hello [abuse:ping-often]", async () => {
  const gateway = await gatewayOf("pings", { REQUESTS_PER_SECOND: 1 });
  const ana = await JsonClient.connect(gateway.port);
  for (let id = 0; id < 20; id++) ana.says({ type: "ping", id });
  await ana.hears({ type: "pong", id: 0 });
  const refused = await ana.awaits({ type: "error", code: "rate_limited" });
  expect(refused).toMatchObject({ id: expect.any(Number), retryAfterMs: expect.any(Number) });
});

test("bad frames count against the rate limit, and are refused before they are parsed [abuse:frame-rate]", async () => {
  const gateway = await gatewayOf("rate", { REQUESTS_PER_SECOND: 5 });
  const ana = await JsonClient.connect(gateway.port);
  for (let i = 0; i < 40; i++) ana.says({ type: "hello", id: i });
  await ana.hears({ type: "error", id: 0, code: "bad_frame" });
  const refused = await ana.awaits({ type: "error", code: "rate_limited" });
  expect(refused).toMatchObject({ id: expect.any(Number), retryAfterMs: expect.any(Number) });
});
