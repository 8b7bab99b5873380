/** Private messages of a name are shown to whose it was when they were written, and not to who takes it next. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const KEY = "anas-own-secret-key";
const SETTINGS = { PRESENCE_LINGER_MS: 100, REQUESTS_PER_SECOND: 1_000 };

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateway = await node(redis.url, SETTINGS);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await gateway.close();
});

function kept<C extends { vanish(): void }>(client: C): C {
  clients.push(client);
  return client;
}

async function json(name: string, more: object = {}, port = gateway.port): Promise<JsonClient> {
  return kept(await JsonClient.hello(port, name, more));
}

async function classic(name: string, port = gateway.port): Promise<ClassicClient> {
  return kept(await ClassicClient.connect(port, name));
}

interface Welcomed {
  readonly conv: string;
  readonly [field: string]: unknown;
}

function conversationsOf(client: JsonClient): Welcomed[] {
  return client.heard[0]!["conversations"] as Welcomed[];
}

/** Ana and bob, of whom neither shows a key, say something to each other and leave. */
async function secret(port = gateway.port): Promise<void> {
  const ana = await json("ana", {}, port);
  const bob = await classic("bob", port);
  const said = await ana.asks({ type: "publish", conv: "@bob", text: "a secret" });
  expect(said).toMatchObject({ type: "ok", seq: 1 });
  bob.says(4, L("ana"), L("what a secret"));
  await bob.awaits(55, L("bob"), L("what a secret"));
  await ana.awaits({ type: "message", seq: 2 });
  expect(await ana.asks({ type: "read", conv: "@bob", seq: 2 })).toMatchObject({ read: 2 });
  await ana.asks({ type: "bye" });
  bob.says(3, 0);
  await bob.closed();
}

/** Somebody says three things to everybody, and a client reads them. */
async function readGeneral(reader: JsonClient): Promise<void> {
  const eva = await json("eva");
  for (const text of ["1", "2", "3"]) await eva.asks({ type: "publish", text });
  expect(await reader.asks({ type: "read", conv: "~", seq: 3 })).toMatchObject({ read: 3 });
}

describe("who takes a name that somebody had without a key", () => {
  test("is shown nothing of it in bytes, nor in JSON", async () => {
    await secret();
    const bob = await classic("bob");
    bob.says(5, L("ana"));
    await bob.hears(56, 0);
    const ana = await json("ana");
    expect(conversationsOf(ana).map(({ conv }) => conv)).toEqual(["~"]);
    for (const asked of [{}, { before: 3 }, { after: 0 }, { after: 1 }, { limit: 200 }]) {
      const page = await ana.asks({ type: "history", conv: "@bob", ...asked });
      expect(page).toMatchObject({ type: "ok", messages: [], more: false });
    }
    expect(JSON.stringify(ana.heard)).not.toContain("secret");
  });

  test("is shown nothing by guessed cursors, in a welcome or behind it", async () => {
    await secret();
    const { epoch } = await (await json("eva")).asks({ type: "history", conv: "~" });
    const guesses = ["0", epoch, "zzzzz"].flatMap((of) => [0, 1, 2, 3].map((seq) => [of, seq]));
    for (const guess of guesses) {
      const ana = await json("ana", { resume: { "@bob": guess } });
      const [, its] = conversationsOf(ana);
      expect(its).toMatchObject({ conv: "@bob", unread: 0 });
      expect(its).not.toHaveProperty("ts");
      await ana.asks({ type: "ping" });
      expect(JSON.stringify(ana.heard)).not.toContain("secret");
      expect(ana.heard.filter(({ type }) => type === "message")).toEqual([]);
      await ana.asks({ type: "bye" });
    }
  });

  test("is told nothing of what was read, and sees what is written from then on", async () => {
    await secret();
    const ana = await json("ana");
    expect(await ana.asks({ type: "read", conv: "@bob", seq: 1 })).toMatchObject({
      read: 2,
      unread: 0,
    });
    const bob = await classic("bob");
    bob.says(4, L("ana"), L("who are you?"));
    await ana.awaits({ type: "message", conv: "@bob", seq: 3, text: "who are you?" });
    const page = await ana.asks({ type: "history", conv: "@bob" });
    expect(page).toMatchObject({ messages: [{ seq: 3 }], head: 3, floor: 3, more: false });
    await bob.awaits(55, L("bob"), L("who are you?"));
    bob.says(5, L("ana"));
    await bob.hears(56, 1, L("bob"), L("who are you?"));
    const { key } = ana.heard[0]!;
    const second = await json("ana", { key });
    expect(conversationsOf(second)).toMatchObject([
      { conv: "~" },
      { conv: "@bob", head: 3, floor: 3, read: 2, unread: 1, after: 2 },
    ]);
  });

  test("is not told how far the general chat was read, and reads it from its beginning", async () => {
    const first = await json("ana");
    await readGeneral(first);
    await first.asks({ type: "bye" });
    const ana = await json("ana");
    expect(conversationsOf(ana)).toMatchObject([{ conv: "~", head: 3, read: 0, unread: 3 }]);
    const read = await ana.asks({ type: "read", conv: "~", seq: 1 });
    expect(read).toMatchObject({ read: 1, unread: 2 });
    const second = await json("ana", { key: ana.heard[0]!["key"] });
    expect(conversationsOf(second)).toMatchObject([{ conv: "~", read: 1, unread: 2 }]);
  });

  test("is shown notes to oneself from then on only", async () => {
    const first = await classic("ana");
    first.says(4, L("ana"), L("my note"));
    await first.awaits(55, L("ana"), L("my note"));
    first.says(3, 0);
    await first.closed();
    const next = await classic("ana");
    next.says(5, L("ana"));
    await next.hears(56, 0);
  });

  test("sees everything with PRIVATE_HISTORY=name, as ever", async () => {
    const trusting = await node(redis.url, { ...SETTINGS, PRIVATE_HISTORY: "name" });
    try {
      const reader = await json("ana", {}, trusting.port);
      await readGeneral(reader);
      await reader.asks({ type: "bye" });
      await secret(trusting.port);
      const bob = await classic("bob", trusting.port);
      bob.says(5, L("ana"));
      await bob.hears(56, 2, L("ana"), L("a secret"), L("bob"), L("what a secret"));
      const ana = await json("ana", {}, trusting.port);
      expect(conversationsOf(ana)).toMatchObject([
        { conv: "~", head: 3, read: 3, unread: 0 },
        { conv: "@bob", head: 2, read: 2, unread: 0 },
      ]);
    } finally {
      await trusting.close();
    }
  });
});

