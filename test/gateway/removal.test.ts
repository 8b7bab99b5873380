/** Messages that are removed: who is told what, now and later, and who may remove which. */
import { createHmac, randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SECRET = randomBytes(32).toString("base64url");
const TOKENS = { IDENTITY: "token", TOKEN_SECRET: SECRET, REDIS_PREFIX: "tokens" };

let redis: TestRedis;
let gateways: Awaited<ReturnType<typeof node>>[];
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateways = [await node(redis.url, SETTINGS), await node(redis.url, SETTINGS)];
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  for (const gateway of gateways) await gateway.close();
});

const SETTINGS = { PRESENCE_LINGER_MS: 100, REQUESTS_PER_SECOND: 1_000 };

function kept<C extends { vanish(): void }>(client: C): C {
  clients.push(client);
  return client;
}

const json = async (name: string, more: object = {}, port = gateways[0]!.port) =>
  kept(await JsonClient.hello(port, name, { key: `key-of-${name}`, ...more }));
const classic = async (name: string, port = gateways[0]!.port, subprotocol?: string) =>
  kept(await ClassicClient.connect(port, name, subprotocol));

async function says(client: JsonClient, conv: string, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    expect(await client.asks({ type: "publish", conv, text })).toMatchObject({ type: "ok" });
  }
}

const remove = (client: JsonClient, conv: string, seq: number) =>
  client.asks({ type: "remove", conv, seq });
const error = (code: string) => ({ type: "error", code, retryable: false });

type Told = Record<string, unknown>;

async function history(client: JsonClient, conv: string, more: object = {}): Promise<Told> {
  return client.asks({ type: "history", conv, ...more });
}

interface Shown {
  readonly seq: number;
  readonly text: string;
  readonly removes?: number;
  readonly removed?: boolean;
}

const shown = (page: Told): string[] =>
  (page["messages"] as Shown[]).map(({ seq, text, removes, removed }) => {
    if (removes !== undefined) return `${seq} removes ${removes}`;
    return removed === true ? `${seq} removed` : `${seq} ${text}`;
  });

