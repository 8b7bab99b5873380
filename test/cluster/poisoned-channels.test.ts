/** Whatever is published on the cluster's channels, or is in a log, ends no gateway, and nobody misses a message in silence. */
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { GENERAL } from "#tertulia/chat/conversation.js";
import { connect, type Message, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { ALL_BUCKETS, Keys, bucketOfConversation } from "#tertulia/redis/keys.js";
import { WebSocket } from "ws";
import { L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, upTo } from "../support/sdk-scene.js";

const keys = new Keys("tertulia");
const home = bucketOfConversation(GENERAL);
const log = keys.log(home);
const HEADER = 13;

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[] = [];
let ana: Tertulia;
let bob: Tertulia;
let heard: Message[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  nodes = await Promise.all([node(redis.url), node(redis.url)]);
  ana = connect(at(nodes[0]!), { name: "ana", WebSocket });
  bob = connect(at(nodes[1]!), { name: "bob", WebSocket });
  heard = [];
  bob.on("message", (message) => heard.push(message));
  await eventually(() => expect(bob.state.name).toBe("open"));
  await says("first");
});
afterEach(async () => {
  await Promise.all([ana.close(), bob.close()]);
  for (const each of nodes) await each.close();
});

async function says(text: string): Promise<void> {
  await ana.publish("~", text);
  await eventually(() => expect(heard.at(-1)?.text).toBe(text));
}

const damaged = (place: "channel" | "log"): number[] =>
  nodes.map(({ counters }) => counters.damaged.of(place).samples("", {})[0]!.value);

/** The newest entry of the log: one event. */
async function newest(): Promise<Buffer> {
  const [[, [, event]]] = (await redis.client.xrevrangeBuffer(log, "+", "-", "COUNT", 1)) as [
    [Buffer, [Buffer, Buffer]],
  ];
  return event;
}

function moved(event: Buffer, generation: number, offset: number): Buffer {
  const copy = Buffer.from(event);
  copy.writeUIntBE(generation, 1, 6);
  copy.writeUIntBE(offset, 7, 6);
  return copy;
}

function batchOf(header: Buffer, ...parts: Buffer[]): Buffer {
  const batch = Buffer.concat([header.subarray(0, HEADER), ...parts]);
  batch[0] = 4;
  return batch;
}

function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

test("what is published in the place of an event is read from the log, if it is damaged", async () => {
  const event = await newest();
  const [generation, offset] = [event.readUIntBE(1, 6), event.readUIntBE(7, 6)];
  const next = moved(event, generation, offset + 1);
  const nested = batchOf(next, lengthOf(next.length), next);
  const typing = frame(16, L("ana"), L("bob"));
  const read = frame(17, Buffer.alloc(12, 255), L("bob"), L("~"));
  const payloads: Buffer[] = [
    Buffer.alloc(0),
    ...Array.from({ length: 256 }, (_, kind) => Buffer.from([kind])),
    ...[next, typing, read, frame(18, L("ana"))].flatMap((whole) =>
      upTo(whole.length - 1).map((length) => whole.subarray(0, length)),
    ),
    moved(event, 2 ** 48 - 1, 2 ** 48 - 1),
    moved(event, 9_999_999_999_999, 1),
    moved(event, generation, 2 ** 48 - 1),
    batchOf(next),
    batchOf(next, lengthOf(2 ** 32 - 1), next),
    batchOf(next, lengthOf(0), lengthOf(0)),
    batchOf(next, lengthOf(next.length - 1), next),
    batchOf(next, lengthOf(nested.length), nested),
    batchOf(moved(next, generation, offset + 5), lengthOf(next.length), next),
    frame(18, L(Buffer.alloc(255, "a"))),
    frame(18, L("")),
    frame(16, L(""), L("")),
    randomBytes(1_000),
    Buffer.alloc(1_000_000, "x"),
    Buffer.concat([next, Buffer.alloc(1_000_000, "x")]),
  ];
  const channels = [
    ...ALL_BUCKETS.map((bucket) => keys.log(bucket)),
    ...((await redis.client.pubsub("CHANNELS", "tertulia:probe:*")) as string[]),
  ];
  for (const payload of payloads) {
    for (const channel of channels) await redis.client.publish(channel, payload);
  }
  await says("second");
  // what nobody could read has moved nothing on: it is announced next, and heard
  expect(heard.map(({ seq }) => seq)).toEqual([1, 2]);
  for (const { counters, log: lines } of nodes) {
    expect(counters.ready.read()).toBe(1);
    expect(lines.filter(({ event: word }) => word === "delivery_failed")).toEqual([]);
    const told = lines.filter(({ event: word }) => word === "value_damaged");
    expect(told.length).toBeLessThan(10);
  }
  expect(Math.min(...damaged("channel"))).toBeGreaterThan(256);
});

