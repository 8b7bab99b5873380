import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { publishedSchema } from "#tertulia/wire/json-schema.js";
import { WebSocket } from "ws";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateway = await node(redis.url, {
    REQUESTS_PER_SECOND: 100,
    PRESENCE_LINGER_MS: 300,
    PRIVATE_HISTORY: "name", // most clients here show no key; tenure.test.ts has the default
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await gateway.close();
});

function keep<C extends { vanish(): void }>(client: C): C {
  clients.push(client);
  return client;
}

async function hello(name: string, more: object = {}): Promise<JsonClient> {
  return keep(await JsonClient.hello(gateway.port, name, more));
}

async function connected(): Promise<JsonClient> {
  return keep(await JsonClient.connect(gateway.port));
}

/** What a client says, and the fields of what it hears next; in this order. */
type Line =
  | readonly ["→", object | string]
  | readonly ["←", Record<string, unknown> & { type: string }];

const transcripts: Record<string, readonly Line[]> = {
  "hello is answered by a welcome with the conversations": [
    ["→", { type: "hello", id: 1, name: "ana", key: "secret" }],
    [
      "←",
      {
        type: "welcome",
        id: 1,
        user: "ana",
        key: "secret",
        limits: { text: 4096, frame: 65536, perSecond: 100 },
        conversations: [{ conv: "~", epoch: "0", head: 0, floor: 1, after: 0, recovered: true }],
      },
    ],
  ],
  "before hello everything else is refused [abuse:frame-before-hello]": [
    ["→", { type: "publish", id: "a", text: "hi" }],
    ["←", { type: "error", id: "a", code: "unauthenticated", retryable: false }],
    ["→", { type: "presence", id: 2 }],
    ["←", { type: "error", id: 2, code: "unauthenticated" }],
    ["→", { type: "ping", id: 3 }],
    ["←", { type: "pong", id: 3 }],
  ],
  "a name that nobody can have is refused, another may be said": [
    ["→", { type: "hello", id: 1, name: "~" }],
    ["←", { type: "error", id: 1, code: "bad_name" }],
    ["→", { type: "hello", id: 2, name: "x".repeat(65) }],
    ["←", { type: "error", id: 2, code: "bad_name" }],
    ["→", { type: "hello", id: 5, name: "ana " }],
    ["←", { type: "error", id: 5, code: "bad_name" }],
    ["→", { type: "hello", id: 6, name: "a\u200bna" }],
    ["←", { type: "error", id: 6, code: "bad_name" }],
    ["→", { type: "hello", id: 7, name: "\u202eana" }],
    ["←", { type: "error", id: 7, code: "bad_name" }],
    ["→", { type: "hello", id: 3, name: "José 👩‍💻" }],
    ["←", { type: "welcome", id: 3, user: "José 👩‍💻" }],
    ["→", { type: "hello", id: 4, name: "eva" }],
    ["←", { type: "error", id: 4, code: "forbidden" }],
  ],
  "what is no frame is told so, and the connection lives": [
    ["→", "nonsense"],
    ["←", { type: "error", code: "bad_frame" }],
    ["→", "[1,2]"],
    ["←", { type: "error", code: "bad_frame" }],
    ["→", "null"],
    ["←", { type: "error", code: "bad_frame" }],
    ["→", { id: 5 }],
    ["←", { type: "error", id: 5, code: "bad_frame", message: "type: says what the frame is" }],
    ["→", { type: "toString", id: 6 }],
    ["←", { type: "error", id: 6, code: "unknown_type" }],
    ["→", { type: "hello", id: 7 }],
    ["←", { type: "error", id: 7, code: "bad_frame" }],
    ["→", { type: "hello", id: 8, name: "ana", unknown: "is ignored" }],
    ["←", { type: "welcome", id: 8 }],
  ],
  "a message is told and acknowledged, and the history has it": [
    ["→", { type: "hello", name: "ana" }],
    ["←", { type: "welcome" }],
    ["→", { type: "publish", id: 1, text: "¡hola!", mid: "m-1" }],
    ["←", { type: "ok", id: 1, conv: "~", seq: 1, mid: "m-1" }],
    ["←", { type: "message", conv: "~", seq: 1, mid: "m-1", from: "ana", text: "¡hola!" }],
    ["→", { type: "history", id: 2 }],
    [
      "←",
      {
        type: "ok",
        id: 2,
        conv: "~",
        head: 1,
        floor: 1,
        more: false,
        messages: [{ seq: 1, mid: "m-1", from: "ana", text: "¡hola!" }],
      },
    ],
    ["→", { type: "publish", id: 3, text: "¡hola!", mid: "m-1" }],
    ["←", { type: "ok", id: 3, seq: 1, mid: "m-1", dup: true }],
  ],
  "texts are neither empty nor too long": [
    ["→", { type: "hello", name: "ana" }],
    ["←", { type: "welcome" }],
    ["→", { type: "publish", id: 1, text: "" }],
    ["←", { type: "error", id: 1, code: "empty" }],
    ["→", { type: "publish", id: 2, text: "x".repeat(4_097) }],
    ["←", { type: "error", id: 2, code: "too_large" }],
    ["→", { type: "publish", id: 3, conv: "@nobody", text: "x" }],
    ["←", { type: "error", id: 3, code: "not_found" }],
    ["→", { type: "publish", id: 4, conv: "nobody", text: "x" }],
    ["←", { type: "error", id: 4, code: "bad_frame" }],
    ["→", { type: "publish", id: 5, text: "x", mid: "a b" }],
    ["←", { type: "error", id: 5, code: "bad_frame" }],
  ],
  "a note to oneself is told once, and is read": [
    ["→", { type: "hello", name: "ana" }],
    ["←", { type: "welcome" }],
    ["→", { type: "publish", id: 1, conv: "@ana", text: "note" }],
    ["←", { type: "ok", id: 1, conv: "@ana", seq: 1 }],
    ["←", { type: "message", conv: "@ana", seq: 1, from: "ana", text: "note" }],
    ["→", { type: "read", id: 2, conv: "@ana", seq: 9 }],
    ["←", { type: "ok", id: 2, conv: "@ana", read: 1, unread: 0 }],
    ["→", { type: "read", id: 3, conv: "@ana", seq: 0 }],
    ["←", { type: "ok", id: 3, conv: "@ana", read: 1, unread: 0 }],
  ],
  "status and users": [
    ["→", { type: "hello", name: "ana" }],
    ["←", { type: "welcome" }],
    ["→", { type: "status", id: 1, status: "busy" }],
    ["←", { type: "ok", id: 1, user: "ana", status: "busy" }],
    ["→", { type: "status", id: 2, status: "busy" }],
    ["←", { type: "ok", id: 2, user: "ana", status: "busy" }],
    ["→", { type: "status", id: 3, status: "disconnected" }],
    ["←", { type: "error", id: 3, code: "bad_frame" }],
    ["→", { type: "user", id: 4, user: "ana" }],
    ["←", { type: "ok", id: 4, user: "ana", status: "busy" }],
    ["→", { type: "user", id: 5, user: "eva" }],
    ["←", { type: "error", id: 5, code: "not_found" }],
  ],
};