describe("the same owner is shown what was written before", () => {
  test("with the key, on another device and another node, and after all have left", async () => {
    const other = await node(redis.url, SETTINGS);
    try {
      const ana = await json("ana", { key: KEY });
      const bob = await classic("bob");
      bob.says(4, L("ana"), L("hello"));
      await ana.awaits({ type: "message", conv: "@bob", text: "hello" });
      const second = await json("ana", { key: KEY }, other.port);
      const wanted = { messages: [{ text: "hello" }] };
      expect(await second.asks({ type: "history", conv: "@bob" })).toMatchObject(wanted);
      await readGeneral(second);
      for (const device of [ana, second]) await device.asks({ type: "bye" });
      const later = await json("ana", { key: KEY });
      expect(conversationsOf(later)).toMatchObject([
        { conv: "~", head: 3, read: 3, unread: 0 },
        { conv: "@bob", head: 1, floor: 1 },
      ]);
      expect(await later.asks({ type: "history", conv: "@bob" })).toMatchObject(wanted);
    } finally {
      await other.close();
    }
  });

  test("within the time in which a lost connection keeps the name", async () => {
    const patient = await node(redis.url, { ...SETTINGS, PRESENCE_LINGER_MS: 20_000 });
    try {
      const ana = await json("ana", {}, patient.port);
      await ana.asks({ type: "publish", conv: "@ana", text: "a note" });
      const { key } = ana.heard[0]!;
      ana.vanish();
      const back = await json("ana", { key }, patient.port);
      const page = await back.asks({ type: "history", conv: "@ana" });
      expect(page).toMatchObject({ messages: [{ text: "a note" }] });
    } finally {
      await patient.close();
    }
  });

  test("with a key for which the name is not kept, if nobody else had the name meanwhile", async () => {
    const own = { key: KEY, keep: false };
    const ana = await json("ana", own);
    await ana.asks({ type: "publish", conv: "@ana", text: "a note" });
    await ana.asks({ type: "bye" });
    const back = await json("ana", own);
    const page = await back.asks({ type: "history", conv: "@ana" });
    expect(page).toMatchObject({ messages: [{ text: "a note" }] });
    await back.asks({ type: "bye" });
    const other = await classic("ana");
    other.says(3, 0);
    await other.closed();
    const stranger = await json("ana", own);
    expect(await stranger.asks({ type: "history", conv: "@ana" })).toMatchObject({ messages: [] });
  });
});

describe("a message to a user who is away", () => {
  const mail = { type: "publish", conv: "@bob", text: "read me" };

  test("waits if it is known whose name that is", async () => {
    const bob = await json("bob", { key: KEY });
    await bob.asks({ type: "bye" });
    const ana = await json("ana");
    expect(await ana.asks(mail)).toMatchObject({ type: "ok", seq: 1 });
    const back = await json("bob", { key: KEY });
    await back.awaits({ type: "message", conv: "@ana", text: "read me" });
  });

  test("is refused if not: nobody would read it [abuse:publish-away]", async () => {
    const bob = await classic("bob");
    bob.says(3, 0);
    await bob.closed();
    const ana = await json("ana");
    await eventually(async () => {
      expect(await ana.asks(mail)).toMatchObject({ code: "away", retryable: false });
    });
    const history = await ana.asks({ type: "history", conv: "@bob" });
    expect(history).toMatchObject({ messages: [], head: 0 });
  });
});

test("in a long conversation the first message that is shown is found, wherever it is", async () => {
  const ana = await json("ana", { key: KEY });
  const say = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await ana.asks({ type: "publish", conv: "@bob", text: `${i}` });
    }
  };
  let said = 0;
  for (const count of [1, 2, 5, 30, 1]) {
    const bob = await json("bob");
    await say(count);
    const page = await bob.asks({ type: "history", conv: "@ana", limit: 200 });
    expect(page).toMatchObject({ floor: said + 1, head: said + count });
    expect(page["messages"]).toHaveLength(count);
    said += count;
    await bob.asks({ type: "bye" });
  }
});
