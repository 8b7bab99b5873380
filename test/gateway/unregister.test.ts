/** Leaving for good, over real sockets: what is kept of a user goes from all buckets, and its messages are nobody's. */
import { SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { observe } from "#tertulia/observe.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { Keys, bucketOfUser } from "#tertulia/redis/keys.js";
import { admin } from "../support/admin.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SETTINGS = {
  ELECTION_MS: 50,
  BEAT_MS: 50,
  LEASE_MS: 600,
  REDIS_COMMAND_TIMEOUT_MS: 300,
  REQUESTS_PER_SECOND: 10_000,
};

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
  nodes = await Promise.all([1, 2].map(() => node(redis.url, SETTINGS)));
});
afterAll(async () => {
  await Promise.all(nodes.map((each) => each.close()));
  await redis.close();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.vanish();
});

async function json(name: string, more: object = {}, at = 0): Promise<JsonClient> {
  const client = await JsonClient.hello(nodes[at]!.port, name, more);
  client.patienceMs = 20_000;
  clients.push(client);
  return client;
}

async function bytes(name: string, at = 0): Promise<ClassicClient> {
  const client = await ClassicClient.connect(nodes[at]!.port, name);
  clients.push(client);
  return client;
}

function closing({ webSocket }: Pick<JsonClient, "webSocket">): Promise<string> {
  return new Promise((resolve) =>
    webSocket.once("close", (code, reason) => resolve(`${code} ${reason.toString()}`)),
  );
}

async function said(client: JsonClient, conv: string, text: string): Promise<void> {
  expect(await client.asks({ type: "publish", conv, text })).toMatchObject({ type: "ok" });
}

/** Author and text of each message that a client finds in a conversation. */
async function history(client: JsonClient, conv: string): Promise<unknown[]> {
  const { messages } = await client.asks({ type: "history", conv, limit: 200 });
  return (messages as { from: string; text: string }[]).map(({ from, text }) => [from, text]);
}

/** Keys that have something of a user: in their name, or as a field or member. */
async function traces(name: string): Promise<string[]> {
  const found: string[] = [];
  const encoded = Buffer.from(name).toString("base64url");
  for (const key of await redis.client.keys("*")) {
    const [, kind = "", of = ""] = /\}:([a-z_]+):?(.*)$/.exec(key) ?? [];
    if (of.split(/[.:]/).includes(encoded)) found.push(`${kind}:${of}`);
    const type = await redis.client.type(key);
    const fields =
      type === "hash"
        ? await redis.client.hkeys(key)
        : type === "zset"
          ? await redis.client.zrange(key, 0, "-1")
          : type === "set"
            ? await redis.client.smembers(key)
            : [];
    if (fields.some((field) => field === name || field.endsWith(`:${name}`))) found.push(kind);
  }
  return found.toSorted();
}

/** Waits until nothing is kept any more of a user who has left: the name is free. */
async function cleared(name: string, prefix = "tertulia"): Promise<void> {
  const key = new Keys(prefix).unregistered(bucketOfUser(name as Name));
  await eventually(async () => expect(await redis.client.hget(key, name)).toMatch(/^\d+$/), 20_000);
}

test("who leaves for good is told so, and all devices on all gateways are closed", async () => {
  const key = "anas-own-key";
  const [first, second] = [await json("ana", { key }), await json("ana", { key }, 1)];
  const bob = await json("bob", {}, 1);
  await bob.asks({ type: "presence" });
  const closed = [first, second].map(closing);
  expect(await first.asks({ type: "unregister" })).toMatchObject({ type: "ok" });
  expect(await Promise.all(closed)).toEqual(["4403 unregistered", "4403 unregistered"]);
  await bob.awaits({ type: "presence", gone: ["ana"] });
  expect(await bob.asks({ type: "user", user: "ana" })).toMatchObject({ code: "not_found" });
  expect(await bob.asks({ type: "publish", conv: "@ana", text: "hi" })).toMatchObject({
    code: "not_found",
  });
});

