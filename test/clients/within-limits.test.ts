/** A program that asks for very much at once: its client keeps to the limits of a real gateway, as they are by default. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo } from "../support/sdk-scene.js";

let redis: TestRedis;
let served: Node;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  served = await node(redis.url);
  return () => served.close();
});

test("250 histories that are asked for at once are all answered, over one connection", async () => {
  const { chat, states } = join(at(served));
  const { seq } = await chat.publish("~", "hi");
  const pages = await Promise.all(upTo(250).map(() => chat.history("~")));
  expect(pages.map(({ messages }) => messages.at(-1)?.seq)).toEqual(pages.map(() => seq));
  expect(chat.state.name).toBe("open");
  expect(states.map(({ name }) => name)).toEqual(["open"]);
}, 60_000);

test("200 messages to 200 users at once, and more to one of them, are stored in their order", async () => {
  const names = upTo(200).map((n) => `bob${n}`);
  await Promise.all(names.map((name) => join(at(served), { name }).chat.joined()));
  const { chat, states } = join(at(served));
  await chat.joined();
  const began = performance.now();
  const convs = [...names, "bob1", "bob1"].map((name) => `@${name}`);
  const stored = await Promise.all(convs.map((conv, n) => chat.publish(conv, `text ${n}`)));
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(states.map(({ name }) => name)).toEqual(["open"]);
  const { messages } = await chat.history("@bob1");
  expect(messages.map(({ text }) => text)).toEqual(["text 0", "text 200", "text 201"]);
  expect(messages.map(({ mid }) => mid)).toEqual([0, 200, 201].map((n) => stored[n]!.mid));
}, 60_000);
