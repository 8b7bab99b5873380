import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Position } from "#tertulia/chat/events.js";
import { observe } from "#tertulia/observe.js";
import { DamageLog } from "#tertulia/redis/damage.js";
import { KIND, eventsOf, isEphemeral, positionOf } from "#tertulia/redis/events.js";
import { BucketLog } from "#tertulia/redis/feed/bucket-log.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { Keys } from "#tertulia/redis/keys.js";
import { eventually } from "../support/eventually.js";
import { append as appendTo, type appendWords, type Outcome } from "../support/append.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const STORED = 0;
const STORED_BEFORE = 1;
const SKIPPED = 2;
const FAILED = 3;
const WANTED = 4;
const CONFLICT = 5;
const MINUTE_MS = 60_000;
const keys = new Keys("t");
const meta = keys.meta(0);
const log = keys.log(0);
const general = keys.history(0, { kind: "general" });
const withBob = { kind: "direct", between: ["ana", "bob"] } as never;

let redis: TestRedis;
let library: FunctionLibrary;
const functions = await readFunctionSource();

beforeAll(async () => {
  redis = await startRedis();
  library = new FunctionLibrary(redis.client, functions, observe("silent", "test"));
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  await beat("join");
});

const append = (...given: DropFirst<Parameters<typeof appendWords>>): Promise<Outcome[]> =>
  appendTo(library, keys, ...given);

type DropFirst<All extends unknown[]> = All extends [unknown, ...infer Rest] ? Rest : never;

async function beat(mode: "join" | "renew" = "renew", node = "node-1"): Promise<void> {
  const its = [meta, log, keys.nodes(0), ...keys.ids(0)];
  await library.call("beat", its, [node, 600_000, 2_500, mode, ""]);
}

const codes = (outcomes: Outcome[]): number[] => outcomes.map(([code]) => code);
const seqs = (outcomes: Outcome[]): unknown[] => outcomes.map(([, seq]) => seq);

async function topOf(stream: string): Promise<{ id: string }> {
  const [[id] = [""]] = await redis.client.xrevrange(stream, "+", "-", "COUNT", 1);
  return { id };
}

/** Where the events of the log stand, entry by entry. */
async function logged(): Promise<Position[]> {
  const entries = await redis.client.xrangeBuffer(log, "-", "+");
  return entries.flatMap(([, fields]) => eventsOf(fields[1]!).map(positionOf));
}

const readerOf = (): BucketLog =>
  new BucketLog(redis.client, log, meta, new DamageLog(observe("silent", "test")));

/** As if so much time had gone by for a field of meta. */
const age = (field: string, ms: number): Promise<unknown> => redis.client.hincrby(meta, field, -ms);

