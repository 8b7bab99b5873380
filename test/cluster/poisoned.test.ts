/** What somebody else has put into Redis hurts its own user, conversation or bucket, and nobody else. */
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { GENERAL, conversationBetween } from "#tertulia/chat/conversation.js";
import type { Name } from "#tertulia/chat/names.js";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { Keys, bucketOfConversation, bucketOfUser } from "#tertulia/redis/keys.js";
import type { Redis } from "ioredis";
import { CLOSE } from "#tertulia/wire/close-codes.js";
import { WebSocket } from "ws";
import { ClassicClient } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at } from "../support/sdk-scene.js";

const keys = new Keys("tertulia");
/** Of the damaged: a user, whom they talk to, and the bucket of both, where nothing of the honest is. */
const { dan, eve, bucket } = damagedNames();
const conversation = conversationBetween(dan, eve);

function damagedNames(): { dan: Name; eve: Name; bucket: number } {
  const [ana, bob] = ["ana" as Name, "bob" as Name];
  const honest = [
    0, // the leader's
    bucketOfConversation(GENERAL),
    bucketOfConversation(conversationBetween(ana, bob)),
    bucketOfUser(ana),
    bucketOfUser(bob),
  ];
  for (let i = 0; ; i++) {
    const [dan, eve] = [`dan${i}` as Name, `eve${i}` as Name];
    const bucket = bucketOfUser(dan);
    const isSame = bucketOfConversation(conversationBetween(dan, eve)) === bucket;
    if (isSame && bucketOfUser(eve) !== bucket && !honest.includes(bucket)) {
      return { dan, eve, bucket };
    }
  }
}

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[] = [];
let [ana, bob]: Tertulia[] = [];
const heard = new Map<string, string[]>();

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  nodes = await Promise.all([gateway(), gateway()]);
  [ana, bob] = ["ana", "bob"].map((name, i) => {
    const chat = connect(i === 0 ? at(...nodes) : at(...nodes.toReversed()), { name, WebSocket });
    heard.set(name, []);
    chat.on("message", ({ text, from }) => {
      if (from !== name) heard.get(name)!.push(text);
    });
    return chat;
  });
  said.length = 0;
  await Promise.all([ana!.joined(), bob!.joined()]);
  await chatters();
  // so that every kind of key is there
  await damagedAsk();
});
afterEach(async () => {
  await Promise.all([ana!.close(), bob!.close()]);
  for (const each of nodes) await each.close();
});

function gateway(): ReturnType<typeof node> {
  return node(redis.url, { LEASE_MS: 4_000, BEAT_MS: 250, OPERATION_DEADLINE_MS: 3_000 });
}

/** For a gateway of an earlier release: lua/3-removal.lua. */
const REMOVALS_WAIT_MS = 11_000;

const said: string[] = [];

/** Ana and Bob say something to each other: each hears it once, and all before it. */
async function chatters(): Promise<void> {
  const text = `text ${said.length}`;
  said.push(text);
  await Promise.all([ana!.publish("@bob", text), bob!.publish("@ana", text)]);
  await eventually(() => {
    for (const name of ["ana", "bob"]) expect(heard.get(name)).toEqual(said);
  });
}

const HONEST_ERRORS = [
  "unavailable",
  "name_taken",
  "name_kept", // for an owner whose record cannot be read
  "not_found",
  "closed 4500",
  "closed 4510",
  "closed 1012",
];

/** Lists users in bytes. */
const READER = Array.from({ length: 32 }, (_, i) => `reader${i}`).find(
  (each) => bucketOfUser(each as Name) !== bucket,
)!;

