/** The Redis function `remove`, and every function that reads numbers, among holes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { GENERAL, conversationBetween } from "#tertulia/chat/conversation.js";
import type { Message } from "#tertulia/chat/events.js";
import type { Name } from "#tertulia/chat/names.js";
import { observe } from "#tertulia/observe.js";
import { decodeRecord } from "#tertulia/redis/events.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { Keys } from "#tertulia/redis/keys.js";
import { Random } from "#verifier/random.js";
import { append } from "../support/append.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const [REMOVED, UNKNOWN, FORBIDDEN, OTHER_RELEASE] = [0, 1, 2, 3];
const HOUR_MS = 3_600_000;
const keys = new Keys("t");
const its = [keys.conversation(0, GENERAL), keys.history(0, GENERAL), keys.removed(0, GENERAL)];
const [conversation, history, removed] = its as [string, string, string];

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
  await beat();
});

async function beat(): Promise<void> {
  const of = [keys.meta(0), keys.log(0), keys.nodes(0), ...keys.ids(0)];
  await library.call("beat", of, ["node-1", 600_000, 2_500, "join", ""]);
}

interface Asked {
  readonly user?: string;
  readonly since?: number;
  readonly ofAnybody?: boolean;
  readonly node?: string;
  readonly least?: number;
  readonly by?: FunctionLibrary;
}

/** A code, and the number of what removes it. */
async function remove(
  seq: number,
  {
    user = "ana",
    since = 0,
    ofAnybody = false,
    node = "node-1",
    least = 0,
    by = library,
  }: Asked = {},
): Promise<(number | undefined)[]> {
  const of = [keys.meta(0), keys.log(0), keys.nodes(0), removed];
  const marks = keys.marks(0, user as Name);
  const args = [node, 100, HOUR_MS, least, user, "", seq, since, ofAnybody ? 1 : ""];
  const answer = await by.call("remove", [...of, marks, conversation, history], args);
  return (answer as (number | undefined)[]).slice(1, 3);
}

async function page(
  direction: "after" | "before",
  seq: number,
  limit: number,
  { bytes = 1e6, since = 0 } = {},
): Promise<{ epoch: number; head: number; floor: number; there: number; messages: Message[] }> {
  const args = [direction, seq, limit, HOUR_MS, since, 0, bytes];
  const answer = (await library.call("page", its, args)) as (number | Buffer)[];
  const [epoch, head, floor, , there] = answer as number[];
  const messages = (answer.slice(6) as Buffer[]).map(decodeRecord);
  return { epoch: epoch!, head: head!, floor: floor!, there: there!, messages };
}

const shown = ({ seq, text, removes, removed: isGone }: Message): string =>
  `${seq} ${removes === undefined ? (isGone ? "removed" : Buffer.from(text).toString()) : `removes ${removes}`}`;

const texts = (...words: string[]): Promise<unknown> =>
  append(
    library,
    keys,
    words.map((text) => ({ mid: "", text, mayRepeat: false })),
    { keepMs: HOUR_MS },
  );

test.each([1, 2, 3, 4, 5, 6])(
  "pages have every number once, whatever was removed (seed %i)",
  async (seed) => {
    const random = new Random(seed);
    /** What each number is, from 1 on. */
    const model: string[] = [];
    const authors: string[] = [];
    let first = 1;
    for (let round = 0; round < 40; round++) {
      const many = Math.ceil(random.between(1, 9));
      for (let i = 0; i < many; i++) {
        const [seq, author] = [model.length + 1, random.pick(["ana", "bob"])];
        const text = `text ${seq}`;
        await append(library, keys, [{ mid: `m${seq}`, author, text }]);
        model.push(text);
        authors.push(author);
      }
      for (let i = 0; i < random.between(0, 8); i++) {
        const seq = Math.ceil(random.between(first - 1, model.length));
        const was = model[seq - 1];
        const answer = await remove(seq, { user: authors[seq - 1]! });
        if (was === undefined || was.startsWith("removes")) expect(answer[0]).not.toBe(REMOVED);
        else if (was !== "removed" && seq >= first) {
          expect(answer).toEqual([REMOVED, model.length + 1]);
          model[seq - 1] = "removed";
          authors.push(authors[seq - 1]!);
          model.push(`removes ${seq}`);
        }
      }
      if (random.next() < 0.2) {
        first = Math.ceil(random.between(first, model.length));
        await redis.client.xtrim(history, "MINID", first);
      }
      const { floor, head } = await page("after", 0, 1);
      expect(head).toBe(model.length);
      const expected = model.map((each, i) => `${i + 1} ${each}`);
      // removed ones directly before the first that is kept are shown, too
      expect(floor).toBeLessThanOrEqual(
        Math.max(first, 1) + model.slice(first - 1).findIndex((each) => each !== "removed"),
      );
      for (const each of model.slice(floor - 1, first - 1)) expect(each).toBe("removed");
      const limit = Math.ceil(random.between(1, 40));
      const forth: Message[] = [];
      for (let at = 0; at < head; at = forth.at(-1)!.seq) {
        forth.push(...(await page("after", at, limit)).messages);
      }
      expect(forth.map(shown)).toEqual(expected.slice(floor - 1));
      const back: Message[] = [];
      for (let at = head + 1; at > floor; at = back[0]!.seq) {
        const { messages } = await page("before", at, limit);
        expect(messages.length).toBe(Math.min(limit, at - floor));
        back.unshift(...messages);
      }
      expect(back).toEqual(forth);
      for (const { seq, epoch } of random.next() < 0.3 ? forth : []) {
        expect((await page("after", seq, 1)).there).toBe(epoch);
      }
      const args = [255, HOUR_MS, 0, 1e6, 1e6];
      const newest = (
        (await library.call("history", [conversation, history], args)) as Buffer[]
      ).map(decodeRecord);
      const said = expected.slice(first - 1).filter((each) => each.includes("text"));
      expect(newest.toReversed().map(shown)).toEqual(said.slice(-255));
    }
    expect(await redis.client.zcard(removed)).toBeLessThanOrEqual(model.length - first + 101);
  },
);

