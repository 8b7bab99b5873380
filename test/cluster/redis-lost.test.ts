/** Redis loses its data while clients keep cursors: in every variety they are told to forget what they keep. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { hasBrowser, join as joinPage, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo } from "../support/sdk-scene.js";
import { closeWindows, HAS_TMUX, openWindow } from "../support/tmux.js";

let redis: TestRedis;
let gateway: Node;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateway = await node(redis.url);
});
afterEach(() => gateway.close());

async function loseEverything(): Promise<void> {
  await redis.client.flushall();
  await redis.client.call("FUNCTION", "FLUSH"); // as another Redis would be
}

test.each([
  ["nobody has written since", 0],
  ["less was written since than is kept", 2],
  ["as much", 3],
  ["more", 5],
])("a client that returns with cursors has only the new messages: %s", async (_, since) => {
  const bob = join(at(gateway), { name: "bob" });
  const early = join(at(gateway), { name: "ana" });
  await early.chat.joined();
  for (const n of upTo(3)) {
    await bob.chat.publish("~", `old ${n}`);
    await bob.chat.publish("@ana", `old ${n}`);
  }
  await eventually(() => expect(early.messages.length).toBe(6));
  const { cursors, key } = early.chat;
  await early.chat.close();
  await loseEverything();
  await eventually(async () => {
    // ana is known again, so that she can be written to
    const again = join(at(gateway), { name: "ana", key });
    await again.chat.joined();
    await again.chat.close();
  });
  for (const n of upTo(since)) {
    await bob.chat.publish("~", `new ${n}`);
    await bob.chat.publish("@ana", `new ${n}`);
  }

  const back = join(at(gateway), { name: "ana", key, cursors });
  const marks: unknown[] = [];
  back.chat.on("welcome", ({ conversations }) =>
    marks.push(...conversations.map(({ conv, read, recovered }) => [conv, read, recovered])),
  );
  await eventually(() => expect(back.gaps.length).toBe(2));
  for (const conv of ["~", "@bob"]) {
    expect(back.gaps).toContainEqual({ conv, after: 3, before: since + 1, reason: "rolled_back" });
    expect(marks).toContainEqual([conv, 0, false]);
    expect(back.chat.cursors[conv]?.[1]).toBe(since);
  }
  await bob.chat.publish("~", `new ${since + 1}`);
  await bob.chat.publish("@ana", `new ${since + 1}`);
  await eventually(() => expect(back.seqs).toEqual([since + 1, since + 1]));
  const { messages } = await back.chat.history("@bob");
  expect(messages.map(({ text }) => text)).toEqual(upTo(since + 1).map((n) => `new ${n}`));
});

test("a client that stays connected and obeys gaps has the new messages and nothing else", async () => {
  const [ana, bob] = [join(at(gateway), { name: "ana" }), join(at(gateway), { name: "bob" })];
  const kept = new Map<string, Map<number, string>>();
  const of = (conv: string): Map<number, string> => {
    return kept.get(conv) ?? kept.set(conv, new Map()).get(conv)!;
  };
  const reasons: string[] = [];
  ana.chat.on("message", ({ conv, seq, text }) => of(conv).set(seq, text));
  const ask = async (conv: string): Promise<void> => {
    const { messages } = await ana.chat.history(conv);
    for (const { seq, text } of messages) of(conv).set(seq, text);
  };
  ana.chat.on("gap", ({ conv, reason }) => {
    reasons.push(reason);
    kept.delete(conv);
    void ask(conv);
  });
  await Promise.all([ana.chat.joined(), bob.chat.joined()]);
  for (const n of upTo(3)) await bob.chat.publish("~", `old ${n}`);
  await bob.chat.publish("@ana", "old");
  await eventually(() => expect([of("~").size, of("@bob").size]).toEqual([3, 1]));
  await loseEverything();
  await bob.chat.publish("~", "new");
  await eventually(() => bob.chat.publish("@ana", "new")); // ana has to be known again
  await eventually(() => {
    expect([...of("~").values(), ...of("@bob").values()]).toEqual(["new", "new"]);
  });
  expect(reasons).toEqual(["rolled_back", "rolled_back"]);
});

test.skipIf(!hasBrowser())("a page forgets the old lines, and shows the new ones", async () => {
  const browser = await launch();
  try {
    const ana = await joinPage(browser, gateway.port, "ana");
    const bob = join(at(gateway), { name: "bob" });
    for (const n of upTo(40)) await bob.chat.publish("~", `old ${n}`);
    await ana.page.getByText("old 40").first().waitFor();
    await loseEverything();
    for (const n of upTo(3)) await bob.chat.publish("~", `new ${n}`);
    await eventually(async () => expect(await ana.texts()).toEqual(["new 1", "new 2", "new 3"]));
    await bob.chat.publish("~", "new 4");
    await eventually(async () => expect((await ana.texts()).slice(2)).toEqual(["new 3", "new 4"]));
    const [box, size] = [
      await ana.page.locator(".said").last().boundingBox(),
      ana.page.viewportSize()!,
    ];
    expect(box!.y).toBeGreaterThan(0);
    expect(box!.y + box!.height, "in sight").toBeLessThan(size.height);
  } finally {
    await browser.close();
  }
});

test.skipIf(!HAS_TMUX)("a terminal forgets the old lines, and shows the new ones", async () => {
  const ana = await openWindow("ana", ["--url", at(gateway)[0]!]);
  try {
    const bob = join(at(gateway), { name: "bob" });
    for (const n of upTo(3)) await bob.chat.publish("~", `old ${n}`);
    await eventually(async () => expect(await ana.screen()).toContain("old 3"));
    await loseEverything();
    await bob.chat.publish("~", "new 1");
    await eventually(async () => expect(await ana.screen()).toContain("new 1"));
    expect(await ana.screen()).not.toContain("old");
  } finally {
    await closeWindows();
  }
});