/** Dan comes anew at each node in turn, and asks for all there is. Each question has an answer, if he is let in. */
async function damagedAsk(): Promise<string[]> {
  const answers: string[] = [];
  for (const [i, { port }] of nodes.entries()) {
    const client = await JsonClient.connect(port);
    client.says({ type: "hello", name: dan, key: "a-key-of-dan-0123456789" });
    const hello = await client
      .next()
      .catch(async () => ({ type: `closed ${await client.closed()}` }));
    answers.push(hello.type.startsWith("closed") ? hello.type : codeOf(hello));
    if (hello.type === "welcome") {
      const friend = await JsonClient.connect(port);
      friend.says({ type: "hello", name: eve, key: "a-key-of-eve-0123456789" });
      answers.push(codeOf(await friend.next().catch(() => endOf(friend))));
      if (friend.heard[0]?.type === "welcome") {
        answers.push(await answerTo(friend, { type: "publish", conv: `@${dan}`, text: "hi" }));
      }
      const conv = `@${eve}`;
      const questions = [
        { type: "publish", conv, text: `from ${i}`, mid: randomUUID() },
        { type: "history", conv },
        { type: "history", conv, after: 0 },
        { type: "read", conv, seq: 1 },
        { type: "status", status: "busy" },
        { type: "typing", conv },
        { type: "user", user: eve },
        { type: "user", user: dan },
        { type: "presence" },
      ];
      for (const question of questions) answers.push(await answerTo(client, question));
      const own = { type: "publish", conv, text: "a slip" };
      const { seq } = await client.asks(own).catch(() => ({ seq: undefined }));
      if (seq !== undefined) answers.push(await answerTo(client, { type: "remove", conv, seq }));
      answers.push(await answerTo(client, { type: "history", conv }));
      friend.says({ type: "bye" });
    }
    if (hello.type === "welcome") client.says({ type: "bye" });
    // somebody else's list has Dan in it
    const reader = await ClassicClient.connect(port, READER);
    reader.says(1);
    await eventually(() => {
      const isAnswered = reader.heard.some((each) => each[0] === 51);
      expect(isAnswered || reader.webSocket.readyState === WebSocket.CLOSED).toBe(true);
      answers.push(isAnswered ? "" : `closed ${CLOSE.eventsMissed.code}`);
    });
    await reader.close();
  }
  return answers;
}

async function answerTo(client: JsonClient, question: object): Promise<string> {
  return codeOf(await client.asks(question).catch(() => endOf(client)));
}

/** To be closed is an answer too, with this code. */
async function endOf(client: JsonClient): Promise<{ type: string; code: string }> {
  return { type: "error", code: `closed ${await client.closed()}` };
}

function codeOf(frame: Record<string, unknown>): string {
  return frame["type"] === "error" ? String(frame["code"]) : "";
}

/** How a value may be damaged; `type` makes it a key of another type. */
const DAMAGES = {
  empty: () => Buffer.alloc(0),
  cut: (value: Buffer) => value.subarray(0, value.length / 2),
  garbage: (value: Buffer) => randomBytes(Math.max(value.length, 24)),
  number: () => Buffer.from("281474976710656"),
  huge: () => Buffer.alloc(1_000_000, "x"),
} as const;

async function damageKey(
  client: Redis,
  key: string,
  how: keyof typeof DAMAGES | "type",
): Promise<void> {
  const type = await client.type(key);
  if (how === "type") {
    await client.del(key);
    if (type === "string") await client.lpush(key, "x");
    else await client.set(key, "x");
    return;
  }
  const damage = DAMAGES[how];
  switch (type) {
    case "hash": {
      const fields = Object.entries(await client.hgetallBuffer(key));
      for (const [field, value] of fields) await client.hset(key, field, damage(value));
      return;
    }
    case "zset":
      for (const each of await client.zrangeBuffer(key, 0, "-1")) {
        await client.zadd(key, `${Date.now()}`, damage(each));
      }
      return;
    case "set":
      for (const each of await client.smembersBuffer(key)) await client.sadd(key, damage(each));
      return;
    case "string":
      await client.set(key, damage((await client.getBuffer(key))!));
      return;
    case "stream": {
      const entries = await client.xrangeBuffer(key, "-", "+");
      await client.del(key);
      // every second one, and the last; under another field as well
      for (const [i, [id, [field, value]]] of entries.entries()) {
        const isHit = (entries.length - i) % 2 === 1;
        const name = isHit && how === "cut" ? "f" : field!;
        await client.xadd(key, id.toString(), name, isHit ? damage(value!) : value!);
      }
      return;
    }
    default:
      throw new Error(`${key} is not there`);
  }
}