describe("a batch", () => {
  test("numbers the messages of each conversation in their order, and announces each", async () => {
    const heard: string[] = [];
    const subscriber = redis.client.duplicate();
    await subscriber.subscribe(log);
    subscriber.on("messageBuffer", (_, bytes: Buffer) =>
      heard.push(
        ...(isEphemeral(bytes) ? [bytes] : eventsOf(bytes)).map((event) =>
          event.toString("latin1").slice(-2),
        ),
      ),
    );
    const outcomes = await append([
      { mid: "m1", text: "g1" },
      { mid: "m2", to: "bob", text: "p1" },
      { mid: "m3", author: "bob", text: "g2", mayRepeat: false },
      { mid: "m4", author: "bob", to: "ana", text: "p2" },
    ]);
    expect(codes(outcomes)).toEqual([STORED, STORED, STORED, STORED]);
    expect(seqs(outcomes)).toEqual([1, 1, 2, 2]);
    await redis.client.publish(log, "end");
    await expect.poll(() => heard.at(-1)).toBe("nd");
    expect(heard).toEqual(["g1", "p1", "g2", "p2", "nd"]);
    subscriber.disconnect();
    expect(await redis.client.hget(meta, "n")).toBe("4");
    expect(await redis.client.xlen(log)).toBe(1);
    expect((await logged()).map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
    expect(await redis.client.xlen(general)).toBe(2);
    const conversation = await redis.client.hgetall(keys.conversation(0, withBob));
    expect(conversation).toMatchObject({ seq: "2", "wrote:ana": "1", "wrote:bob": "2" });
    for (const [name, other] of [
      ["ana", "bob"],
      ["bob", "ana"],
    ] as const) {
      expect(await redis.client.zscore(keys.inbox(0, name as never), other)).not.toBeNull();
    }
  });

  test("that is sent again under its number gets its answers, and is stored once", async () => {
    const messages = [
      { mid: "m1", mayRepeat: false },
      { mid: "m2", mayRepeat: false },
    ];
    const first = await append(messages, { number: 7_000 });
    expect(await append(messages, { number: 7_000 })).toEqual(first);
    expect(await redis.client.xlen(general)).toBe(2);
    expect(seqs(await append(messages, { number: 7_001 }))).toEqual([3, 4]);
  });

  test("is known by its node, also when the node's lease has ended and its users were reaped", async () => {
    const messages = [{ mid: "m1", mayRepeat: false }];
    const first = await append(messages, { number: 7_000 });
    await redis.client.hdel(keys.nodes(0), "node-1");
    expect(await append(messages, { number: 7_000 })).toEqual(first);
    await expect(append(messages, { number: 7_001 })).rejects.toThrow("FENCED");
  });

  test("of which nothing was stored is known as well: a late copy of it stores nothing", async () => {
    const wanted = [{ mid: "m1", to: "bob", hasAll: false, mayRepeat: false }];
    expect(codes(await append(wanted, { number: 9_000 }))).toEqual([WANTED]);
    await append([{ mid: "m2", author: "bob", to: "ana" }], { node: "node-1", number: 9_001 });
    await expect(append(wanted, { number: 9_000 })).rejects.toThrow("PASSED");
    const skipped = [{ mid: "m3", isOver: true, mayRepeat: false }];
    expect(codes(await append(skipped, { number: 9_002 }))).toEqual([SKIPPED]);
    const late = [{ mid: "m3", mayRepeat: false }];
    expect(codes(await append(late, { number: 9_002 }))).toEqual([SKIPPED]);
    expect(await redis.client.xlen(general)).toBe(0);
  });

  test("that the log refuses because somebody else has written there is announced in a log that begins anew", async () => {
    await append([{ mid: "m1" }]);
    const { id } = await topOf(log);
    const [generation, offset] = id.split("-").map(Number) as [number, number];
    const farIds = [
      `${generation}-${offset + 1}`, // the next one
      `${generation}-${offset + 99}`,
      "*", // as a person at redis-cli would
      "9999999999999-1",
      "18446744073709551615-18446744073709551615",
    ];
    let seq = 1;
    for (const [i, far] of farIds.entries()) {
      await redis.client.xadd(log, far, "e", "from nowhere");
      const outcomes = await append([{ mid: `a${i}` }, { mid: `b${i}` }]);
      expect(codes(outcomes), far).toEqual([STORED, STORED]);
      expect(seqs(outcomes)).toEqual([++seq, ++seq]);
      const from = { generation, offset: seq - 1 };
      const answer = await readerOf().read({ type: "read", what: "page", from });
      const page = answer.type === "pageRead" ? answer.page : [];
      expect(page.map(({ at, event }) => [at.offset, event.length > 0])).toEqual([
        [seq - 1, true],
        [seq, true],
      ]);
    }
    expect(await redis.client.hget(meta, "n")).toBe(`${seq}`);
  });

  test("of several messages is one entry of the log, which is read from any of them on", async () => {
    await append([{ mid: "m1" }]);
    await append([{ mid: "m2" }, { mid: "m3" }, { mid: "m4" }]);
    const [{ generation }] = (await logged()) as [Position];
    const reader = readerOf();
    const pageFrom = async (offset: number): Promise<number[]> => {
      const answer = await reader.read({
        type: "read",
        what: "page",
        from: { generation, offset },
      });
      return answer.type === "pageRead" ? answer.page.map(({ at }) => at.offset) : [];
    };
    expect(await pageFrom(0)).toEqual([1, 2, 3, 4]);
    expect(await pageFrom(3)).toEqual([3, 4]);
    expect(await pageFrom(4)).toEqual([4]);
    await redis.client.xtrim(log, "MAXLEN", 1);
    const oldest = await reader.read({ type: "read", what: "oldest" });
    expect(oldest).toEqual({ type: "oldestRead", oldest: { generation, offset: 2 } });
  });

  test("has more than one entry in the log if it has much text", async () => {
    const text = "x".repeat(7_000);
    await append(["m1", "m2", "m3", "m4", "m5"].map((mid) => ({ mid, text })));
    expect(await redis.client.xlen(log)).toBe(3);
    expect((await logged()).map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5]);
    const entries = await redis.client.xrange(log, "-", "+");
    expect(entries.map(([id]) => Number(id.split("-")[1]))).toEqual([2, 4, 5]);
  });

  test("counts as many events when the log is cut to the newest 100,000", async () => {
    const generation = Number(await redis.client.hget(meta, "g")) + 1_000_000;
    for (let offset = 100; offset <= 30_000; offset += 100) {
      await redis.client.xadd(log, `${generation}-${offset}`, "e", "many");
    }
    await redis.client.hset(meta, { g: generation, n: 110_100, mark_g: 1, mark_n: 1, mark_at: 1 });
    await beat();
    const [[oldest]] = (await redis.client.xrange(log, "-", "+", "COUNT", 1)) as [
      [string, string[]],
    ];
    expect(Number(oldest.split("-")[1])).toBeGreaterThan(100);
    expect(Number(oldest.split("-")[1])).toBeLessThanOrEqual(10_100);
  });

  test("with a lower number than the last one is refused: it is a late copy", async () => {
    await append([{ mid: "m1" }], { number: 8_001 });
    await expect(append([{ mid: "m2" }], { number: 8_000 })).rejects.toThrow("PASSED");
    expect(await redis.client.xlen(general)).toBe(1);
  });

  test("of which a message is refused stores the others", async () => {
    await redis.client.set(keys.history(0, withBob), "no stream");
    const max = { kind: "direct", between: ["ana", "max"] } as never;
    await redis.client.xadd(keys.history(0, max), "9-0", "m", "ahead of its conversation");
    const outcomes = await append([
      { mid: "m1" },
      { mid: "m2", to: "bob" },
      { mid: "m3", to: "max" },
      { mid: "m4" },
    ]);
    expect(codes(outcomes)).toEqual([STORED, FAILED, FAILED, STORED]);
    expect(outcomes[1]![1]).toMatch(/^WRONGTYPE/);
    expect(outcomes[2]![1]).toMatch(/^ERR/);
    expect(seqs(outcomes).filter(Number)).toEqual([1, 2]);
    expect(
      await redis.client.exists(keys.conversation(0, withBob), keys.inbox(0, "bob" as never)),
    ).toBe(0);
    expect(await redis.client.hget(meta, "n")).toBe("2");
    await redis.client.del(keys.history(0, withBob));
    expect(codes(await append([{ mid: "m2", to: "bob" }]))).toEqual([STORED]);
  });

  test("notes a private conversation in both inboxes, whoever of the two opens it", async () => {
    await append([{ mid: "m1", to: "bob" }]);
    await redis.client.del(keys.inbox(0, "ana" as never), keys.inbox(0, "bob" as never));
    await redis.client.hincrby(keys.conversation(0, withBob), "renewed", -MINUTE_MS);
    // the first was stored before, so the second one opens it
    await append([
      { mid: "m1", to: "bob" },
      { mid: "m2", author: "bob", to: "ana" },
    ]);
    expect(await redis.client.zrange(keys.inbox(0, "ana" as never), "0", "9")).toEqual(["bob"]);
    expect(await redis.client.zrange(keys.inbox(0, "bob" as never), "0", "9")).toEqual(["ana"]);
  });

  test("wants the keys of the inboxes for a conversation that is new", async () => {
    const outcomes = await append([{ mid: "m1", to: "bob", hasAll: false }, { mid: "m2" }]);
    expect(codes(outcomes)).toEqual([WANTED, STORED]);
    await append([{ mid: "m1", to: "bob" }]);
    expect(codes(await append([{ mid: "m3", to: "bob", hasAll: false }]))).toEqual([STORED]);
    expect(await redis.client.xlen(keys.history(0, withBob))).toBe(2);
  });

  test("skips a message that is over, unless it was stored before", async () => {
    const [first] = await append([{ mid: "m1" }]);
    const outcomes = await append([
      { mid: "m1", isOver: true },
      { mid: "m2", isOver: true },
      { mid: "m3" },
    ]);
    expect(outcomes[0]).toEqual([STORED_BEFORE, ...first!.slice(1)]);
    expect(codes(outcomes)).toEqual([STORED_BEFORE, SKIPPED, STORED]);
    expect(await redis.client.xlen(general)).toBe(2);
  });
});