test("its messages stay, by nobody's name, for readers in all dialects; the other side of a conversation stays", async () => {
  const [cleo, dan] = [await json("cleo"), await json("dan", {}, 1)];
  const eva = await bytes("eva", 1);
  await said(cleo, "~", "hello everybody");
  await said(cleo, "@dan", "hello dan");
  await said(dan, "@cleo", "hello cleo");
  await said(cleo, "@eva", "hello eva");
  await said(cleo, "@cleo", "a note to myself");
  await cleo.asks({ type: "unregister" });
  expect(await history(dan, "~")).toContainEqual(["~", "hello everybody"]);
  expect(await history(dan, "@cleo")).toEqual([
    ["~", "hello dan"],
    ["dan", "hello cleo"],
  ]);
  eva.says(5, L("cleo"));
  await eva.awaits(56, 1, L("~"), L("hello eva"));
  const again = await json("dan-2", {});
  expect(await history(again, "~")).toContainEqual(["~", "hello everybody"]);
});

test("of the user nothing is left in any bucket but when it left, and which messages are nobody's", async () => {
  const [fay, gus] = [await json("fay", { key: "fays-key" }), await json("gus", {}, 1)];
  await said(fay, "~", "hello");
  for (const other of ["gus", "hal", "fay"]) {
    if (other === "hal") await json("hal");
    await said(fay, `@${other}`, "hello");
  }
  await said(gus, "@fay", "hello");
  await fay.asks({ type: "read", conv: "@gus", seq: 2 });
  await fay.asks({ type: "unregister" });
  const b64 = (name: string): string => Buffer.from(name).toString("base64url");
  const [f, g, h] = ["fay", "gus", "hal"].map(b64);
  await eventually(async () => {
    const pairs = [`${f}.${g}`, `${f}.${h}`];
    // each in its place: the conversations are also those of the others, who have them in their inboxes
    expect(await traces("fay")).toEqual(
      [
        "conversation", // which messages are nobody's: of everybody, and of the two
        "conversation",
        "conversation",
        ...pairs.flatMap((pair) => [`conversation:${pair}`, `history:${pair}`]),
        "inbox",
        "inbox",
        "unregistered",
        "unregistering",
      ].toSorted(),
    );
  }, 20_000);
  await cleared("fay");
});

test("nobody gets the name until all is cleared; its next owner is another user, to whom nothing is shown [abuse:left-name]", async () => {
  const [ida, joe] = [await json("ida", { key: "idas-key" }), await json("joe", {}, 1)];
  await said(ida, "@joe", "for joe only");
  await said(joe, "@ida", "for ida only");
  await ida.asks({ type: "unregister" });
  const early = await JsonClient.connect(nodes[1]!.port);
  clients.push(early);
  const answer = await early.asks({ type: "hello", name: "ida", key: "another-key" });
  expect(answer).toMatchObject({ type: "error", code: "name_kept" });
  await expect(ClassicClient.attempt(nodes[0]!.port, "ida")).rejects.toThrow("400");
  let next: JsonClient | undefined;
  await eventually(async () => {
    next = await JsonClient.connect(nodes[1]!.port);
    clients.push(next);
    const hello = await next.asks({ type: "hello", name: "ida", key: "another-key" });
    expect(hello).toMatchObject({ type: "welcome", conversations: [{ conv: "~" }] });
  }, 20_000);
  expect(await history(next!, "@joe")).toEqual([]);
  await said(next!, "@joe", "I am another ida");
  expect(await history(joe, "@ida")).toEqual([
    ["~", "for joe only"],
    ["joe", "for ida only"],
    ["ida", "I am another ida"],
  ]);
});

