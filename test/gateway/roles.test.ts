/** Roles of accounts: given and taken by the operator in a terminal, on two gateways. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { admin } from "../support/admin.js";
import { ClassicClient } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const password = "correct horse";

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];

beforeAll(async () => {
  redis = await startRedis();
  nodes = [
    await node(redis.url, { IDENTITY: "accounts" }),
    await node(redis.url, { IDENTITY: "accounts" }),
  ];
});
afterAll(async () => {
  for (const each of nodes) await each.close();
  await redis.close();
});

/** A device of a user, who registers first. */
async function join(name: string, which = 0): Promise<JsonClient> {
  const client = await JsonClient.connect(nodes[which]!.port);
  const { session } = await client.asks({ type: "register", name, password });
  client.says({ type: "hello", name, session });
  await client.awaits({ type: "welcome" });
  return client;
}

const roleOf = ({ heard }: JsonClient): unknown =>
  heard.findLast(({ type }) => type === "welcome")?.["role"];

const asks = (client: JsonClient): Promise<Record<string, unknown>> =>
  client.asks({ type: "sanctions" });

test("a role holds on all devices that are open, and is told to those that come, until it is taken", async () => {
  const [phone, page] = [await join("mo"), await join("mo", 1)];
  expect([roleOf(phone), await asks(phone)]).toMatchObject(["user", { code: "forbidden" }]);
  const given = await admin(redis.url, "role", "mo", "moderator", "--reason", "trusted");
  expect(given).toMatchObject({ code: 0, out: "mo is moderator now" });
  for (const device of [phone, page]) {
    await eventually(async () => expect(await asks(device)).toMatchObject({ type: "ok" }));
  }
  const third = await join("mo", 1);
  expect(roleOf(third)).toBe("moderator");
  const una = await join("una", 1);
  await phone.asks({ type: "moderate", act: "kick", user: "una" });
  expect(await una.closed()).toBe(4403);

  await admin(redis.url, "role", "mo", "user");
  for (const device of [phone, page, third]) {
    await eventually(async () => expect(await asks(device)).toMatchObject({ code: "forbidden" }));
  }
  for (const client of [phone, page, third]) client.vanish();
});

test("whoever may act on a moderator has a higher role, also while the moderator is away", async () => {
  for (const [name, role] of [
    ["mia", "moderator"],
    ["max", "moderator"],
    ["olga", "operator"],
  ] as const) {
    (await join(name)).vanish();
    await admin(redis.url, "role", name, role);
  }
  const [mia, olga] = [await join("mia"), await join("olga", 1)];
  const mute = { type: "moderate", act: "mute", user: "max" };
  expect(await mia.asks(mute)).toMatchObject({ code: "forbidden" });
  expect(await olga.asks(mute)).toMatchObject({ type: "ok" });
  for (const client of [mia, olga]) client.vanish();
});

test("a role that was taken while a gateway was without a word of it does not come back with the name", async () => {
  const mo = await join("mila");
  await admin(redis.url, "role", "mila", "moderator");
  await eventually(async () => expect(await asks(mo)).toMatchObject({ type: "ok" }));
  // by hand, so that nobody is told; a new generation begins, and every session claims its name again
  const key = (await redis.client.keys("tertulia:*:account:*")).find((each) =>
    each.endsWith(Buffer.from("mila").toString("base64url")),
  )!;
  await redis.client.hdel(key, "role");
  await redis.client.call("DEBUG", "CHANGE-REPL-ID");
  await eventually(async () => expect(await asks(mo)).toMatchObject({ code: "forbidden" }));
  mo.vanish();
});

test("the log of moderation has roles, passwords and revocations as well", async () => {
  await admin(redis.url, "role", "una", "operator", "--reason", "new here");
  await admin(redis.url, "role", "una", "user");
  await admin(redis.url, "password", "una");
  await admin(redis.url, "revoke", "una", "--reason", "lost her phone");
  const { out } = await admin(redis.url, "log", "--last", "4", "--json");
  const own = { target: "una", by: "olga", until: null };
  expect(JSON.parse(out)).toMatchObject([
    { act: "revoke", reason: "lost her phone", role: null, ...own },
    { act: "password", role: null, ...own },
    { act: "role", role: "user", ...own },
    { act: "role", role: "operator", reason: "new here", ...own },
  ]);
  expect((await admin(redis.url, "log", "--last", "3")).out).toMatch(/olga {2}role una user/);
  (await join("ole")).vanish();
  await admin(redis.url, "role", "ole", "operator");
  const ole = await join("ole", 1);
  const { acts } = await ole.asks({ type: "audit", limit: 3 });
  expect(acts).toMatchObject([
    { act: "role", target: "ole", role: "operator", by: "olga" },
    { act: "revoke", target: "una", by: "olga", reason: "lost her phone" },
    { act: "password", target: "una", by: "olga" },
  ]);
  ole.vanish();
});

test("a role for nobody, or a role that is none, is a mistake: nothing is done or noted", async () => {
  const log = "tertulia:{00}:moderation_log";
  const before = await redis.client.xlen(log);
  const nobody = await admin(redis.url, "role", "nobody", "moderator");
  expect(nobody).toMatchObject({ code: 1, out: "nobody has no account" });
  for (const words of [["una"], ["una", "king"], ["una", "user", "moderator"]]) {
    const { code, error } = await admin(redis.url, "role", ...words);
    expect([code, error]).toEqual([2, expect.stringContaining("user, moderator, operator")]);
  }
  expect((await admin(redis.url, "role")).code).toBe(2);
  expect(await redis.client.xlen(log)).toBe(before);
});

test("a ban, and why, is told to whoever has proved the name, and to nobody else", async () => {
  (await join("zoe")).vanish();
  await admin(redis.url, "ban", "zoe", "--reason", "spam");
  const ask = async (request: object): Promise<unknown> => {
    const client = await JsonClient.connect(nodes[0]!.port);
    const { code, message } = await client.asks({ name: "zoe", ...request });
    client.vanish();
    return [code, message];
  };
  const told = ["banned", "banned: spam"];
  await eventually(async () => expect(await ask({ type: "hello", password })).toEqual(told));
  expect(await ask({ type: "login", password })).toEqual(told);
  expect(await ask({ type: "register", password })).toEqual(told);
  const wrong = { password: "wrong horse" };
  for (const request of [
    { type: "hello", ...wrong },
    { type: "login", ...wrong },
  ]) {
    expect((await ask(request)) as unknown[]).toContain("bad_credentials");
  }
  expect((await ask({ type: "hello" })) as unknown[]).toContain("login_required");
  const inBytes = (query: string): Promise<string> =>
    ClassicClient.attempt(nodes[1]!.port, "", undefined, query).then(
      () => "let in",
      (error: unknown) => /\d{3}/.exec(String(error))![0],
    );
  expect(await inBytes("?name=zoe&password=wrong%20horse")).toBe("400");
  expect(await inBytes("?name=zoe&password=correct%20horse")).toBe("403");
});
