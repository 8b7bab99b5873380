import { expect, test } from "vitest";
import { agreedBy } from "#verifier/rules/agreed.js";
import { tryDeployment } from "#verifier/deployment.js";
import type { Entry } from "#verifier/history.js";
import { brokenOf } from "#verifier/rules/rule.js";
import { Index } from "#verifier/rules/run-history.js";
import { historiesEndWithHeard } from "#verifier/rules/shown.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { node } from "../support/nodes.js";
import { startRedis } from "../support/redis.js";

/** Sessions 1, 2, … hear these ids in these orders. */
function heard(...views: string[][]): Index {
  const entries: Entry[] = [];
  for (const [i, ids] of views.entries()) {
    const session = i + 1;
    entries.push({ t: 0, kind: "open", session, name: `client${i}`, gateway: 0 });
    for (const [at, id] of ids.entries()) {
      entries.push({ t: 10 * (at + 1) + i, kind: "heard", session, id, conv: "~" });
    }
  }
  const truth = { messages: [], connected: [], terms: [], events: [], reports: [] };
  return new Index({ entries, truth, open: new Map(), ack: "fast", ackReplicas: 1 });
}

test("partial orders of sessions are merged into one", () => {
  const { messages, contradictions } = agreedBy(heard(["a", "c", "d"], ["x", "a", "b", "c"]));
  expect(contradictions).toEqual([]);
  expect(messages.map(({ id }) => id)).toEqual(["x", "a", "b", "c", "d"]);
  expect(messages.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
});

test("two sessions that heard two messages in different orders contradict one another", () => {
  expect(agreedBy(heard(["a", "b", "c"], ["a", "c", "b"])).contradictions).toHaveLength(1);
});

/** Ana and bob wrote ten messages; ana was there from the sixth on, and asks. */
function tenMessages(): { readonly index: Index; readonly ids: string[] } {
  const ids = Array.from({ length: 10 }, (_, i) => `${i % 2 === 0 ? "ana" : "bob"}.${i}`);
  const conv = "ana|bob";
  const entries: Entry[] = [{ t: 5, kind: "open", session: 1, name: "ana", gateway: 0 }];
  for (const id of ids.slice(5)) entries.push({ t: 6, kind: "heard", session: 1, id, conv });
  const messages = ids.map((id, i) => ({ conv, seq: i + 1, epoch: 0, author: "", id }));
  const truth = { messages, connected: [], terms: [], events: [], reports: [] };
  const run = { entries, truth, open: new Map(), ack: "fast", ackReplicas: 1 } as const;
  return { index: new Index(run), ids };
}

// each of the ten takes 18 bytes, and the head two
test.each([
  ["all of it", "name", 10, 4_096, 0],
  ["what came since it was there", "tenure", 5, 4_096, 0],
  ["more than that", "tenure", 7, 4_096, 0],
  ["less than that", "tenure", 4, 4_096, 1],
  ["less than all", "name", 9, 4_096, 1],
  ["nothing", "name", 0, 4_096, 1],
  ["nothing", "tenure", 0, 4_096, 1],
  ["as much as fits", "name", 3, 62, 0],
  ["less than fits", "name", 3, 82, 1],
] as const)("a history may show %s (%s, %i messages, %i bytes): %i are wrong", (...row) => {
  const [, privateHistory, count, maxBytes, wrong] = row;
  const { index, ids } = tenMessages();
  const shown = { conv: "ana|bob", session: 1, ids: ids.slice(10 - count) };
  const showing = { privateHistory, maxBytes };
  const found = historiesEndWithHeard(index, [shown], showing);
  expect(found.wrong).toHaveLength(wrong);
  expect(found.seen).toBe(1);
});

test("a history that ends before what was heard last is wrong", () => {
  const { index, ids } = tenMessages();
  const shown = { conv: "ana|bob", session: 1, ids: ids.slice(0, -1) };
  const showing = { privateHistory: "name", maxBytes: 4_096 } as const;
  expect(historiesEndWithHeard(index, [shown], showing).wrong).toHaveLength(1);
  // messages that nobody heard do not matter, but need room
  const more = { ...shown, ids: ["carl.1", ...ids.slice(1), "carl.2"] };
  expect(historiesEndWithHeard(index, [more], { ...showing, maxBytes: 221 }).wrong).toEqual([]);
  expect(historiesEndWithHeard(index, [more], showing).wrong).toHaveLength(1);
});

test("a deployment where others chat as well is judged by what the verifier's clients see", async () => {
  const redis = await startRedis();
  const nodes = [await node(redis.url), await node(redis.url)];
  const stranger = await ClassicClient.connect(nodes[0]!.port, "stranger");
  const chatter = setInterval(() => stranger.says(4, L("~"), L("hello there")), 20);
  try {
    const urls = nodes.map(({ port }) => `ws://127.0.0.1:${port}`);
    for (const seed of [1, 2]) {
      const size = { minutes: 0.03, clients: 4, json: 2, rate: 50 };
      const settings = { ...size, seed, urls, privateHistory: "tenure", maxBytes: 4_096 } as const;
      const began = performance.now();
      const { judgements, voidBecause, figures } = await tryDeployment(settings);
      const seconds = (performance.now() - began) / 1_000;
      expect(brokenOf(judgements)).toEqual([]);
      const ids = judgements.map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining(["one-order", "history-ends-with-heard"]));
      expect(voidBecause).toBeUndefined();
      expect(figures["acknowledged"]).toBeGreaterThan(8);
      // 8 clients, 2 s of these (more on a slow machine), and the first burst is not held back
      expect(figures["messages"]).toBeLessThan(8 * ((seconds - 2) * 50 + 8));
    }
  } finally {
    clearInterval(chatter);
    await stranger.close();
    await Promise.all(nodes.map((each) => each.close()));
    await redis.close();
  }
}, 180_000);