test("what a client asks behind its leaving is not done; what was on its way is nobody's, too [abuse:unregister-behind]", async () => {
  const kim = await json("kim");
  await said(kim, "~", "before");
  const texts = Array.from({ length: 20 }, (_, i) => `meanwhile ${i}`);
  kim.says({ type: "unregister" });
  for (const text of texts) kim.says({ type: "publish", conv: "~", text });
  expect(await closing(kim)).toBe("4403 unregistered");
  const liv = await json("liv");
  await cleared("kim");
  for (const [from, text] of (await history(liv, "~")) as [string, string][]) {
    if (text === "before" || texts.includes(text)) expect([from, text]).toEqual(["~", text]);
  }
});

test("devices that come back while their user leaves get nothing, whoever is first", async () => {
  const names = Array.from({ length: 6 }, (_, i) => `max-${i}`);
  const stored = async (name: string): Promise<boolean> => {
    const users = new Keys("tertulia").users(bucketOfUser(name as Name));
    return (await redis.client.hexists(users, name)) === 1;
  };
  await Promise.all(
    names.map(async (name) => {
      const key = `${name}-key`;
      const first = await json(name, { key });
      const over = new AbortController();
      const coming = [0, 1].map(async (at) => {
        const answers: unknown[] = [];
        while (!over.signal.aborted) {
          const client = await JsonClient.connect(nodes[at]!.port);
          clients.push(client);
          const hello = { type: "hello", name, key };
          const { type, code } = await client.asks(hello).catch(() => ({ type: "", code: "gone" }));
          answers.push(type === "welcome" ? type : code);
          if (type === "welcome") client.vanish();
        }
        return answers;
      });
      expect(await first.asks({ type: "unregister" })).toMatchObject({ type: "ok" });
      expect(await stored(name)).toBe(false);
      over.abort();
      const answers = (await Promise.all(coming)).flat();
      expect(["welcome", "name_kept", "gone", "name_taken"]).toEqual(
        expect.arrayContaining(answers),
      );
      expect(await stored(name)).toBe(false);
    }),
  );
  for (const name of names) {
    await cleared(name);
    expect(await traces(name)).toEqual(["unregistered", "unregistering"]);
  }
});

test("an account that the operator has made for later is not removed by whoever has the name meanwhile", async () => {
  const lia = await json("lia");
  const made = await admin(redis.url, "password", "lia");
  expect(made.code).toBe(0);
  const account = new Keys("tertulia").account("lia" as Name);
  const before = await redis.client.hmget(account, "hash", "version", "share", "created");
  await lia.asks({ type: "block", user: "kim" });
  await lia.asks({ type: "unregister" });
  expect(await redis.client.hmget(account, "hash", "version", "share", "created")).toEqual(before);
  expect(await redis.client.hlen(account)).toBe(before.length);
  await cleared("lia");
  expect(await admin(redis.url, "unregister", "lia")).toMatchObject({ code: 0 });
  expect(await redis.client.exists(account)).toBe(0);
});

test("what somebody else wrote under the name before is not taken along", async () => {
  const [first, mia] = [await bytes("max"), await json("mia")];
  await json("max-reads");
  first.says(4, L("~"), L("by the first max"));
  await first.awaits(55, L("max"), L("by the first max"));
  first.says(3, 0);
  await first.closed();
  const second = await json("max", { keep: false }, 1);
  await said(second, "~", "by the second max");
  await second.asks({ type: "unregister" });
  expect(await history(mia, "~")).toEqual(
    expect.arrayContaining([
      ["max", "by the first max"],
      ["~", "by the second max"],
    ]),
  );
});

test("a name may be left for good again and again: of each time the messages are nobody's", async () => {
  const nia = await json("nia");
  for (let i = 0; i < 2; i++) {
    const ola = await eventually(() => json("ola", { key: `olas-key-${i}` }), 20_000);
    await said(ola, "~", `ola ${i}`);
    await ola.asks({ type: "unregister" });
    await cleared("ola");
  }
  const ola = await json("ola", { key: "olas-last-key" });
  await said(ola, "~", "ola stays");
  expect(await history(nia, "~")).toEqual(
    expect.arrayContaining([
      ["~", "ola 0"],
      ["~", "ola 1"],
      ["ola", "ola stays"],
    ]),
  );
});