describe("an author removes a message", () => {
  test("everybody is told, on every gateway, and its text is nowhere any more", async () => {
    const [ana, bob] = [await json("ana"), await json("bob", {}, gateways[1]!.port)];
    await says(ana, "~", "one", "something wrong", "three");
    expect(await remove(ana, "~", 2)).toMatchObject({ type: "ok", conv: "~", seq: 4 });
    for (const reader of [ana, bob]) {
      const told = { conv: "~", seq: 4, from: "ana", text: "", removes: 2 };
      expect(await reader.awaits({ type: "message", ...told })).not.toHaveProperty("removed");
    }
    for (const reader of [ana, bob, await json("eva")]) {
      const page = await history(reader, "~");
      expect(shown(page)).toEqual(["1 one", "2 removed", "3 three", "4 removes 2"]);
      const [, removed] = page["messages"] as Told[];
      expect(removed).toMatchObject({ from: "ana", mid: expect.any(String), text: "" });
      expect(removed).not.toHaveProperty("removes");
    }
    const kept = await redis.client.keys("*history*");
    expect(String(await redis.client.xrangeBuffer(kept[0]!, "-", "+"))).not.toContain("wrong");
  });

  test("both users of a private conversation are told, and nobody else", async () => {
    const [ana, bob] = [await json("ana"), await json("bob", {}, gateways[1]!.port)];
    const eva = await json("eva");
    await says(ana, "@bob", "a secret");
    expect(await remove(ana, "@bob", 1)).toMatchObject({ type: "ok", conv: "@bob", seq: 2 });
    await ana.awaits({ type: "message", conv: "@bob", seq: 2, removes: 1 });
    await bob.awaits({ type: "message", conv: "@ana", seq: 2, removes: 1 });
    await says(eva, "~", "hi");
    await eva.awaits({ type: "message", conv: "~" });
    expect(JSON.stringify(eva.heard)).not.toContain("removes");
  });

  test("who comes back with a cursor is told of it in its place, wherever the cursor stands", async () => {
    const ana = await json("ana");
    await says(ana, "~", "one", "two", "three");
    const { epoch } = await history(ana, "~");
    await remove(ana, "~", 2);
    const all = ["1 one", "2 removed", "3 three", "4 removes 2"];
    for (const seq of [0, 1, 2, 3, 4]) {
      const resume = { "~": [seq === 0 ? "0" : epoch, seq] };
      const bob = await json("bob", { resume }, gateways[1]!.port);
      await says(bob, "@bob", `behind ${seq}`);
      await bob.awaits({ type: "message", conv: "@bob", text: `behind ${seq}` });
      const heard = bob.heard.filter(({ conv }) => conv === "~");
      expect(shown({ messages: heard })).toEqual(all.slice(seq));
      expect(bob.heard.filter(({ type }) => type === "gap")).toEqual([]);
    }
  });

  test("byte clients are told nothing, and their histories show neither", async () => {
    const ana = await json("ana");
    const bytes = [
      await classic("bob"),
      await classic("cid", gateways[1]!.port, "ws-protocol"),
    ] as const;
    await says(ana, "~", "one", "two", "three");
    for (const each of bytes) {
      for (const text of ["one", "two", "three"]) {
        const fields = [L("ana"), L(text)];
        const total = each.name === "cid" ? [fields[0]!.length + fields[1]!.length] : [];
        await each.awaits(55, ...total, ...fields);
      }
    }
    await remove(ana, "~", 2);
    await says(ana, "~", "four");
    const [bob, cid] = bytes;
    await bob.hears(55, L("ana"), L("four"));
    await cid.hears(55, 9, L("ana"), L("four"));
    const rest = [L("ana"), L("one"), L("ana"), L("three"), L("ana"), L("four")];
    for (const each of bytes) {
      each.says(5, L("~"));
      await each.hears(56, 3, ...rest);
    }
  });

  test("again, it is answered as the first time", async () => {
    const ana = await json("ana");
    await says(ana, "~", "one", "two");
    expect(await remove(ana, "~", 1)).toMatchObject({ seq: 3 });
    await says(ana, "~", "four");
    expect(await remove(ana, "~", 1)).toMatchObject({ type: "ok", seq: 3 });
    expect(await history(ana, "~")).toMatchObject({ head: 4 });
  });

  test("what it removed is not stored again under its mid", async () => {
    const ana = await json("ana");
    const said = { type: "publish", text: "one", mid: "m" };
    await ana.asks(said);
    await remove(ana, "~", 1);
    expect(await ana.asks(said)).toMatchObject({ type: "ok", seq: 1, dup: true });
    expect(shown(await history(ana, "~", { after: 1 }))).toEqual(["2 removes 1"]);
  });

  test("it has read that, if it had read all before; others have not", async () => {
    const [ana, bob] = [await json("ana"), await json("bob")];
    const unread = async (name: string): Promise<unknown> => {
      const { heard } = await json(name);
      const [general] = heard[0]!["conversations"] as Told[];
      return general!["unread"];
    };
    await says(bob, "~", "one");
    await says(ana, "~", "two", "three");
    await bob.asks({ type: "read", conv: "~", seq: 3 });
    await remove(ana, "~", 2);
    expect(await unread("ana")).toBe(0);
    expect(await unread("bob")).toBe(1);
    await says(bob, "~", "five");
    await remove(ana, "~", 3);
    expect(await unread("ana")).toBe(2);
  });
});

test("what was removed is known as long as the history, by gateways that keep for longer, too", async () => {
  const longer = await node(redis.url, { ...SETTINGS, HISTORY_MAX_AGE_MS: 3_000_000_000 });
  gateways.push(longer);
  const [ana, bob] = [await json("ana"), await json("bob", {}, longer.port)];
  for (const [conv, key] of [
    ["~", "*:conversation:~"],
    ["@bob", "*:conversation:*.*"],
  ] as const) {
    await says(ana, conv, "one", "two");
    expect(await remove(ana, conv, 1)).toMatchObject({ type: "ok" });
    const [conversation] = await redis.client.keys(key);
    await redis.client.hset(conversation!, "renewed", 0); // as 30 seconds later
    await says(bob, conv === "~" ? "~" : "@ana", "three");
    const [tombs, messages] = await Promise.all(
      ["removed", "history"].map((kind) =>
        redis.client.pexpiretime(conversation!.replace("conversation", kind)),
      ),
    );
    expect(messages! - Date.now()).toBeGreaterThan(2_900_000_000);
    expect(tombs).toBeGreaterThanOrEqual(messages!);
  }
});