/** As if a message had been stored, but for what `put` makes of its entry and of its announcement. */
async function announce(entry: (next: Buffer) => Buffer, published: Buffer): Promise<void> {
  const event = await newest();
  const [generation, offset] = [event.readUIntBE(1, 6), event.readUIntBE(7, 6)];
  const next = moved(event, generation, offset + 1);
  const seqAt = HEADER + 12;
  next.writeUIntBE(next.readUIntBE(seqAt, 6) + 1, seqAt, 6);
  const record = next.subarray(HEADER);
  const seq = next.readUIntBE(seqAt, 6);
  await redis.client
    .multi()
    .xadd(keys.history(home, GENERAL), `${seq}-0`, "m", record)
    .hincrby(keys.conversation(home, GENERAL), "seq", 1)
    .xadd(log, `${generation}-${offset + 1}`, "e", entry(next))
    .hincrby(keys.meta(home), "n", 1)
    .publish(log, published)
    .exec();
}

test("a message whose announcement is damaged is told at once, from the log", async () => {
  await announce((next) => next, Buffer.from("garbage"));
  await eventually(() => expect(heard.map(({ seq }) => seq)).toEqual([1, 2]));
  await says("third");
  expect(heard.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test.each([
  ["empty", () => Buffer.alloc(0)],
  ["cut", (next: Buffer) => next.subarray(0, HEADER + 20)],
  ["garbage", () => randomBytes(60)],
  ["of another position", (next: Buffer) => moved(next, next.readUIntBE(1, 6), 77)],
  ["far", (next: Buffer) => moved(next, 2 ** 48 - 1, 1)],
])(
  "an entry of the log that is %s is announced as a hole: who resumes gets the message from the history",
  async (_how, entry) => {
    await announce(entry, Buffer.alloc(0));
    await eventually(() => expect(heard.map(({ seq }) => seq)).toEqual([1, 2]));
    const holes = nodes.map(({ log: lines }) =>
      lines.filter(({ event }) => event === "events_missing"),
    );
    expect(holes.map(({ length }) => length)).toEqual([1, 1]);
    expect(damaged("log")).toEqual([1, 1]);
    await says("third");
    expect(heard.map(({ seq }) => seq)).toEqual([1, 2, 3]);
  },
);

test.each(["9999999999999-1", "18446744073709551615-18446744073709551615", "*"])(
  "an entry of the log under a far id (%s) is passed over, and the bucket goes on",
  async (id) => {
    const event = await newest();
    const far = id === "*" ? Buffer.from("typed by somebody") : moved(event, 9_999_999_999_999, 1);
    await redis.client.xadd(log, id, "e", far);
    await redis.client.publish(log, far);
    for (const text of ["second", "third", "fourth"]) await says(text);
    expect(heard.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    for (const { log: lines } of nodes) {
      expect(lines.filter(({ event: word }) => word === "events_missing")).toEqual([]);
    }
    // a gateway that comes now reads the log, too
    const third = await node(redis.url);
    nodes.push(third);
    const carl = connect(at(third), { name: "carl", WebSocket });
    const told: number[] = [];
    carl.on("message", ({ seq }) => told.push(seq));
    await eventually(() => expect(carl.state.name).toBe("open"));
    await says("fifth");
    await eventually(() => expect(told).toEqual([5]));
    await carl.close();
  },
);

test.each(["the newest", "one between"])(
  "a damaged message in the history, %s, is a gap for who catches up",
  async (which) => {
    for (const text of ["second", "third", "fourth"]) await says(text);
    const history = keys.history(home, GENERAL);
    const entries = await redis.client.xrangeBuffer(history, "-", "+");
    const hit = which === "the newest" ? 4 : 3;
    await redis.client.del(history);
    for (const [i, [id, [field, record]]] of entries.entries()) {
      const value = i + 1 === hit ? record!.subarray(0, 25) : record!;
      await redis.client.xadd(history, id.toString(), field!, value);
    }
    const carl = await JsonClient.connect(nodes[0]!.port);
    carl.says({ type: "hello", name: "carl", resume: { "~": [heard[0]!.epoch, 1] } });
    await carl.hears({ type: "welcome" });
    await carl.awaits({ type: "message", seq: 2 });
    if (hit === 3) await carl.awaits({ type: "gap", after: 2, before: 4 });
    else await carl.awaits({ type: "message", seq: 3 });
    if (hit === 3) await carl.awaits({ type: "message", seq: 4 });
    else await carl.awaits({ type: "gap", after: 3, before: 5 });
    await says("fifth");
    await carl.awaits({ type: "message", seq: 5 });
    const answer = await carl.asks({ type: "history" });
    const seqs = (answer["messages"] as { seq: number }[]).map(({ seq }) => seq);
    expect(seqs).toEqual(hit === 3 ? [4, 5] : [5]);
    carl.vanish();
  },
);