test.each(["no number", "-1", ""])(
  "an epoch that is damaged (%j) is replaced, once",
  async (damaged) => {
    const conversation = keys.conversation(0, { kind: "general" });
    await append([{ mid: "m1" }]);
    await redis.client.hset(conversation, "epoch", damaged);
    const epochs: number[] = [];
    for (const mid of ["m2", "m3", "m4"]) {
      const [[code, , epoch] = []] = await append([{ mid }]);
      expect(code).toBe(STORED);
      epochs.push(epoch!);
      // the clock goes on: an epoch that is made anew is another one
      const now = Date.now();
      await eventually(() => expect(Date.now()).toBeGreaterThan(now));
    }
    expect(new Set(epochs).size).toBe(1);
    expect(await redis.client.hget(conversation, "epoch")).toBe(String(epochs[0]));
    const its = [conversation, general];
    const page = await library.call("page", its, ["after", 0, 10, 60_000, 0, 0, 100_000]);
    expect((page as number[])[0]).toBe(epochs[0]);
  },
);

describe("a message's id", () => {
  const known = async (mid: string): Promise<boolean> =>
    codes(await append([{ mid, isOver: true }]))[0] === STORED_BEFORE;

  test("is known in the same batch, in the next ones, and from another node", async () => {
    const outcomes = await append([{ mid: "m1" }, { mid: "m1" }]);
    expect(codes(outcomes)).toEqual([STORED, STORED_BEFORE]);
    expect(outcomes[1]!.slice(1)).toEqual(outcomes[0]!.slice(1));
    await beat("join", "node-2");
    const [again] = await append([{ mid: "m1" }], { node: "node-2" });
    expect(again).toEqual(outcomes[1]);
    expect(await redis.client.xlen(general)).toBe(1);
  });

  test("is refused with another text, in the same batch, in the next ones, and from another node", async () => {
    await beat("join", "node-2");
    const again = { mid: "m1", text: "another" };
    const outcomes = await append([{ mid: "m1" }, again, { mid: "m1" }]);
    expect(codes(outcomes)).toEqual([STORED, CONFLICT, STORED_BEFORE]);
    expect(seqs(outcomes)).toEqual([1, 0, 1]);
    expect(codes(await append([again, { mid: "m2" }], { node: "node-2" }))).toEqual([
      CONFLICT,
      STORED,
    ]);
    expect(codes(await append([again], { isMixed: true }))).toEqual([CONFLICT]);
    expect(codes(await append([{ ...again, author: "bob" }]))).toEqual([STORED]);
    expect(await redis.client.xlen(general)).toBe(3);
  });

  test("is known, and no more than that, when its message is not kept, or damaged", async () => {
    await append([{ mid: "m1" }, { mid: "m2" }]);
    await redis.client.xdel(general, "1-0");
    expect(codes(await append([{ mid: "m1", text: "another" }]))).toEqual([STORED_BEFORE]);
    await redis.client.del(general);
    await redis.client.xadd(general, "2-0", "m", "cut");
    expect(codes(await append([{ mid: "m2", text: "another" }]))).toEqual([STORED_BEFORE]);
    await redis.client.set(general, "no stream");
    expect(codes(await append([{ mid: "m2", text: "another" }]))).toEqual([STORED_BEFORE]);
  });

  test("is of one author and one conversation", async () => {
    const outcomes = await append([
      { mid: "m1" },
      { mid: "m1", author: "bob" },
      { mid: "m1", to: "bob" },
    ]);
    expect(codes(outcomes)).toEqual([STORED, STORED, STORED]);
  });

  test("is kept for 15 to 30 minutes, and nowhere if the gateway made it", async () => {
    await append([{ mid: "m1" }, { mid: "ours", mayRepeat: false }]);
    const [first, second] = keys.ids(0);
    expect(await redis.client.hlen(first)).toBe(1);
    await age("ids_at", 14 * MINUTE_MS);
    await beat();
    expect(await redis.client.hget(meta, "ids")).toBe("0");
    await age("ids_at", MINUTE_MS);
    await beat();
    expect(await redis.client.hget(meta, "ids")).toBe("1");
    await append([{ mid: "m2" }]);
    expect(await redis.client.hlen(second)).toBe(1);
    expect([await known("m1"), await known("m2")]).toEqual([true, true]);
    await age("ids_at", 15 * MINUTE_MS);
    await beat();
    expect([await known("m1"), await known("m2")]).toEqual([false, true]);
    expect(await redis.client.exists(first)).toBe(0);
    expect(await known("ours")).toBe(false);
  });

  test("is kept for longer when the clock is set back", async () => {
    await append([{ mid: "m1" }]);
    await age("ids_at", -60 * MINUTE_MS);
    await beat();
    expect(Number(await redis.client.hget(meta, "ids_at"))).toBeLessThanOrEqual(Date.now());
    expect(await redis.client.hget(meta, "ids")).toBe("0");
    expect(await known("m1")).toBe(true);
  });

  test("takes less than 90 bytes", async () => {
    const COUNT = 20_000;
    const used = async (): Promise<number> =>
      Number(/used_memory:(\d+)/.exec(await redis.client.info("memory"))![1]);
    for (let i = 0; i < COUNT; i += 100) {
      await append(
        Array.from({ length: 100 }, (_, j) => ({ mid: `m-${i + j}` })),
        { keep: 10 },
      );
    }
    const before = await used();
    expect(await redis.client.hlen(keys.ids(0)[0])).toBe(COUNT);
    await redis.client.del(keys.ids(0)[0]);
    expect((before - (await used())) / COUNT).toBeLessThan(90);
  });
});