describe("a removal is refused", () => {
  test("of what somebody else has written, in public and in private [abuse:remove-anothers]", async () => {
    const [ana, bob] = [await json("ana"), await json("bob")];
    await says(ana, "~", "one");
    await says(ana, "@bob", "one");
    for (const conv of ["~", "@ana"]) {
      expect(await remove(bob, conv, 1)).toMatchObject(error("forbidden"));
      expect(shown(await history(bob, conv))).toEqual(["1 one"]);
    }
  });

  test("of what a former owner of the name has written [abuse:remove-anothers]", async () => {
    const before = await json("ana", { keep: false });
    await says(before, "~", "one");
    await says(before, "@bob", "one").catch(() => {});
    await before.asks({ type: "bye" });
    const after = await json("ana", { key: "another-key" });
    expect(await remove(after, "~", 1)).toMatchObject(error("forbidden"));
    expect(await remove(after, "@bob", 1)).toMatchObject(error("not_found"));
    await says(after, "~", "two");
    expect(await remove(after, "~", 2)).toMatchObject({ type: "ok", seq: 3 });
  });

  test("of a removal, and of what is not there [abuse:remove-removal] [abuse:remove-none]", async () => {
    const ana = await json("ana");
    await says(ana, "~", "one");
    await remove(ana, "~", 1);
    expect(await remove(ana, "~", 2)).toMatchObject(error("forbidden"));
    for (const seq of [0, 3, Number.MAX_SAFE_INTEGER]) {
      expect(await remove(ana, "~", seq)).toMatchObject(error("not_found"));
    }
    expect(await remove(ana, "@nobody", 1)).toMatchObject(error("not_found"));
    for (const bad of [{ seq: -1 }, { seq: 1.5 }, { seq: "1" }, {}, { seq: 1, conv: "#room" }]) {
      const asked = { type: "remove", conv: "~", ...bad };
      expect(await ana.asks(asked)).toMatchObject(error("bad_frame"));
    }
    expect(await history(ana, "~")).toMatchObject({ head: 2 });
  });
});

describe("a moderator", () => {
  const token = (sub: string, role?: string): string => {
    const parts = [{ alg: "HS256" }, { sub, role, exp: Math.floor(Date.now() / 1_000) + 600 }];
    const text = parts
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
  };

  test.each(["moderator", "operator"])(
    "(%s) removes what others wrote to everybody",
    async (role) => {
      const gateway = await node(redis.url, { ...SETTINGS, ...TOKENS });
      gateways.push(gateway);
      const hello = (name: string, its?: string) =>
        json(name, { key: undefined, token: token(name, its) }, gateway.port);
      const [mod, ana, bob] = [await hello("mod", role), await hello("ana"), await hello("bob")];
      await says(ana, "~", "one");
      await says(ana, "@mod", "one");
      expect(await remove(bob, "~", 1)).toMatchObject(error("forbidden"));
      const asked = { type: "remove", conv: "~", seq: 1, reason: "a secret" };
      expect(await mod.asks(asked)).toMatchObject({ type: "ok", seq: 2 });
      await ana.awaits({ type: "message", conv: "~", from: "mod", removes: 1 });
      const [removed] = (await history(bob, "~"))["messages"] as Told[];
      expect(removed).toMatchObject({ seq: 1, from: "ana", removed: true });
      expect(await remove(mod, "@ana", 1)).toMatchObject(error("forbidden"));
      // both have asked at the same time
      expect(await remove(ana, "~", 1)).toMatchObject({ type: "ok", seq: 2 });
    },
  );
});