test("a client that resumes is told of messages by nobody, and of none twice", async () => {
  const [pia, quin] = [await json("pia"), await json("quin", { key: "quins-key" })];
  await said(pia, "~", "heard before");
  const { epoch, seq } = await quin.awaits({ type: "message", text: "heard before" });
  quin.vanish();
  for (const text of ["missed 1", "missed 2"]) await said(pia, "~", text);
  await pia.asks({ type: "unregister" });
  const back = await json("quin", { key: "quins-key", resume: { "~": [epoch, seq] } }, 1);
  for (const text of ["missed 1", "missed 2"]) {
    await back.awaits({ type: "message", conv: "~", from: "~", text });
  }
});

describe("with erase", () => {
  interface Shown {
    seq: number;
    from: string;
    text: string;
    removed?: boolean;
  }

  async function shown(client: JsonClient, conv: string): Promise<Shown[]> {
    const { messages } = await client.asks({ type: "history", conv, limit: 200 });
    return messages as Shown[];
  }

  test("what the user wrote goes, in every conversation; numbers have no holes, and what others wrote stays", async () => {
    const [abe, bea] = [await json("abe"), await json("bea", {}, 1)];
    const cal = await bytes("cal");
    await said(bea, "~", "bea begins");
    const before = await shown(bea, "~");
    for (let i = 0; i < 30; i++) {
      await said(abe, "~", `abe ${i}`);
      if (i % 10 === 0) await said(bea, "~", `bea ${i}`);
    }
    await said(abe, "@bea", "for bea");
    await said(bea, "@abe", "for abe");
    await said(abe, "@cal", "for cal");
    expect(await abe.asks({ type: "unregister", erase: true })).toMatchObject({ type: "ok" });
    const all = (await shown(bea, "~")).slice(before.length);
    expect(all.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 33 }, (_, i) => before.at(-1)!.seq + 1 + i),
    );
    expect(all.filter(({ text }) => text !== "").map(({ text }) => text)).toEqual([
      "bea 0",
      "bea 10",
      "bea 20",
    ]);
    for (const each of all.filter(({ text }) => text === "")) {
      expect(each).toMatchObject({ from: "~", removed: true });
    }
    expect(await shown(bea, "@abe")).toMatchObject([
      { seq: 1, from: "~", text: "", removed: true },
      { seq: 2, from: "bea", text: "for abe" },
    ]);
    cal.says(5, L("abe"));
    await cal.awaits(56, 0);
    // of the texts nothing is kept, but for a minute in the log
    for (const key of await redis.client.keys("*:history:*")) {
      for (const [, fields] of await redis.client.xrangeBuffer(key, "-", "+")) {
        expect(fields[1]!.toString("latin1")).not.toMatch(/abe \d|for bea|for cal/);
      }
    }
    for (const key of await redis.client.keys("*:removed:*")) {
      expect((await redis.client.zrange(key, 0, "-1")).join()).not.toContain("abe");
    }
  });

  test("a client that resumes behind it is told of the erased messages as removed, in their order", async () => {
    const [dot, eli] = [await json("dot"), await json("eli", { key: "elis-key" })];
    await said(dot, "~", "dot is heard");
    const { epoch, seq } = await eli.awaits({ type: "message", text: "dot is heard" });
    eli.vanish();
    for (const text of ["dot 1", "dot 2"]) await said(dot, "~", text);
    const fin = await json("fin");
    await said(fin, "~", "fin is heard");
    await dot.asks({ type: "unregister", erase: true });
    const back = await json("eli", { key: "elis-key", resume: { "~": [epoch, seq] } }, 1);
    const next = seq as number;
    for (const expected of [
      { seq: next + 1, from: "~", text: "", removed: true },
      { seq: next + 2, from: "~", text: "", removed: true },
      { seq: next + 3, from: "fin", text: "fin is heard" },
    ]) {
      await back.awaits({ type: "message", conv: "~", ...expected });
    }
    await said(fin, "~", "fin goes on");
    await back.awaits({ type: "message", seq: next + 4, text: "fin goes on" });
  });

  test("what somebody else wrote under the name before stays", async () => {
    const [first, gil] = [await bytes("hob"), await json("gil")];
    first.says(4, L("~"), L("by the first hob"));
    await first.awaits(55, L("hob"), L("by the first hob"));
    first.says(3, 0);
    await first.closed();
    const second = await json("hob", { keep: false }, 1);
    await said(second, "~", "by the second hob");
    await second.asks({ type: "unregister", erase: true });
    const all = await history(gil, "~");
    expect(all).toContainEqual(["hob", "by the first hob"]);
    expect(all).not.toContainEqual(["~", "by the second hob"]);
  });

  test("is unavailable while a gateway of an earlier release is there, and nothing has happened", async () => {
    const lou = await json("lou");
    await said(lou, "~", "lou stays");
    const meta = new Keys("tertulia").meta(bucketOfUser("lou" as Name));
    await redis.client.hset(meta, "mixed", Date.now());
    expect(await lou.asks({ type: "unregister", erase: true })).toMatchObject({
      code: "unavailable",
    });
    expect(await lou.asks({ type: "user", user: "lou" })).toMatchObject({ status: "active" });
    expect(await history(lou, "~")).toContainEqual(["lou", "lou stays"]);
    await redis.client.hdel(meta, "mixed");
    expect(await lou.asks({ type: "unregister", erase: true })).toMatchObject({ type: "ok" });
  });

  test("what a gateway has left undone, the leader does, also when that is much", async () => {
    const [ivo, jan] = [await json("ivo"), await json("jan", {}, 1)];
    await said(ivo, "@jan", "for jan");
    const many = Array.from({ length: 450 }, (_, i) => `ivo ${i}`);
    await Promise.all(many.map((text) => said(ivo, "~", text)));
    // as if the gateway had died behind the first step
    const library = new FunctionLibrary(
      redis.client,
      await readFunctionSource(),
      observe("silent", "test"),
    );
    const keys = new Keys("tertulia").ofUnregister("ivo" as Name);
    await library.call("unregister", keys, ["ivo", "", "", 0, 1, 0]);
    expect(await closing(ivo)).toBe("4403 unregistered");
    await cleared("ivo");
    expect(await shown(jan, "@ivo")).toMatchObject([{ from: "~", removed: true }]);
    for (let before: number | undefined; before !== 0;) {
      const page = await jan.asks({ type: "history", conv: "~", limit: 200, before });
      for (const { from, text } of page["messages"] as Shown[]) {
        expect(`${from} ${text}`).not.toContain("ivo");
      }
      before = page["more"] === true ? (page["messages"] as Shown[])[0]!.seq : 0;
    }
  });
});

