/** A user's own data through the SDK: to have all of it, and to leave for good. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at } from "../support/sdk-scene.js";

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];
const chats: Tertulia[] = [];

beforeAll(async () => {
  redis = await startRedis();
  nodes = await Promise.all([node(redis.url), node(redis.url)]);
});
afterAll(async () => {
  await Promise.all(chats.map((each) => each.close()));
  await Promise.all(nodes.map((each) => each.close()));
  await redis.close();
});

function join(name: string): Tertulia {
  const chat = connect(at(...nodes), { name, WebSocket });
  chats.push(chat);
  return chat;
}

test("exportData has it all in one value, however many parts that takes", async () => {
  const [ana, bob] = [join("ana"), join("bob")];
  await Promise.all([ana.joined(), bob.joined()]);
  const texts = Array.from({ length: 210 }, (_, i) => `to bob ${i}`);
  await Promise.all(texts.map((text) => ana.publish("@bob", text)));
  await ana.publish("~", "to all");
  await bob.publish("~", "not ana's");
  const { user, status, messages = [], marks } = await ana.exportData();
  expect([user, status]).toEqual(["ana", "active"]);
  const said = messages.map(({ conv, text }) => `${conv} ${text}`);
  expect(said).toEqual(["~ to all", ...texts.map((text) => `@bob ${text}`)]);
  expect(messages.slice(1).map(({ seq }) => seq)).toEqual(texts.map((_, i) => i + 1));
  expect(marks).toContainEqual({ conv: "@bob", read: 210 });
  const stop = new AbortController();
  stop.abort(new Error("not now"));
  await expect(ana.exportData({ signal: stop.signal })).rejects.toThrow("not now");
});

test("unregister closes all clients of the user for good", async () => {
  const eva = join("eva");
  const twin = connect(at(...nodes.toReversed()), { name: "eva", key: eva.key, WebSocket });
  chats.push(twin);
  await Promise.all([eva.joined(), twin.joined()]);
  const fay = join("fay");
  await fay.joined();
  await eva.publish("@fay", "eva was here");
  await eva.unregister({ erase: true });
  await eventually(() => {
    for (const each of [eva, twin]) {
      expect(each.state).toMatchObject({ name: "closed", code: 4403, reason: "unregistered" });
    }
  });
  const { messages } = await fay.history("@eva");
  expect(messages).toMatchObject([{ from: "~", text: "", removed: true }]);
  await expect(fay.publish("@eva", "are you there?")).rejects.toThrow();
  await expect(fay.user("eva")).rejects.toMatchObject({ code: "not_found" });
});
