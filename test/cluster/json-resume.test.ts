import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Keys, bucketOfUser } from "#tertulia/redis/keys.js";
import { Proxy } from "#verifier/proxy.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type TestNode = Awaited<ReturnType<typeof node>>;
type Cursor = [epoch: string, seq: number];

let redis: TestRedis;
let nodes: TestNode[];
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  nodes = await Promise.all(
    [1, 2].map(() => node(redis.url, { HISTORY_KEEP: 5_000, REQUESTS_PER_SECOND: 100_000 })),
  );
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await Promise.all(nodes.map((each) => each.close()));
});

function keep<C extends { vanish(): void }>(client: C): C {
  clients.push(client);
  return client;
}

async function hello(at: number, name: string, more: object = {}): Promise<JsonClient> {
  return keep(await JsonClient.hello(nodes[at]!.port, name, more));
}

/** Speaks in order, and returns the cursor after that. */
async function speak(speaker: JsonClient, from: number, count: number): Promise<Cursor> {
  let ok: Record<string, unknown> = {};
  for (let i = from; i < from + count; i++) {
    ok = await speaker.asks({ type: "publish", text: `m${i}` });
  }
  return [ok["epoch"] as string, ok["seq"] as number];
}

function messages({ heard }: JsonClient): [seq: unknown, text: unknown][] {
  return heard
    .filter(({ type, conv }) => type === "message" && conv === "~")
    .map(({ seq, text }) => [seq, text]);
}

test("on another gateway, missed messages follow the welcome, then live ones", async () => {
  const speaker = await hello(0, "speaker", { key: "s" });
  const cursor = await speak(speaker, 1, 20);
  const enough = new AbortController();
  let said = 20;
  const speaking = (async () => {
    while (!enough.signal.aborted) await speak(speaker, ++said, 1);
  })();
  // many come back in the middle of it, each from another place
  const back = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const client = keep(await JsonClient.connect(nodes[i % 2]!.port));
      client.says({ type: "hello", name: `back-${i}`, resume: { "~": [cursor[0], i] } });
      return client;
    }),
  );
  await eventually(() => expect(said).toBeGreaterThan(60), 20_000).finally(() => enough.abort());
  await speaking;
  for (const [i, client] of back.entries()) {
    await eventually(() => expect(messages(client).at(-1)?.[0]).toBe(said));
    const expected = Array.from({ length: said - i }, (_, k) => [i + k + 1, `m${i + k + 1}`]);
    expect(messages(client)).toEqual(expected);
    expect(client.heard[0]).toMatchObject({
      type: "welcome",
      conversations: [{ conv: "~", after: i, recovered: true }],
    });
    expect(client.heard.map(({ type }) => type)).not.toContain("gap");
  }
});

test("more than 500 missed messages begin with a gap, and history has the rest", async () => {
  const speaker = await hello(0, "speaker");
  const [epoch] = await speak(speaker, 1, 620);
  const back = keep(await JsonClient.connect(nodes[1]!.port));
  back.says({ type: "hello", name: "back", resume: { "~": [epoch, 20] } });
  await back.hears({ type: "welcome" });
  await back.hears({ type: "gap", conv: "~", after: 20, before: 121, reason: "limit" });
  for (let seq = 121; seq <= 620; seq++) await back.hears({ type: "message", seq });
  const page = await back.asks({ type: "history", after: 20, limit: 100 });
  expect(page).toMatchObject({ head: 620, floor: 1, more: true });
  expect((page["messages"] as { seq: number }[]).map(({ seq }) => seq)).toEqual(
    Array.from({ length: 100 }, (_, i) => 21 + i),
  );
});

test("messages that history no longer has are a gap", async () => {
  const speaker = await hello(0, "speaker");
  const [epoch] = await speak(speaker, 1, 30);
  const [key] = await redis.client.keys("*:history:~");
  await redis.client.xtrim(key!, "MINID", "26-0");
  const back = keep(await JsonClient.connect(nodes[1]!.port));
  back.says({ type: "hello", name: "back", resume: { "~": [epoch, 10] } });
  const welcome = await back.hears({ type: "welcome" });
  expect(welcome["conversations"]).toMatchObject([{ after: 25, floor: 26, recovered: false }]);
  await back.hears({ type: "gap", conv: "~", after: 10, before: 26, reason: "trimmed" });
  for (let seq = 26; seq <= 30; seq++) await back.hears({ type: "message", seq });
});