describe("with accounts", () => {
  const password = "correct horse";
  let accounts: Awaited<ReturnType<typeof node>>;
  beforeAll(async () => {
    // hashing a password takes its time
    const own = { IDENTITY: "accounts", REDIS_PREFIX: "accounts", LEASE_MS: 3_000 };
    accounts = await node(redis.url, { ...SETTINGS, ...own });
  });
  afterAll(() => accounts.close());

  async function registered(name: string): Promise<JsonClient> {
    const client = await JsonClient.connect(accounts.port);
    clients.push(client);
    const { session } = await client.asks({ type: "register", name, password });
    expect(await client.asks({ type: "hello", name, session })).toMatchObject({ type: "welcome" });
    return client;
  }

  test("it takes the password; then the account is gone, and its login sessions [abuse:unregister-unproved]", async () => {
    const rob = await registered("rob");
    for (const shown of [{}, { password: "wrong horse" }]) {
      expect(await rob.asks({ type: "unregister", ...shown })).toMatchObject({
        code: "bad_credentials",
      });
    }
    expect(await rob.asks({ type: "unregister", password })).toMatchObject({ type: "ok" });
    const stranger = await JsonClient.connect(accounts.port);
    clients.push(stranger);
    const register = { type: "register", name: "rob", password: "another horse" };
    expect(await stranger.asks(register)).toMatchObject({ code: "name_taken" });
    const login = { type: "login", name: "rob", password };
    expect(await stranger.asks(login)).toMatchObject({ code: "bad_credentials" });
    await cleared("rob", "accounts");
    const next = await JsonClient.connect(accounts.port);
    clients.push(next);
    expect(await next.asks(register)).toMatchObject({ type: "ok" });
  });

  test("a user cannot remove another one, whatever the request says", async () => {
    const [sam, tom] = [await registered("sam"), await registered("tom")];
    expect(
      await sam.asks({ type: "unregister", user: "tom", name: "tom", password }),
    ).toMatchObject({ type: "ok" });
    expect(await tom.asks({ type: "user", user: "tom" })).toMatchObject({ status: "active" });
    expect(await tom.asks({ type: "user", user: "sam" })).toMatchObject({ code: "not_found" });
  });
});