describe("beside a gateway of an earlier release", () => {
  const sent = keys.sent(0, { kind: "general" }, "ana" as never, "m1");
  /** A beat of it: it knows nothing of ids. */
  const olderBeats = (): Promise<unknown> => redis.client.hset(meta, "beat", Date.now() + 1);

  test("a batch with ids wants the keys of their answers as soon as it has beaten", async () => {
    await append([{ mid: "m1" }]);
    expect(await redis.client.exists(sent)).toBe(0);
    await olderBeats();
    await expect(append([{ mid: "m2" }])).rejects.toThrow("MIXED");
    await beat();
    await expect(append([{ mid: "m2" }])).rejects.toThrow("MIXED");
    expect(codes(await append([{ mid: "ours", mayRepeat: false }]))).toEqual([STORED]);
  });

  test("several messages are logged and announced one by one, as it reads them, as soon as it has beaten", async () => {
    const both = [
      { mid: "m1", mayRepeat: false },
      { mid: "m2", mayRepeat: false },
    ];
    await append(both);
    await olderBeats();
    await append(both);
    await beat();
    await append(both);
    const entries = await redis.client.xrangeBuffer(log, "-", "+");
    const kinds = entries.map(([, fields]) => fields[1]![0]);
    expect(kinds).toEqual([KIND.batch, ...Array.from({ length: 4 }, () => KIND.message)]);
    expect((await logged()).map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("answers are written where it looks, and found where it writes", async () => {
    await olderBeats();
    await beat();
    const [outcome] = await append([{ mid: "m1" }], { isMixed: true });
    expect(await redis.client.get(sent)).toBe(outcome!.slice(1).join(" "));
    expect(await redis.client.pttl(sent)).toBeGreaterThan(14 * MINUTE_MS);
    const theirs = keys.sent(0, { kind: "general" }, "ana" as never, "m2");
    const time = Date.now() - 14 * MINUTE_MS;
    await redis.client.set(theirs, `41 42 ${time}`);
    expect(await append([{ mid: "m1" }, { mid: "m2" }], { isMixed: true })).toEqual([
      [STORED_BEFORE, ...outcome!.slice(1)],
      [STORED_BEFORE, 41, 42, time],
    ]);
  });

  test("a history is never set to expire before its messages", async () => {
    await olderBeats();
    await beat();
    await append([{ mid: "m1" }], { isMixed: true });
    await redis.client.pexpire(general, 60_000); // as its messages do
    await append([{ mid: "m2" }], { isMixed: true });
    expect(await redis.client.pttl(general)).toBeGreaterThan(60_000);
  });

  test("that is so for 16 minutes after its last beat", async () => {
    await olderBeats();
    await beat();
    await beat();
    await age("mixed", 16 * MINUTE_MS - 10_000);
    await expect(append([{ mid: "m1" }])).rejects.toThrow("MIXED");
    await age("mixed", 10_000);
    await beat();
    expect(codes(await append([{ mid: "m1" }]))).toEqual([STORED]);
  });

  test("time in which nobody has beaten does not count: it may come back as well", async () => {
    await olderBeats();
    await beat();
    await age("mixed", 17 * MINUTE_MS);
    const long = `${Date.now() - 17 * MINUTE_MS}.0`;
    await redis.client.hset(meta, "beat", long, "beat_ids", long);
    await expect(append([{ mid: "m1" }])).rejects.toThrow("MIXED");
    await beat();
    await expect(append([{ mid: "m1" }])).rejects.toThrow("MIXED");
  });

  test("a beat of it is seen that falls into the same millisecond", async () => {
    await beat();
    const ours = (await redis.client.hget(meta, "beat"))!;
    await redis.client.hset(meta, "beat", String(Number(ours)));
    await expect(append([{ mid: "m1" }])).rejects.toThrow("MIXED");
  });

  test("data that it left behind is taken so too, and an empty bucket is not", async () => {
    expect(await redis.client.hexists(meta, "mixed")).toBe(0);
    await redis.client.hdel(meta, "beat_ids");
    await beat("join", "node-2");
    expect(await redis.client.hexists(meta, "mixed")).toBe(1);
  });

  test("a bucket that has lost its data while gateways serve is taken so too", async () => {
    await redis.client.flushall();
    const its = [meta, log, keys.nodes(0), ...keys.ids(0)];
    const args = ["node-1", "600000", "2500", "join", "", "7-7"];
    await redis.client.call("FCALL", `beat_${functions.version}`, its.length, ...its, ...args);
    expect(await redis.client.hexists(meta, "mixed")).toBe(1);
  });
});

test("batches of nodes that are long gone are forgotten", async () => {
  for (const node of ["node-2", "node-3"]) {
    await beat("join", node);
    await append([{ mid: node }], { node, number: 1 });
  }
  await redis.client.hdel(keys.nodes(0), "node-2", "node-3");
  const last = (await redis.client.hgetBuffer(meta, "batch:node-3"))!;
  last.writeUIntBE(Date.now() - 15 * MINUTE_MS, 6, 6);
  await redis.client.hset(meta, "batch:node-3", last);
  await age("ids_at", 15 * MINUTE_MS);
  await beat();
  const kept = (await redis.client.hkeys(meta)).filter((field) => field.startsWith("batch:"));
  expect(kept).toEqual(["batch:node-2"]);
});