for (const [name, lines] of Object.entries(transcripts)) {
  test(name, async () => {
    const client = keep(await JsonClient.connect(gateway.port));
    for (const [direction, frame] of lines) {
      if (direction === "→") client.says(frame);
      // an answer and the event it causes may come in either order
      else await heardAnyway(client, frame);
    }
    client.says({ type: "ping", id: "end" });
    await client.awaits({ type: "pong", id: "end" });
    expect(pending, "heard, but not in the transcript").toEqual([]);
  });
}

const pending: Record<string, unknown>[] = [];

async function heardAnyway(client: JsonClient, expected: object): Promise<void> {
  const isIt = (frame: Record<string, unknown>): boolean => {
    try {
      expect(frame).toMatchObject(expected);
      return true;
    } catch {
      return false;
    }
  };
  const kept = pending.findIndex(isIt);
  if (kept !== -1) return void pending.splice(kept, 1);
  const frame = await client.next();
  if (isIt(frame)) return;
  pending.push(frame);
  const next = await client.next();
  expect(next, `after ${JSON.stringify(frame)}`).toMatchObject(expected);
}

test("classic and JSON clients share every conversation, in one order", async () => {
  const ana = await hello("ana");
  const bob = keep(await ClassicClient.connect(gateway.port, "bob"));
  await bob.settles();
  bob.says(4, L("~"), L("from bytes"));
  await ana.awaits({ type: "message", conv: "~", seq: 1, from: "bob", text: "from bytes" });
  ana.says({ type: "publish", text: "from JSON" });
  await bob.awaits(55, L("ana"), L("from JSON"));
  ana.says({ type: "publish", conv: "@bob", text: "psst" });
  await bob.hears(55, L("ana"), L("psst"));
  bob.says(4, L("ana"), L("what?"));
  await ana.awaits({ type: "message", conv: "@bob", seq: 2, from: "bob", text: "what?" });
});