test("a cursor beyond a rollback gets a gap (rolled_back), whatever is stored now", async () => {
  const speaker = await hello(0, "speaker");
  const [epoch] = await speak(speaker, 1, 5);
  for (const cursor of [
    ["other", 3],
    [epoch, 9],
  ] as Cursor[]) {
    const back = keep(await JsonClient.connect(nodes[1]!.port));
    back.says({ type: "hello", name: `back-${cursor[1]}`, resume: { "~": cursor } });
    const welcome = await back.hears({ type: "welcome" });
    expect(welcome["conversations"]).toMatchObject([{ after: 5, recovered: false }]);
    await back.hears({ type: "gap", after: cursor[1], before: 6, reason: "rolled_back" });
  }
});

test("a cursor with an unknown epoch gets a gap (rolled_back), whatever its number", async () => {
  const speaker = await hello(0, "speaker");
  const begin = (): Promise<unknown> => redis.client.call("DEBUG", "CHANGE-REPL-ID");
  const epochs: string[] = [];
  for (const from of [1, 11, 21]) {
    const [epoch] = await speak(speaker, from, 10);
    epochs.push(epoch);
    await begin();
  }
  const besides = (epoch: string, by: number): string =>
    (Number.parseInt(epoch, 36) + by).toString(36);
  const resumed = async (cursor: Cursor): Promise<unknown> => {
    const back = keep(await JsonClient.connect(nodes[1]!.port));
    const name = `back-${cursor.join("-")}`;
    back.says({ type: "hello", name, resume: { "~": cursor } });
    const welcome = await back.hears({ type: "welcome" });
    const [general] = welcome["conversations"] as { recovered: boolean }[];
    if (general!.recovered) return true;
    return (await back.hears({ type: "gap", conv: "~" }))["reason"];
  };
  const [first, second, third] = epochs as [string, string, string];
  // of a message; and of a welcome, which has the epoch of the newest message
  for (const cursor of [
    [first, 5],
    [second, 15],
    [third, 30],
    [second, 5],
    [third, 5],
    [third, 15],
  ]) {
    expect(await resumed(cursor as Cursor), String(cursor)).toBe(true);
  }
  const lost = [
    [besides(third, 1), 25],
    [besides(third, 1), 5],
    [besides(second, -1), 5],
    [besides(second, 1), 15],
    [besides(third, -1), 5],
    [first, 15],
    [third, 31],
  ];
  for (const cursor of lost) {
    expect(await resumed(cursor as Cursor), String(cursor)).toBe("rolled_back");
  }
  await eventually(async () => {
    const said = nodes[1]!.log.filter(({ event }) => event === "resume_rolled_back");
    expect(said).toHaveLength(lost.length);
    const metrics = await nodes[1]!.counters.registry.metrics();
    expect(metrics).toContain(`tertulia_resume_gaps_total{reason="rolled_back"} ${lost.length}\n`);
  });
});

test("a node with a hole closes its JSON clients (4510); they resume and miss nothing", async () => {
  const proxy = await Proxy.to(redis.port);
  const behind = await node(proxy.url, { LEASE_MS: 60_000 });
  try {
    const listener = keep(await JsonClient.hello(behind.port, "listener", { key: "l" }));
    const speaker = await hello(0, "speaker");
    const cursor = await speak(speaker, 1, 1);
    await listener.awaits({ type: "message", seq: 1 });
    proxy.set("blackhole"); // no beat reads the log before it is trimmed
    await speak(speaker, 2, 9);
    const [key] = await redis.client.keys("*:history:~");
    const closed = listener.closed();
    await redis.client.xtrim(key!.replace("history:~", "log"), "MAXLEN", 2);
    proxy.set("blackhole", "subscriber");
    expect(await closed).toBe(4510);
    const back = keep(await JsonClient.connect(nodes[1]!.port));
    back.says({ type: "hello", name: "listener", key: "l", resume: { "~": cursor } });
    await back.hears({ type: "welcome" });
    for (let seq = 2; seq <= 10; seq++) await back.hears({ type: "message", seq });
  } finally {
    proxy.set("pass");
    await behind.close();
    await proxy.close();
  }
});