test("with tokens, those that the user has are worth nothing; with a later one it is a new user", async () => {
  const secret = "a secret of thirty-two bytes, at least";
  const own = { IDENTITY: "token", TOKEN_SECRET: secret, REDIS_PREFIX: "tokens" };
  const gateway = await node(redis.url, { ...SETTINGS, ...own });
  const token = (iat: number): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("ula")
      .setIssuedAt(iat)
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(secret));
  try {
    const now = Math.floor(Date.now() / 1_000);
    const first = await token(now - 10);
    const ula = await JsonClient.hello(gateway.port, "ula", { token: first });
    clients.push(ula);
    await said(ula, "~", "ula was here");
    expect(await ula.asks({ type: "unregister" })).toMatchObject({ type: "ok" });
    await cleared("ula", "tokens");
    const again = await JsonClient.connect(gateway.port);
    clients.push(again);
    expect(await again.asks({ type: "hello", name: "ula", token: first })).toMatchObject({
      code: "bad_credentials",
    });
    const hello = { type: "hello", name: "ula", token: await token(now + 3_600) };
    expect(await again.asks(hello)).toMatchObject({ type: "welcome" });
    expect(await history(again, "~")).toEqual([["~", "ula was here"]]);
  } finally {
    await gateway.close();
  }
});

test("with PRIVATE_HISTORY=name, too, the next owner of the name is shown nothing of before", async () => {
  const own = { PRIVATE_HISTORY: "name", REDIS_PREFIX: "by-name" };
  const trusting = await node(redis.url, { ...SETTINGS, ...own });
  try {
    const [uma, vic] = [
      await JsonClient.hello(trusting.port, "uma"),
      await JsonClient.hello(trusting.port, "vic"),
    ];
    clients.push(uma, vic);
    await said(vic, "@uma", "for uma only");
    await said(uma, "@vic", "for vic only");
    await uma.asks({ type: "unregister" });
    await cleared("uma", "by-name");
    const next = await JsonClient.hello(trusting.port, "uma");
    clients.push(next);
    expect(await history(next, "@vic")).toEqual([]);
    expect(await history(vic, "@uma")).toEqual([
      ["vic", "for uma only"],
      ["~", "for vic only"],
    ]);
  } finally {
    await trusting.close();
  }
});