describe("a removal", () => {
  test("is fenced, like every message: by the node's lease and by replicas", async () => {
    await texts("one");
    await expect(remove(1, { node: "another" })).rejects.toThrow("FENCED");
    await expect(remove(1, { least: 1 })).rejects.toThrow("NOREPLICAS");
    await redis.client.hset(keys.nodes(0), "node-1", 1);
    await expect(remove(1)).rejects.toThrow("FENCED");
    expect(await redis.client.xlen(history)).toBe(1);
  });

  test("waits until gateways of another release are gone", async () => {
    await texts("one");
    const { client } = redis;
    await client.hset(keys.meta(0), "beat", "1");
    expect(await remove(1)).toEqual([OTHER_RELEASE]);
    await beat(); // notes it
    expect(await remove(1)).toEqual([OTHER_RELEASE]);
    await client.hincrby(keys.meta(0), "mixed", -9_000);
    expect(await remove(1)).toEqual([OTHER_RELEASE]);
    await client.hincrby(keys.meta(0), "mixed", -2_000);
    expect(await remove(1)).toEqual([REMOVED, 2]);
  });

  test("by name is by who had it then", async () => {
    await texts("one");
    const later = Date.now() + 1_000;
    expect(await remove(1, { since: later })).toEqual([FORBIDDEN]);
    expect(await remove(1, { user: "bob" })).toEqual([FORBIDDEN]);
    expect(await remove(2)).toEqual([UNKNOWN]);
    expect(await remove(1, { user: "bob", ofAnybody: true })).toEqual([REMOVED, 2]);
    // it is no secret to whoever wrote it
    expect(await remove(1)).toEqual([REMOVED, 2]);
    expect(await remove(1, { user: "eve" })).toEqual([FORBIDDEN]);
    expect(await remove(2, { ofAnybody: true })).toEqual([FORBIDDEN]);
  });

  test("leaves nothing of the text that can be read, and goes with the history", async () => {
    await texts("one", "a secret", "three");
    await remove(2);
    expect(String(await redis.client.xrangeBuffer(history, "-", "+"))).not.toContain("secret");
    expect(String(await redis.client.zrangeBuffer(removed, 0, "-1"))).not.toContain("secret");
    const [left, most] = [await redis.client.pttl(removed), await redis.client.pttl(history)];
    expect(left).toBeGreaterThan(HOUR_MS);
    expect(left).toBeLessThanOrEqual(most + 1_000);
  });

  test("is answered again after a failover that took it back", async () => {
    await texts("one", "two");
    const before = await Promise.all(
      [conversation, history].map((key) => redis.client.dumpBuffer(key)),
    );
    await remove(1);
    await redis.client.del(removed);
    for (const [i, key] of [conversation, history].entries()) {
      await redis.client.restore(key, 0, before[i]!, "REPLACE");
    }
    expect(await remove(1)).toEqual([REMOVED, 3]);
    const { messages } = await page("after", 0, 10);
    expect(messages.map(shown)).toEqual(["1 removed", "2 two", "3 removes 1"]);
  });
});

test("a removal that the log refuses is an error, and hurts no message behind it", async () => {
  await texts("one", "two");
  const adding = "local function add_entry(bucket, log, offset, bytes)";
  const source = functions.source.replace(adding, `${adding} do return 'ERR refused' end`);
  expect(source).not.toBe(functions.source);
  const refusing = new FunctionLibrary(
    redis.client,
    { version: "refusing", source: source.replaceAll(functions.version, "refusing") },
    observe("silent", "test"),
  );
  await expect(remove(1, { by: refusing })).rejects.toThrow("refused");
  await texts("four");
  expect(await remove(1)).toEqual([REMOVED, 3]);
  const { messages } = await page("after", 0, 10);
  expect(messages.map(shown)).toEqual(["1 removed", "2 two", "3 removes 1", "4 four"]);
});