test("long texts reach bytes cut at a character, bytes that are no UTF-8 reach JSON with a mark", async () => {
  const ana = await hello("ana");
  const bob = keep(await ClassicClient.connect(gateway.port, "bob"));
  await bob.settles();
  ana.says({ type: "publish", text: "ñ".repeat(200) });
  const ellipsis = Buffer.from("…");
  await bob.awaits(55, L("ana"), L(Buffer.concat([Buffer.from("ñ".repeat(126)), ellipsis])));
  bob.says(4, L("~"), L(Buffer.from([0x61, 0xff, 0x62])));
  await ana.awaits({ type: "message", from: "bob", text: "a�b" });
});

test("a private message to an absent user is delivered on return", async () => {
  const ana = await hello("ana");
  const bob = await hello("bob");
  await bob.asks({ type: "bye" });
  expect(await bob.closed()).toBe(1000);
  const stored = await ana.asks({ type: "publish", conv: "@bob", text: "later" });
  expect(stored).toMatchObject({ seq: 1 });
  const back = keep(await JsonClient.connect(gateway.port));
  back.says({ type: "hello", name: "bob" });
  const welcome = await back.hears({ type: "welcome" });
  expect(welcome["conversations"]).toMatchObject([
    { conv: "~" },
    { conv: "@ana", head: 1, ts: stored["ts"], read: 0, unread: 1, after: 0, recovered: true },
  ]);
  expect(welcome["conversations"], "no time of what was never written").not.toHaveProperty("0.ts");
  await back.hears({ type: "message", conv: "@ana", seq: 1, from: "ana", text: "later" });
  expect(await back.asks({ type: "read", conv: "@ana", seq: 1 })).toMatchObject({ unread: 0 });
  back.vanish();
  const again = keep(await JsonClient.connect(gateway.port));
  again.says({ type: "hello", name: "bob", key: back.heard[0]!["key"] });
  await again.hears({ type: "welcome" });
  again.says({ type: "ping" });
  await again.awaits({ type: "pong" });
  expect(
    again.heard.map(({ type }) => type),
    "what was read does not come again",
  ).not.toContain("message");
});

test("writing moves the read mark: own messages are not unread, and do not come again", async () => {
  const bob = await hello("bob");
  const ana = await hello("ana", { key: "k" });
  const classic = keep(await ClassicClient.connect(gateway.port, "eva"));
  await bob.asks({ type: "publish", text: "to all" });
  await bob.asks({ type: "publish", conv: "@ana", text: "one" });
  expect(await ana.asks({ type: "publish", conv: "@bob", text: "two" })).toMatchObject({ seq: 2 });
  await ana.asks({ type: "publish", conv: "@bob", text: "three" });
  await ana.asks({ type: "publish", text: "hello, all" });
  classic.says(4, L("~"), L("from a classic client"));
  classic.says(4, L("bob"), L("for bob"));
  await bob.awaits({ type: "message", text: "for bob" });
  const stands = async (name: string, key?: string): Promise<unknown> => {
    const back = keep(await JsonClient.connect(gateway.port));
    back.says({ type: "hello", name, ...(key !== undefined && { key }) });
    const { conversations } = await back.hears({ type: "welcome" });
    await back.asks({ type: "ping" });
    const heard = back.heard.flatMap(({ type, text }) => (type === "message" ? [text] : []));
    return { conversations, heard };
  };
  const laptop = await stands("ana", "k");
  expect(laptop).toMatchObject({
    conversations: [
      { conv: "~", head: 3, read: 2, unread: 1 },
      { conv: "@bob", head: 3, read: 3, unread: 0, after: 3, recovered: true },
    ],
    heard: [],
  });
  const closed = bob.closed();
  bob.says({ type: "bye" });
  await closed;
  expect(await stands("bob")).toMatchObject({
    conversations: expect.arrayContaining([
      expect.objectContaining({ conv: "@ana", head: 3, read: 1, unread: 2, after: 1 }),
      expect.objectContaining({ conv: "@eva", head: 1, read: 0, unread: 1, after: 0 }),
    ]),
    heard: expect.arrayContaining(["two", "three", "for bob"]),
  });
  await classic.close();
  expect(await stands("eva")).toMatchObject({
    conversations: [
      { conv: "~", read: 3, unread: 0 },
      { conv: "@bob", unread: 0 },
    ],
    heard: [],
  });
});