/** Some are there only while something lasts, or beside gateways of 0.2. */
async function ensure(client: Redis, key: string): Promise<void> {
  if ((await client.exists(key)) === 1) return;
  if (/:(?:online|left|active|unregistering)$|:inbox:/.test(key)) await client.zadd(key, 1, eve);
  else if (key.endsWith("ends")) await client.zadd(key, "inf", "ban =mallory");
  else if (key.endsWith("log")) await client.xadd(key, "*", "act", "ban");
  else if (key.endsWith("sanctions")) await client.hset(key, "ban =mallory", "1 0 1 x y");
  else if (/:ids:|:marks:|owners$|unregistered$|:account:/.test(key))
    await client.hset(key, eve, "1");
  else await client.set(key, "1 1 1");
}

/** Keys of each kind, by the method of Keys that names them. */
const KINDS: Readonly<Record<string, () => string[]>> = {
  meta: () => [keys.meta(bucket)],
  log: () => [keys.log(bucket)],
  users: () => [keys.users(bucket)],
  online: () => [keys.online(bucket)],
  left: () => [keys.left(bucket)],
  nodes: () => [keys.nodes(bucket)],
  owners: () => [keys.owners(bucket)],
  ofOwners: () => keys.ofOwners(bucket, "-").slice(-1),
  owned: () => nodes.map(({ incarnation }) => keys.owned(bucket, incarnation)),
  ofUsers: () => keys.ofUsers(bucket, "-").slice(5, 6), // active
  conversation: () => [keys.conversation(bucket, conversation)],
  history: () => [keys.history(bucket, conversation)],
  removed: () => [keys.removed(bucket, conversation)],
  ids: () => keys.ids(bucket),
  sent: () => [keys.sent(bucket, conversation, dan, "mid-of-0.2")],
  inbox: () => [keys.inbox(bucket, dan)],
  marks: () => [keys.marks(bucket, dan)],
  inboxesOf: () => keys.inboxesOf(dan)[bucket]!.slice(),
  unregistered: () => [keys.unregistered(bucket)],
  unregistering: () => [keys.unregistering(bucket)],
  ofClaims: () => keys.ofClaims(bucket, "-").slice(-1), // unregistered
  ofUnregister: () => keys.ofUnregister(dan).slice(-1), // unregistering
  // read with IDENTITY=accounts only: test/identity has more
  account: () => [keys.account(dan)],
  ofAccount: () => keys.ofAccount(dan).slice(-1),
  attempts: () => [keys.attempts(dan, "network")],
  moderation: () => keys.moderation(),
  leader: () => [keys.leader()],
};
/** No data is there. */
const CHANNELS = ["probe"];

test("every kind of key has a row", () => {
  const methods = Object.getOwnPropertyNames(Keys.prototype).filter(
    (each) => each !== "constructor",
  );
  expect([...Object.keys(KINDS), ...CHANNELS].toSorted()).toEqual(methods.toSorted());
});

/** That the gateways know, and say at any time. */
async function expectSound(): Promise<void> {
  for (const { port, log, counters } of nodes) {
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    await eventually(() => expect(counters.ready.read()).toBe(1));
    const bugs = log.filter(
      ({ event }) =>
        event === "session_broken" || event === "request_failed" || event === "delivery_failed",
    );
    expect(bugs).toEqual([]);
  }
}

test.each(Object.keys(KINDS))("a damaged key of the kind %s hurts nobody else", async (kind) => {
  const { client } = redis;
  for (const how of [...Object.keys(DAMAGES), "type"] as (keyof typeof DAMAGES | "type")[]) {
    await damagedAsk(); // so that the key is there, and sound
    const before = nodes.map(({ log }) => log.length);
    for (const key of KINDS[kind]!()) {
      await ensure(client, key);
      await damageKey(client, key, how);
    }
    for (const each of await damagedAsk()) expect(["", ...HONEST_ERRORS], how).toContain(each);
    await chatters();
    await expectSound();
    // a flood of lines would hurt, too
    for (const [i, { log }] of nodes.entries()) {
      const loud = log.slice(before[i]).filter(({ level }) => level >= 40);
      expect(loud.length, how).toBeLessThan(150);
    }
    await client.del(...KINDS[kind]!());
    // its messages are numbered by both
    if (kind === "conversation") await client.del(...KINDS["history"]!());
    await eventually(async () => {
      // nobody knows whether a gateway of an earlier release was there: removals wait. As if they had waited
      const meta = keys.meta(bucket);
      if (kind === "meta") await client.hset(meta, "mixed", Date.now() - REMOVALS_WAIT_MS);
      for (const each of await damagedAsk()) expect(each).toBe("");
    });
  }
});