test("presence is read again after a gap until that succeeds", async () => {
  const proxy = await Proxy.to(redis.port);
  const behind = await node(proxy.url, { LEASE_MS: 60_000 });
  const names = Array.from({ length: 100 }, (_, i) => `user-${i}`) as Name[];
  const bucket = bucketOfUser(names[0]!);
  const [one, other] = names.filter((each) => bucketOfUser(each) === bucket) as [Name, Name];
  const keys = new Keys("tertulia");
  try {
    const speaker = keep(await ClassicClient.connect(nodes[0]!.port, one));
    await speaker.settles();
    proxy.set("blackhole"); // no beat reads the log before it is trimmed
    await hello(0, other);
    for (const status of [2, 1, 2]) speaker.says(3, status);
    await speaker.settles();
    await redis.client.rename(keys.online(bucket), "kept");
    await redis.client.set(keys.online(bucket), "of a wrong type");
    await redis.client.xtrim(keys.log(bucket), "MAXLEN", 1);
    proxy.set("blackhole", "subscriber");
    await eventually(() => {
      const warned = behind.log.some(({ msg }) => msg.startsWith("presence could not be read"));
      expect(warned).toBe(true);
    });
    await redis.client.rename("kept", keys.online(bucket));
    proxy.set("pass");
    const late = keep(await eventually(() => JsonClient.hello(behind.port, "late")));
    await eventually(async () => {
      const { set } = await late.asks({ type: "presence" });
      expect(set).toContainEqual([other, "active"]);
    });
  } finally {
    proxy.set("pass");
    await behind.close();
    await proxy.close();
  }
});

test("a message sent again on other sockets and gateways is stored once and delivered once", async () => {
  const listener = keep(await ClassicClient.connect(nodes[1]!.port, "listener"));
  const devices = await Promise.all([0, 1, 0, 1].map((at) => hello(at, "ana", { key: "k" })));
  await listener.settles();
  const answers = await Promise.all(
    devices.map((device) => device.asks({ type: "publish", mid: "same", text: "once" })),
  );
  const places = answers.map(({ seq, epoch, ts }) => JSON.stringify([seq, epoch, ts]));
  expect(new Set(places).size).toBe(1);
  expect(answers.filter(({ dup }) => dup === true)).toHaveLength(3);
  await listener.awaits(55, L("ana"), L("once"));
  await listener.hearsNothing();
});

test("a slow JSON reader is closed with 4508 if possible, and loses nothing", async () => {
  const small = await node(redis.url, {
    REQUESTS_PER_SECOND: 100_000,
    HISTORY_KEEP: 100_000,
    TEXT_MAX_CHARS: 30_000,
  });
  try {
    const slow = keep(await JsonClient.hello(small.port, "slow", { key: "k" }));
    const speaker = keep(await JsonClient.hello(small.port, "speaker"));
    slow.webSocket.pause();
    const closed = slow.closed();
    let said = 0;
    // asked often: who is cut has two seconds to read all that comes before the close
    const isCut = (): boolean => small.log.some(({ msg }) => msg === "slow reader was cut");
    while (!isCut() && said < 2_000) {
      said += 5;
      for (let i = 0; i < 5; i++) speaker.says({ type: "publish", text: "x".repeat(30_000) });
      await speaker.asks({ type: "ping" });
    }
    expect(isCut()).toBe(true);
    slow.webSocket.resume();
    expect(await closed).toBe(4508);
    const last = messages(slow).length;
    const epoch = slow.heard.findLast(({ type }) => type === "message")!["epoch"] as string;
    const back = keep(await JsonClient.connect(small.port));
    back.says({ type: "hello", name: "slow", key: "k", resume: { "~": [epoch, last] } });
    await eventually(() => expect(messages(back).at(-1)?.[0]).toBe(said), 20_000);
    expect(messages(back).map(([seq]) => seq)).toEqual(
      Array.from({ length: said - last }, (_, i) => last + i + 1),
    );
  } finally {
    await small.close();
  }
}, 60_000);