test("devices that know the key share a name and count as one user", async () => {
  const eva = await hello("eva");
  await eva.asks({ type: "presence" });
  const phone = await hello("ana", { key: "k" });
  await eventually(() => expect(peopleOf(eva)).toEqual(["ana", "eva"]));
  const laptop = await hello("ana", { key: "k" });
  phone.says({ type: "publish", id: 1, text: "from the phone" });
  await phone.awaits({ type: "message", text: "from the phone" });
  await laptop.awaits({ type: "message", from: "ana", text: "from the phone" });
  await eva.asks({ type: "publish", text: "hi" });
  laptop.says({ type: "read", conv: "~", seq: 2 });
  await phone.awaits({ type: "read", conv: "~", read: 2 });
  await laptop.asks({ type: "bye" });
  expect(await eva.asks({ type: "user", user: "ana" })).toMatchObject({ status: "active" });
  await phone.asks({ type: "bye" });
  await eventually(() => expect(peopleOf(eva)).toEqual(["eva"]));
});

test("hello sets the status of a user who was away, not of one with another device", async () => {
  const bob = await hello("bob");
  const statusOfAna = async (): Promise<unknown> =>
    (await bob.asks({ type: "user", user: "ana" }))["status"];
  const first = await hello("ana", { key: "k", status: "busy" });
  expect(await statusOfAna(), "at the welcome").toBe("busy");
  const second = await hello("ana", { key: "k", status: "active" });
  expect(await statusOfAna()).toBe("busy");
  await second.asks({ type: "status", status: "active" });
  first.vanish(); // it lingers, and the other one is there
  await hello("ana", { key: "k", status: "busy" });
  expect(await statusOfAna(), "ended on another device").toBe("active");
  const odd = await connected();
  odd.says({ type: "hello", name: "odd", status: "asleep" });
  await odd.awaits({ type: "error", code: "bad_frame" });
});

test("a user has at most sixteen devices; one that leaves makes room [abuse:hello-name-held]", async () => {
  const devices: JsonClient[] = [];
  for (let i = 0; i < 16; i++) devices.push(await hello("ana", { key: "k" }));
  const late = keep(await JsonClient.connect(gateway.port));
  expect(await late.asks({ type: "hello", name: "ana", key: "k" })).toMatchObject({
    code: "name_taken",
  });
  devices[0]!.says({ type: "bye" });
  await devices[0]!.closed();
  await eventually(async () => {
    const answer = await late.asks({ type: "hello", name: "ana", key: "k" });
    expect(answer).toMatchObject({ type: "welcome" });
  });
});

/** Who is there, by all that a client was told. */
function peopleOf({ heard }: JsonClient): string[] {
  const people = new Set<string>();
  for (const { set = [], gone = [] } of heard as { set?: [string, string][]; gone?: string[] }[]) {
    for (const [name] of set) people.add(name);
    for (const name of gone) people.delete(name);
  }
  return [...people].toSorted();
}

