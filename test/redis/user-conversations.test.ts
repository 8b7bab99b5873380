import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Conversation } from "#tertulia/chat/conversation.js";
import { conversationBetween } from "#tertulia/chat/conversation.js";
import type { Name } from "#tertulia/chat/names.js";
import { Unavailable } from "#tertulia/chat/ports.js";
import { observe } from "#tertulia/observe.js";
import { recipientField } from "#tertulia/redis/conversation-fields.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { BUCKETS, Keys, bucketOfConversation } from "#tertulia/redis/keys.js";
import { UserConversations } from "#tertulia/redis/user-conversations.js";
import { append } from "../support/append.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const keys = new Keys("t");
const NODE = "node-1";
const SETTINGS = { historyMaxAgeMs: 60_000, deadlineMs: 5_000 };
const GENERAL = { kind: "general" } as const;
const ana = "ana" as Name;

let redis: TestRedis;
let library: FunctionLibrary;
/** The one that is tried. */
let counted: FunctionLibrary;
let conversations: UserConversations;
/** The functions that were called since the test began. */
let called: string[];
let isConnected = true;

beforeAll(async () => {
  redis = await startRedis();
  const source = await readFunctionSource();
  library = new FunctionLibrary(redis.client, source, observe("silent", "test"));
  counted = new FunctionLibrary(redis.client, source, observe("silent", "test"));
  const call = counted.call.bind(counted);
  counted.call = (name, its, args) => {
    called.push(name);
    return isConnected ? call(name, its, args) : Promise.reject(new Error("no connection"));
  };
  conversations = new UserConversations(counted, keys, SETTINGS);
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  called = [];
});

async function store(author: Name, conversation: Conversation, mid: string): Promise<void> {
  const bucket = bucketOfConversation(conversation);
  const bucketKeys = [keys.meta(bucket), keys.log(bucket), keys.nodes(bucket)];
  await library.call("beat", bucketKeys, [NODE, 60_000, 2_500, "join"]);
  const to = recipientField(conversation, author);
  await append(library, keys, [{ mid, author, to }], { bucket, node: NODE });
}

test("a user without private conversations has the general chat, up to the last message of its own", async () => {
  await store("bob" as Name, GENERAL, "m1");
  await store(ana, GENERAL, "m2");
  await store("bob" as Name, GENERAL, "m3");
  const [general, ...others] = await conversations.of(ana, 0);
  expect(general).toMatchObject({ conversation: GENERAL, head: 3, floor: 1, read: 2 });
  expect(others).toEqual([]);
});

test("users who ask at the same time are answered together, each with its own", async () => {
  const names = Array.from({ length: 60 }, (_, i) => `user-${i}` as Name);
  for (const [i, name] of names.entries()) {
    if (i % 7 === 0) await store(name, conversationBetween(name, ana), "m1");
    if (i % 9 === 0) await store(name, GENERAL, "m2");
  }
  const all = await Promise.all(names.map((name) => conversations.of(name, 0)));
  for (const [i, [general, ...others]] of all.entries()) {
    const own = Math.floor(i / 9) + 1;
    expect(general).toMatchObject({ conversation: GENERAL, head: 7, read: i % 9 === 0 ? own : 0 });
    const its = i % 7 === 0 ? [conversationBetween(names[i]!, ana)] : [];
    expect(others.map(({ conversation }) => conversation)).toEqual(its);
  }
  // 32, and the rest
  expect(called.filter((name) => name === "conversations")).toHaveLength(2 * BUCKETS);
});

test("who has waited too long is told so, and not asked for", async () => {
  const slow = new UserConversations(counted, keys, { ...SETTINGS, deadlineMs: -1 });
  await expect(slow.of(ana, 0)).rejects.toThrow(Unavailable);
  expect(called).toEqual([]);
});

test("nobody is asked for whose client has gone meanwhile", async () => {
  const outcomes = await Promise.allSettled([
    conversations.of(ana, 0, () => false),
    conversations.of("bob" as Name, 0, () => false),
  ]);
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ reason: expect.any(Unavailable) });
  expect(called).toEqual([]);
  // gone while the buckets are asked: its private conversations are not
  await store(ana, conversationBetween(ana, "bob" as Name), "m1");
  const leaving = conversations.of(ana, 0, () => called.length === 0);
  await expect(leaving).rejects.toThrow(Unavailable);
  expect(called.filter((name) => name === "extents")).toHaveLength(1);
  expect(await conversations.of(ana, 0)).toHaveLength(2);
});

test("what is wrong with one user's data does not harm those who ask at the same time", async () => {
  await redis.client.set(keys.inbox(3, ana), "no set");
  const names = ["bob", "ana", "eva"] as Name[];
  const all = await Promise.allSettled(names.map((name) => conversations.of(name, 0)));
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(all[1]).toMatchObject({ reason: { message: expect.stringMatching(/^WRONGTYPE/) } });
});

test("after a failure users are answered again", async () => {
  isConnected = false;
  const [ones, others] = [conversations.of(ana, 0), conversations.of("bob" as Name, 0)];
  await expect(ones).rejects.toThrow("no connection");
  await expect(others).rejects.toThrow("no connection");
  isConnected = true;
  expect(await conversations.of(ana, 0)).toHaveLength(1);
});

test("the general chat comes first, then the private conversations of all buckets, with their marks", async () => {
  const others = ["bob", "eva", "max", "joe", "tim", "kim"] as Name[];
  const between = others.map((other) => conversationBetween(ana, other));
  expect(new Set(between.map(bucketOfConversation)).size).toBeGreaterThan(2);
  for (const [i, conversation] of between.entries()) await store(others[i]!, conversation, "m1");
  const [first, ...rest] = between;
  await store(ana, first!, "m2");
  const marks = keys.marks(bucketOfConversation(rest[0]!), ana);
  await redis.client.hset(marks, others[1]!, 1);
  await redis.client.hset(keys.marks(bucketOfConversation(GENERAL), ana), "~", 7);

  const [general, ...found] = await conversations.of(ana, 0);
  expect(general).toMatchObject({ conversation: GENERAL, epoch: 0, head: 0, floor: 1, read: 0 });
  const reads = new Map(
    found.map(({ conversation, head, read }) => [conversation, { head, read }]),
  );
  expect(reads).toEqual(
    new Map(
      between.map((each, i) => [
        each,
        [
          { head: 2, read: 2 },
          { head: 1, read: 1 },
        ][i] ?? { head: 1, read: 0 },
      ]),
    ),
  );
});
