/** Messages that are removed, as programs with the SDK hear of it: at once, on coming back, and later. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Message } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo } from "../support/sdk-scene.js";

let redis: TestRedis;
let gateways: Awaited<ReturnType<typeof node>>[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateways = [await node(redis.url), await node(redis.url)];
});
afterEach(async () => {
  for (const each of gateways) await each.close();
});

const shown = ({ seq, text, removes, removed }: Message): string =>
  removes === undefined
    ? `${seq} ${removed === true ? "removed" : text}`
    : `${seq} removes ${removes}`;

test("a message is removed for who is there, who comes back with cursors, and who asks for the history", async () => {
  const [first, second] = gateways as [
    Awaited<ReturnType<typeof node>>,
    Awaited<ReturnType<typeof node>>,
  ];
  const ana = join(at(first), { key: "anas-key" });
  const bob = join(at(second), { name: "bob", key: "bobs-key" });
  await Promise.all([ana.chat.joined(), bob.chat.joined()]);
  for (const n of upTo(3)) await ana.chat.publish("@bob", `text ${n}`);
  await eventually(() => expect(bob.seqs).toEqual([1, 2, 3]));
  const { cursors } = bob.chat;
  expect(await ana.chat.remove("@bob", 2)).toBe(4);
  await eventually(() => expect(bob.messages.map(shown).at(-1)).toBe("4 removes 2"));
  await bob.chat.close();
  await ana.chat.publish("@bob", "text 5");
  expect(await ana.chat.remove("@bob", 5)).toBe(6);
  const back = join(at(first), { name: "bob", key: "bobs-key", cursors });
  await eventually(() =>
    expect(back.messages.map(shown)).toEqual(["4 removes 2", "5 removed", "6 removes 5"]),
  );
  expect(back.gaps).toEqual([]);
  const { messages } = await back.chat.history("@ana");
  expect(messages.map(shown)).toEqual([
    "1 text 1",
    "2 removed",
    "3 text 3",
    "4 removes 2",
    "5 removed",
    "6 removes 5",
  ]);
  await expect(back.chat.remove("@ana", 1)).rejects.toMatchObject({ code: "forbidden" });
  await expect(back.chat.remove("@ana", 9)).rejects.toMatchObject({ code: "not_found" });
});

test("a cursor may stand on a message that was removed, also in an older epoch", async () => {
  const ana = join(at(gateways[0]!), { key: "anas-key" });
  for (const n of upTo(3)) await ana.chat.publish("~", `text ${n}`);
  await eventually(() => expect(ana.seqs).toEqual([1, 2, 3]));
  const [, second] = ana.messages;
  const cursors = { "~": [second!.epoch, 2] as const };
  await ana.chat.remove("~", 2);
  await redis.kill(); // a restart begins a new epoch
  await redis.revive();
  await ana.chat.publish("~", "text 5");
  expect((await ana.chat.history("~")).epoch).not.toBe(second!.epoch);
  const bob = join(at(gateways[1]!), { name: "bob", cursors });
  await eventually(() =>
    expect(bob.messages.map(shown)).toEqual(["3 text 3", "4 removes 2", "5 text 5"]),
  );
  expect(bob.gaps).toEqual([]);
});

test("more than a page of removed messages is passed, and nothing is missing", async () => {
  const ana = join(at(gateways[0]!), { key: "anas-key" });
  const bob = join(at(gateways[1]!), { name: "bob", key: "bobs-key" });
  await bob.chat.joined();
  await bob.chat.close();
  for (const n of upTo(151)) await ana.chat.publish("@bob", `${n}`);
  await Promise.all(upTo(151, 2).map((n) => ana.chat.remove("@bob", n)));
  const back = join(at(gateways[1]!), { name: "bob", key: "bobs-key" });
  await eventually(() => expect(back.seqs).toEqual(upTo(301)));
  expect(back.gaps).toEqual([]);
  expect(back.messages.filter(({ removed }) => removed === true)).toHaveLength(150);
});