test("a held name is refused without its key, and to byte clients [abuse:hello-name-held]", async () => {
  await hello("ana", { key: "k" });
  const thief = keep(await JsonClient.connect(gateway.port));
  thief.says({ type: "hello", name: "ana", key: "other" });
  await thief.hears({ type: "error", code: "name_taken" });
  await expect(ClassicClient.connect(gateway.port, "ana")).rejects.toThrow("refused with 400");
  const bob = keep(await ClassicClient.connect(gateway.port, "bob"));
  await bob.settles(); // ana's arrival may be told late
  thief.says({ type: "hello", name: "bob", key: "-" });
  await thief.hears({ type: "error", code: "name_taken" });
  await bob.hearsNothing();
});

test("nobody sees a connection vanish that comes back in time", async () => {
  const patient = await node(redis.url, { REDIS_PREFIX: "linger", PRESENCE_LINGER_MS: 2_000 });
  try {
    const eva = keep(await ClassicClient.connect(patient.port, "eva"));
    const ana = keep(await JsonClient.hello(patient.port, "ana", { key: "k" }));
    await eva.hears(53, L("ana"), 1);
    ana.vanish();
    const back = keep(await JsonClient.hello(patient.port, "ana", { key: "k" }));
    await eva.hearsNothing();
    back.vanish();
    await eva.hears(54, L("ana"), 0); // after the linger
  } finally {
    await patient.close();
  }
});

test("a presence window has the last state of each user, and nobody who came and left within it", async ({
  skip,
}) => {
  const eva = await hello("eva");
  expect(await eva.asks({ type: "presence" })).toMatchObject({ full: true });
  const ear = keep(await ClassicClient.connect(gateway.port, "ear"));
  // until all of it happens within one window, of 250 ms
  for (let n = 0; n < 10; n++) {
    // told at the end of a window: now none is open
    await eventually(() => expect(peopleOf(eva)).toEqual(["ear", "eva"]));
    const [ana, max] = [await connected(), await connected()];
    const began = performance.now();
    ana.says({ type: "hello", name: `ana-${n}` });
    ana.says({ type: "status", status: "busy" });
    max.says({ type: "hello", name: `max-${n}` });
    max.says({ type: "bye" });
    await eventually(() => expect(newsOf(ear, `max-${n}`)).toEqual([1, 0]));
    await eventually(() => expect(newsOf(ear, `ana-${n}`)).toEqual([1, 2]));
    const tookMs = performance.now() - began;
    await eventually(() => expect(peopleOf(eva)).toContain(`ana-${n}`));
    const told = eva.heard.filter(({ type }) => type === "presence");
    if (tookMs < 200) {
      expect(told.at(-1)).toMatchObject({ full: true, set: [[`ana-${n}`, "busy"]] });
      expect(JSON.stringify(told)).not.toContain(`max-${n}`);
      return;
    }
    await ana.asks({ type: "bye" });
  }
  skip("this machine is too slow for a window");
});

/** What a classic client was told of somebody's status. */
function newsOf({ heard }: ClassicClient, name: string): number[] {
  const of = Buffer.from(L(name));
  return heard.filter((each) => each.subarray(1, -1).equals(of)).map((each) => each.at(-1)!);
}

test("above the limit, presence has only watched users, and the count [abuse:presence-nobody]", async () => {
  const small = await node(redis.url, { REDIS_PREFIX: "small", PRESENCE_FULL_UP_TO: 3 });
  const join = async (name: string): Promise<JsonClient> =>
    keep(await JsonClient.hello(small.port, name));
  try {
    const eva = await join("eva");
    await eva.asks({ type: "presence", watch: ["ana"] });
    const others = await Promise.all(["u1", "u2", "u3"].map(join));
    await eva.awaits({ type: "presence", count: 4, full: false });
    await join("u4");
    const count = await eva.awaits({ type: "presence", count: 5 });
    expect(count["set"]).toBeUndefined();
    const ana = await join("ana");
    await eva.awaits({ type: "presence", count: 6, set: [["ana", "active"]] });
    await ana.asks({ type: "bye" });
    await eva.awaits({ type: "presence", count: 5, gone: ["ana"] });
    for (const each of others) await each.asks({ type: "bye" });
    const whole = await eva.awaits({ type: "presence", snapshot: true, full: true, count: 2 });
    expect(whole["set"]).toEqual(expect.arrayContaining([["eva", "active"]]));
  } finally {
    await small.close();
  }
});