describe("export", () => {
  /** All parts, their lists behind one another. */
  async function exported(client: JsonClient): Promise<Record<string, unknown[]>> {
    const all: Record<string, unknown[]> = {};
    let after: unknown;
    do {
      const { data, next, type } = await client.asks({ type: "export", after });
      expect(type).toBe("ok");
      for (const [field, value] of Object.entries(data as object)) {
        all[field] = Array.isArray(value) ? [...(all[field] ?? []), ...value] : value;
      }
      after = next;
    } while (after !== undefined);
    return all;
  }

  test("has all of one's own: what one wrote to everybody, private conversations, marks, and nobody else's", async () => {
    const [wes, xia, yan] = [await json("wes"), await json("xia", {}, 1), await json("yan")];
    for (let i = 0; i < 3; i++) await said(wes, "~", `wes ${i}`);
    await said(xia, "~", "xia to all");
    await said(xia, "@wes", "xia to wes");
    await said(wes, "@xia", "wes to xia");
    await said(yan, "@wes", "yan to wes");
    await said(yan, "@xia", "not for wes");
    await said(wes, "@wes", "a note");
    await wes.asks({ type: "read", conv: "@yan", seq: 1 });
    const all = await exported(wes);
    expect(all).toMatchObject({ user: "wes", status: "active" });
    expect(
      all["messages"]!.map((each) => {
        const { conv, from, text } = each as Record<string, string>;
        return [conv, from, text];
      }),
    ).toEqual([
      ["~", "wes", "wes 0"],
      ["~", "wes", "wes 1"],
      ["~", "wes", "wes 2"],
      ["@wes", "wes", "a note"],
      ["@xia", "xia", "xia to wes"],
      ["@xia", "wes", "wes to xia"],
      ["@yan", "yan", "yan to wes"],
    ]);
    expect(all["marks"]).toContainEqual({ conv: "@yan", read: 1 });
  });

  test("whom one has blocked without a word is not noted any more when one has left", async () => {
    const [sid, tia] = [await json("sid"), await json("tia", {}, 1)];
    expect(await sid.asks({ type: "block", user: "tia" })).toMatchObject({ type: "ok" });
    expect(await traces("blocks:sid")).toEqual(["conversation"]);
    const closed = closing(sid);
    await sid.asks({ type: "unregister" });
    await closed;
    await cleared("sid");
    expect(await traces("blocks:sid")).toEqual([]);
    expect(await redis.client.exists(new Keys("tertulia").account("sid" as Name))).toBe(0);
    tia.vanish();
  });

  test("has whom one blocks; these blocks go when one leaves, and bind the name's next owner to nothing", async () => {
    const [pat, ron] = [await json("pat", { key: "pats-key" }), await json("ron", {}, 1)];
    await said(pat, "@ron", "hello ron");
    expect(await pat.asks({ type: "block", user: "ron" })).toMatchObject({ type: "ok" });
    expect(await exported(pat)).toMatchObject({ blocks: ["ron"] });
    expect(await ron.asks({ type: "publish", conv: "@pat", text: "?" })).toMatchObject({
      code: "away",
    });
    await pat.asks({ type: "unregister" });
    await cleared("pat");
    const next = await json("pat", { key: "another-key" });
    expect(await exported(next)).toMatchObject({ blocks: [] });
    await said(ron, "@pat", "hello, new pat");
    await next.awaits({ type: "message", conv: "@ron", text: "hello, new pat" });
  });

  test("tells the next owner of a name nothing of what the one before has blocked, read or been written", async () => {
    const [first, una] = [await json("tom", { keep: false }), await json("una", {}, 1)];
    await said(first, "~", "by the first tom");
    await said(first, "@una", "for una");
    await said(una, "@tom", "for the first tom");
    await first.asks({ type: "read", conv: "@una", seq: 2 });
    await first.asks({ type: "block", user: "una" });
    await first.asks({ type: "bye" });
    const second = await json("tom", { keep: false }, 1);
    expect(await exported(second)).toMatchObject({
      blocks: [],
      messages: [],
      marks: [{ conv: "~" }],
    });
  });

  test("a place that no part has said is refused, or one's own [abuse:export-place]", async () => {
    const zoe = await json("zoe");
    for (const after of ["", "nowhere", "1 #room", "-1 ~", "1", "9".repeat(40)]) {
      expect(await zoe.asks({ type: "export", after })).toMatchObject({ code: "bad_frame" });
    }
    const answer = await zoe.asks({ type: "export", after: "0 @xia" });
    expect(answer).toMatchObject({ type: "ok", data: { messages: [] } });
  });
});
