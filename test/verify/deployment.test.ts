import { expect, test } from "vitest";
import { agreedBy } from "#verifier/rules/agreed.js";
import { tryDeployment } from "#verifier/deployment.js";
import type { Entry } from "#verifier/history.js";
import { brokenOf } from "#verifier/rules/rule.js";
import { Index } from "#verifier/rules/run-history.js";
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

test("a deployment where others chat as well is judged by what the verifier's clients see", async () => {
  const redis = await startRedis();
  const nodes = [await node(redis.url), await node(redis.url)];
  const stranger = await ClassicClient.connect(nodes[0]!.port, "stranger");
  const chatter = setInterval(() => stranger.says(4, L("~"), L("hello there")), 20);
  try {
    const urls = nodes.map(({ port }) => `ws://127.0.0.1:${port}`);
    for (const seed of [1, 2]) {
      const settings = { seed, minutes: 0.03, clients: 4, json: 2, urls, rate: 50 };
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