test("a chosen inactivity lasts while the screen is open, and ends with the next message", async () => {
  const [ana, eva] = [await hello("ana"), await hello("eva")];
  const status = async (): Promise<unknown> =>
    (await eva.asks({ type: "user", user: "ana" }))["status"];
  await ana.asks({ type: "publish", text: "one" });
  await ana.asks({ type: "status", status: "inactive" });
  await ana.asks({ type: "read", conv: "~", seq: 1 });
  await ana.asks({ type: "presence" });
  for (const until = performance.now() + 1_500; performance.now() < until;) {
    expect(await status()).toBe("inactive"); // activity is noted with the beat, once a second
    await ana.asks({ type: "read", conv: "~", seq: 1 });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ana.asks({ type: "publish", text: "two" });
  await eventually(async () => expect(await status()).toBe("active"));
});

test("typing is heard by the others, and stored nowhere", async () => {
  const ana = await hello("ana");
  const bob = await hello("bob");
  await ana.asks({ type: "typing", conv: "@bob" });
  await bob.awaits({ type: "typing", conv: "@ana", from: "ana" });
  await bob.asks({ type: "typing", conv: "~" });
  await ana.awaits({ type: "typing", conv: "~", from: "bob" });
  expect(bob.heard.filter(({ type }) => type === "typing")).toHaveLength(1);
  expect(await redis.client.keys("*history*")).toEqual([]);
});

test("a client above the rate limit is told when to try again, and closed if it does not stop [abuse:frame-rate] [abuse:frame-hundred-bad]", async () => {
  // with many a second, one of a hundred in a row would be allowed wherever they take long
  const strict = await node(redis.url, { REDIS_PREFIX: "strict", REQUESTS_PER_SECOND: 1 });
  const ana = keep(await JsonClient.hello(strict.port, "ana"));
  const closed = ana.closed();
  for (let i = 0; i < 200; i++) ana.says({ type: "ping" });
  const refused = await ana.awaits({ type: "error", code: "rate_limited" });
  expect(refused).toMatchObject({ retryable: true, retryAfterMs: expect.any(Number) });
  expect(await closed).toBe(4429);
  await strict.close();
});

test("a hundred bad frames in a row close the connection [abuse:frame-hundred-bad]", async () => {
  const ana = await hello("ana");
  const closed = ana.closed();
  for (let i = 0; i < 100; i++) ana.says("{");
  expect(await closed).toBe(4400);
});

test("path or subprotocol choose the dialect at the upgrade; unknown ones are refused", async () => {
  const open = async (path: string, ...offered: string[]): Promise<string> => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, offered);
    return new Promise((resolve) => {
      webSocket.on("error", () => {});
      webSocket.on("unexpected-response", (_request, { statusCode }) => resolve(`${statusCode}`));
      webSocket.on("open", () => {
        webSocket.send('{"type":"ping"}');
        webSocket.on("message", (frame: Buffer) => {
          resolve(`${webSocket.protocol} ${frame.toString().slice(0, 14)}`);
          webSocket.close();
        });
      });
    });
  };
  expect(await open("/ws")).toBe(' {"type":"pong"');
  expect(await open("/", "tertulia.v1.json")).toBe('tertulia.v1.json {"type":"pong"');
  expect(await open("/", "other", "tertulia.v1.json")).toBe('tertulia.v1.json {"type":"pong"');
  expect(await open("/ws", "mine")).toBe('mine {"type":"pong"');
  for (const path of ["/", "/ws"]) expect(await open(path, "tertulia.v2.json")).toBe("400");
  const both = ["tertulia.v2.json", "tertulia.v1.json"];
  expect(await open("/", ...both)).toBe('tertulia.v1.json {"type":"pong"');
  expect(await open("/ws?name=~")).toBe("400");
});

test("the published schema equals the one that checks frames", async () => {
  const kept = await readFile(
    new URL("../../docs/tertulia.v1.schema.json", import.meta.url),
    "utf8",
  );
  expect(JSON.parse(kept), "npm run schema writes it").toEqual(publishedSchema());
  const served = await fetch(`http://127.0.0.1:${gateway.port}/tertulia.v1.schema.json`);
  expect(await served.json()).toEqual(publishedSchema());
});
