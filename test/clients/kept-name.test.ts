/** A name of one's own: which clients have theirs kept, and how they get it back. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StorageLike } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { welcomes } from "../support/scripted-server.js";
import { at, join, serve } from "../support/sdk-scene.js";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url);
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

function storage(): StorageLike {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}

async function visit(options: Parameters<typeof join>[1]): Promise<string> {
  const { chat } = join(at(gateway), options);
  try {
    await chat.joined();
    return "joined";
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    await chat.close();
  }
}

test("with a storage that lasts, a name is kept, and its user comes back to it", async () => {
  const own = storage();
  expect(await visit({ name: "iris", storage: own })).toBe("joined");
  expect(await visit({ name: "iris" })).toBe("name_kept");
  expect(await visit({ name: "iris", storage: storage() })).toBe("name_kept");
  expect(await visit({ name: "iris", storage: own })).toBe("joined");
});

test("a refusal ends the client at once: it would not be another one later", async () => {
  await visit({ name: "ina", key: "inas-own-key" });
  const { chat, states } = join(at(gateway), { name: "ina", key: "another-key" });
  await expect(chat.joined()).rejects.toMatchObject({ code: "name_kept", retryable: false });
  await eventually(() => expect(states.at(-1)).toMatchObject({ name: "closed" }));
  expect(states.some(({ name }) => name === "waiting")).toBe(false);
});

test.each([
  ["nothing to keep a key in", {}, false],
  ["a key of the program's", { key: "own-key" }, undefined],
  ["a storage", { storage: storage() }, undefined],
  ["a key that is not for later", { key: "own-key", keepsName: false }, false],
  ["a key that the program keeps elsewhere", { keepsName: true }, undefined],
])(
  "the hello of a client with %s says whether its name is to be kept",
  async (_, options, keep) => {
    const server = await serve(welcomes());
    const { chat } = join(server.url, options);
    await chat.joined();
    expect(server.peers[0]!.hello!["keep"]).toBe(keep);
  },
);

test("the storage of a tab is no place for a key that is to last", async () => {
  const server = await serve(welcomes());
  const sessionStorage = storage();
  Object.assign(globalThis, { sessionStorage });
  try {
    const { chat } = join(server.url, { storage: sessionStorage });
    await chat.joined();
    expect(server.peers[0]!.hello!["keep"]).toBe(false);
  } finally {
    delete (globalThis as { sessionStorage?: unknown }).sessionStorage;
  }
});
