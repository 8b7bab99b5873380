/** What is kept across reloads: key and cursors, of one client, and never more than was told. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type DebugEvent, type StorageLike } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { conversation, message, welcomes } from "../support/scripted-server.js";
import { at, join, serve, upTo } from "../support/sdk-scene.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

/** A browser's, or what a test makes of it. */
class Storage implements StorageLike {
  readonly items = new Map<string, string>();

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }

  get only(): { key: string; cursors: Record<string, [string, number]> } {
    const [text] = this.items.values();
    return JSON.parse(text!) as never;
  }
}

test("a reloaded page is the same user at once, and resumes", async () => {
  const gateway = await node(redis.url, { REQUESTS_PER_SECOND: 10_000 });
  try {
    const storage = new Storage();
    const bob = join(at(gateway), { name: "bob" });
    await bob.chat.presence.watch();
    const gone: string[] = [];
    bob.chat.on("presence", (change) => gone.push(...change.gone));
    const told: number[] = [];
    const keys = new Set<string>();
    let said = 0;
    for (const round of upTo(5)) {
      const sockets: WebSocket[] = [];
      class Tab extends WebSocket {
        constructor(url: string, protocols?: string[]) {
          super(url, protocols);
          sockets.push(this);
        }
      }
      const page = join(at(gateway), { storage, WebSocket: Tab });
      keys.add(page.chat.key);
      page.chat.on("message", ({ seq }) => told.push(seq));
      await page.chat.joined();
      expect(page.errors).toEqual([]);
      for (let i = 0; i < 20; i++) void bob.chat.publish("~", `${++said}`);
      if (round < 5) await eventually(() => expect(page.seqs.length).toBeGreaterThan(3));
      else await eventually(() => expect(told.at(-1)).toBe(said));
      for (const socket of sockets)
        socket
          .removeAllListeners()
          .on("error", () => {})
          .close(1001);
      void page.chat.close(); // nobody hears its bye
    }
    expect(told).toEqual(upTo(said));
    expect(keys.size).toBe(1);
    expect(gone).toEqual([]);
  } finally {
    await gateway.close();
  }
});

test("a cursor is saved after the listeners ran: a message that they did not get comes again", async () => {
  const server = await serve();
  const storage = new Storage();
  const { chat } = join(server.url, { storage });
  const keptWhenTold: (number | undefined)[] = [];
  chat.on("message", () => keptWhenTold.push(storage.only.cursors["~"]?.[1]));
  await chat.joined();
  server.peers[0]!.says(message(1), message(2));
  server.peers[0]!.says({ type: "gap", conv: "~", after: 2, before: 9, reason: "trimmed" });
  await eventually(() => expect(storage.only.cursors["~"]).toEqual(["a", 8]));
  expect(keptWhenTold).toEqual([0, 1]);
});

test("the key is saved before the first answer", async () => {
  const server = await serve(() => {});
  const storage = new Storage();
  const first = join(server.url, { storage });
  const second = join(server.url, { storage });
  expect(second.chat.key).toBe(first.chat.key);
});

test("each address and name has an entry of its own, and options override it", async () => {
  const server = await serve();
  const storage = new Storage();
  const keys = [
    join(server.url, { storage }),
    join(server.url, { storage, name: "bob" }),
    join([server.url, server.url], { storage }),
  ].map(({ chat }) => chat.key);
  expect(new Set(keys).size).toBe(3);
  expect(storage.items.size).toBe(3);
  const cursors = { "~": ["z", 7] as const };
  const other = join(server.url, { storage, key: "mine", cursors });
  expect(other.chat.key).toBe("mine");
  expect(other.chat.cursors).toEqual({ "~": ["z", 7] });
});

test("two tabs on one storage do not mix their cursors: the last one saves its own", async () => {
  const server = await serve(
    welcomes((turn) => [conversation({}), conversation({ conv: "@eva", after: turn })]),
  );
  const storage = new Storage();
  const first = join(server.url, { storage });
  await first.chat.joined();
  const second = join(server.url, { storage });
  await second.chat.joined();
  server.peers[1]!.says(message(1), message(2));
  await eventually(() => expect(second.seqs).toEqual([1, 2]));
  server.peers[0]!.says(message(1));
  server.peers[0]!.says(message(1, "a", "@bob"));
  await eventually(() => expect(first.seqs).toEqual([1, 1]));
  expect(storage.only.cursors).toEqual(second.chat.cursors);
  expect(storage.only.cursors["@bob"]).toBeUndefined();
});

test("a storage that was cleared stays empty", async () => {
  const server = await serve();
  const storage = new Storage();
  const { chat, seqs } = join(server.url, { storage });
  await chat.joined();
  storage.items.clear();
  server.peers[0]!.says(message(1));
  await eventually(() => expect(seqs).toEqual([1]));
  await chat.close();
  expect(storage.items.size).toBe(0);
});

const SOUND = { "~": ["a", 3] };
test.each<[string, string, object]>([
  ["no JSON", "{", {}],
  ["nothing", "null", {}],
  ["a text", '"key"', {}],
  ["a list", "[1]", {}],
  ["other types", '{"key":7,"cursors":"all"}', {}],
  ["a key that no chat takes", '{"key":"a b"}', {}],
  [
    "no cursors",
    `{"cursors":${JSON.stringify({ ...SOUND, "@eva": 7, "@bob": ["a", -1] })}}`,
    SOUND,
  ],
  ["no numbers", `{"cursors":${JSON.stringify({ ...SOUND, "@eva": ["a", "7"] })}}`, SOUND],
  ["no epoch", `{"cursors":${JSON.stringify({ ...SOUND, "@eva": ["A b", 7] })}}`, SOUND],
  ["no conversations", `{"cursors":${JSON.stringify({ ...SOUND, eva: ["a", 7] })}}`, SOUND],
])("what is kept is %s: that is left out", async (_, text, cursors) => {
  const server = await serve();
  const storage = new Storage();
  storage.getItem = () => text;
  const { chat } = join(server.url, { storage });
  await chat.joined();
  expect(chat.key).toMatch(/^[\da-f]{32}$/);
  expect(server.peers[0]!.hello).toMatchObject({ key: chat.key, resume: cursors });
  expect(Object.keys(server.peers[0]!.hello!.resume!)).toEqual(Object.keys(cursors));
});

test("a storage that throws is reported to the debug hook, and the chat works without it", async () => {
  const server = await serve();
  const refuse = (): never => {
    throw new Error("quota");
  };
  const events: DebugEvent[] = [];
  const { chat, seqs } = join(server.url, {
    storage: { getItem: refuse, setItem: refuse },
    debug: (event) => events.push(event),
  });
  await chat.joined();
  server.peers[0]!.says(message(1));
  await eventually(() => expect(seqs).toEqual([1]));
  expect(events.filter(({ type }) => type === "storage").length).toBeGreaterThan(1);
  const wrong = { name: "ana", WebSocket, storage: {} as StorageLike };
  expect(() => connect(server.url, wrong)).toThrow(/sessionStorage/);
});

test("of very many conversations only the newest cursors are saved", async () => {
  const server = await serve();
  const storage = new Storage();
  const { chat, seqs } = join(server.url, { storage });
  await chat.joined();
  const conv = (n: number): string => `@${"x".repeat(60)}${n}`;
  server.peers[0]!.says(...upTo(1_000).map((n) => message(1, "a", conv(n))));
  await eventually(() => expect(seqs.length).toBe(1_000));
  const [text] = storage.items.values();
  expect(text!.length).toBeLessThan(40_000);
  expect(storage.only.cursors[conv(1_000)]).toEqual(["a", 1]);
});
