/** Messages are written and removed while a gateway is killed and Redis restarts: everybody ends with the same. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Message } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo, type Seen } from "../support/sdk-scene.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

/** What a client shows, if it does as PROTOCOL.md says: number and text, or `removed`, or what it removes. */
function view(messages: readonly Message[]): Map<number, string> {
  const shown = new Map<number, string>();
  const gone = new Set<number>();
  for (const { seq, text, removes, removed } of messages) {
    shown.set(seq, removes === undefined ? (removed === true ? "removed" : text) : `- ${removes}`);
    if (removes !== undefined) gone.add(removes);
  }
  for (const seq of gone) if (shown.has(seq)) shown.set(seq, "removed");
  return shown;
}

test("nothing that was removed is shown again, and no number is missing", async () => {
  const settings = { REDIS_URL: redis.url, REQUESTS_PER_SECOND: 10_000 };
  const doomed = await nodeProcess({ LOG_LEVEL: "info", ...settings });
  const steady = await node(redis.url, settings);
  const names = ["ana", "bob", "eve", "max"];
  const clients = names.map((name, i) =>
    join(i % 2 === 0 ? at(doomed, steady) : at(steady, doomed), { name, key: `key-of-${name}` }),
  );
  await Promise.all(clients.map(({ chat }) => chat.joined()));
  const removedBy = new Map<number, number>();
  let written = 0;
  /** Writes, and removes each third one, at once or later. */
  const talk = async ({ chat }: Seen): Promise<void> => {
    const later: number[] = [];
    const remove = async (seq: number): Promise<void> => {
      const by = await eventually(() => chat.remove("~", seq));
      removedBy.set(seq, by);
    };
    for (const n of upTo(60)) {
      const { seq } = await chat.publish("~", `${chat.name} ${n}`);
      written++;
      if (n % 3 === 0) await remove(seq);
      else if (n % 3 === 1) later.push(seq);
      if (later.length > 10) await Promise.all(later.splice(0).map(remove));
    }
  };
  const talking = Promise.all(clients.map(talk));
  await eventually(() => expect(written).toBeGreaterThan(40));
  doomed.child.kill("SIGKILL");
  await eventually(() => expect(written).toBeGreaterThan(120));
  await redis.kill();
  await redis.revive();
  await talking;

  const reader = join(at(steady), { name: "zoe" });
  await reader.chat.joined();
  const { head } = await reader.chat.history("~", { limit: 1 });
  const pages: Message[] = [];
  for (let after = 0; after < head; after = pages.at(-1)!.seq) {
    pages.push(...(await reader.chat.history("~", { after, limit: 47 })).messages);
  }
  const kept = view(pages);
  expect([...kept.keys()]).toEqual(upTo(head));
  for (const [seq, by] of removedBy) {
    expect([kept.get(seq), kept.get(by)]).toEqual(["removed", `- ${seq}`]);
  }
  const texts = [...kept.values()].filter((text) => !/^(?:removed|- )/.test(text));
  expect(new Set(texts).size).toBe(texts.length);
  expect(texts.length).toBe(4 * 60 - removedBy.size);
  for (const { messages, gaps } of clients) {
    await eventually(() => expect(messages.at(-1)?.seq).toBe(head));
    expect(gaps).toEqual([]);
    expect(view(messages)).toEqual(kept);
  }
  await steady.close();
  await doomed.close();
});