test("thousands of tombstones of one number, as nobody but a person at redis-cli can make, stop no removal", async () => {
  await texts("one");
  const many = Array.from({ length: 9_000 }, (_, i) => [1, `damaged ${i}`]).flat();
  await redis.client.zadd(removed, ...many);
  expect(await remove(1)).toEqual([REMOVED, 2]);
  await texts("three");
  const { messages } = await page("after", 0, 10);
  expect(messages.map(shown)).toEqual(["1 removed", "2 removes 1", "3 three"]);
});

test("tombstones never go before the history, whatever each gateway keeps", async () => {
  const ends = async (): Promise<[number, number]> => [
    await redis.client.pexpiretime(removed),
    await redis.client.pexpiretime(history),
  ];
  const say = (keepMs: number): Promise<unknown> =>
    append(library, keys, [{ mid: "", mayRepeat: false }], { keepMs });
  await say(30 * 24 * HOUR_MS);
  await remove(1); // by one that keeps an hour
  const [tombs, messages] = await ends();
  expect(tombs).toBeGreaterThanOrEqual(messages);
  await redis.client.hset(conversation, "renewed", 0); // as 30 seconds later
  await say(30 * 24 * HOUR_MS);
  const [laterTombs, laterMessages] = await ends();
  expect(laterMessages - Date.now()).toBeGreaterThan(29 * 24 * HOUR_MS);
  expect(laterTombs).toBeGreaterThanOrEqual(laterMessages);
});

test("a hole of which nothing is known ends a page: it is told as a gap", async () => {
  await texts("one", "two", "three", "four", "five");
  await remove(2);
  await redis.client.del(removed);
  await redis.client.xdel(history, "3-0");
  const answer = (await library.call("page", its, [
    "after",
    0,
    10,
    HOUR_MS,
    0,
    0,
    1e6,
  ])) as Buffer[];
  const records = answer
    .slice(6)
    .map((each) => (each.length === 0 ? "" : shown(decodeRecord(each))));
  expect(records).toEqual(["1 one", "", "4 four", "5 five", "6 removes 2"]);
});

test("histories in bytes pass over what says nothing, but not for ever", async () => {
  const read = async (): Promise<string[]> =>
    (
      (await library.call(
        "history",
        [conversation, history],
        [255, HOUR_MS, 0, 1e6, 1e6],
      )) as Buffer[]
    ).map((each) => shown(decodeRecord(each)));
  await texts("the oldest", "a slip");
  await remove(2);
  const id = "3-0";
  const [, [, record]] = (await redis.client.xrangeBuffer(history, id, id))[0] as unknown as [
    Buffer,
    [Buffer, Buffer],
  ];
  const silent = (from: number, to: number): Promise<unknown> => {
    const adds = redis.client.pipeline();
    for (let seq = from; seq <= to; seq++) {
      const copy = Buffer.from(record);
      copy.writeUIntBE(seq, 12, 6);
      adds.xadd(history, `${seq}-0`, "m", copy);
    }
    return adds.exec();
  };
  await silent(4, 3 + 4_095);
  expect(await read()).toEqual(["1 the oldest"]);
  await silent(3 + 4_096, 3 + 4_096);
  expect(await read()).toEqual([]);
});

test("a private conversation is removed from by who wrote there, and as far as it is shown", async () => {
  const both = conversationBetween("ana" as Name, "bob" as Name);
  await append(library, keys, [{ mid: "m1", to: "bob" }]);
  const ask = (user: string, other: string, since = 0): Promise<unknown> => {
    const of = [keys.meta(0), keys.log(0), keys.nodes(0), keys.removed(0, both)];
    const places = [keys.conversation(0, both), keys.history(0, both)];
    const inboxes = [user, other].flatMap((each) => [
      keys.inbox(0, each as Name),
      keys.marks(0, each as Name),
    ]);
    const marks = keys.marks(0, user as Name);
    const args = ["node-1", 100, HOUR_MS, 0, user, other, 1, since, ""];
    return library.call("remove", [...of, marks, ...places, ...inboxes], args);
  };
  expect(await ask("bob", "ana")).toEqual([0, FORBIDDEN]);
  expect(await ask("ana", "bob", Date.now() + 1_000)).toEqual([0, UNKNOWN]);
  expect(await ask("ana", "bob")).toEqual([0, REMOVED, 2, Buffer.from("ana"), Buffer.from("ana")]);
});
