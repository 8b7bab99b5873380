/** Moderators and operators among the users: what they may ask for in JSON, on two gateways, by the role that their tokens give. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect } from "#tertulia/clients/sdk/tertulia.js";
import type { Name } from "#tertulia/chat/names.js";
import { Keys } from "#tertulia/redis/keys.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { tokenOf } from "../support/token.js";

const SECRET = "a secret of the app and of the chat";

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];

beforeAll(async () => {
  redis = await startRedis();
  const token = { IDENTITY: "token", TOKEN_SECRET: SECRET };
  nodes = [await node(redis.url, token), await node(redis.url, token)];
});
afterAll(async () => {
  for (const each of nodes) await each.close();
  await redis.close();
});

function join(name: string, role = "user", which = 0): Promise<JsonClient> {
  return JsonClient.hello(nodes[which]!.port, name, { token: tokenOf(SECRET, name, { role }) });
}

const logged = (): Promise<number> => redis.client.xlen("tertulia:{00}:moderation_log");

describe("a moderator", () => {
  test("mutes a user of another gateway, who reads why, and lifts it", async () => {
    const [mo, una] = [await join("mo", "moderator"), await join("una", "user", 1)];
    const { seq } = await una.asks({ type: "publish", text: "hush" });
    const act = { type: "moderate", act: "mute", user: "una", for: 600_000, reason: "calm down" };
    const { until } = await mo.asks(act);
    expect(Number(until) - Date.now()).toBeGreaterThan(500_000);
    await eventually(async () => {
      const said = await una.asks({ type: "publish", text: "psst" });
      expect(said).toMatchObject({ type: "error", code: "muted" });
      expect(said["message"]).toMatch(/^muted until .+Z: calm down$/);
    });
    // a removal is a message, too
    const removal = { type: "remove", conv: "~", seq };
    expect(await una.asks(removal)).toMatchObject({ type: "error", code: "muted" });
    const { sanctions } = await mo.asks({ type: "sanctions" });
    const own = { kind: "mute", target: "una", until, by: "@mo", reason: "calm down" };
    expect(sanctions).toEqual([{ ...own, at: expect.any(Number) }]);
    expect(await mo.asks({ type: "moderate", act: "unmute", user: "una" })).toEqual({
      type: "ok",
      id: expect.anything(),
    });
    await eventually(async () =>
      expect(await una.asks({ type: "publish", text: "thanks" })).toMatchObject({ type: "ok" }),
    );
    expect(await una.asks(removal)).toMatchObject({ type: "ok" });
    const { acts } = await mo.asks({ type: "audit", limit: 2 });
    expect(acts).toMatchObject([
      { act: "unmute", target: "una", by: "@mo", reason: "" },
      { act: "mute", target: "una", by: "@mo", until },
    ]);
    for (const client of [mo, una]) client.vanish();
  });

  test("kicks a user, whose devices are told why and closed by all gateways", async () => {
    const mo = await join("mo", "moderator");
    const devices = [await join("kim", "user", 0), await join("kim", "user", 1)];
    const ends = devices.map(
      ({ webSocket }) =>
        new Promise((resolve) =>
          webSocket.once("close", (code, reason) => resolve(`${code} ${reason.toString()}`)),
        ),
    );
    await mo.asks({ type: "moderate", act: "kick", user: "kim", reason: "enough" });
    expect(await Promise.all(ends)).toEqual(["4403 kicked: enough", "4403 kicked: enough"]);
    (await join("kim")).vanish();
    const { sanctions } = await mo.asks({ type: "sanctions" });
    expect(sanctions).toEqual([]);
    mo.vanish();
  });

  test("bans a user, and is told when there is nothing to lift [abuse:moderate-nothing]", async () => {
    const [mo, mal] = [await join("mo", "moderator"), await join("mal", "user", 1)];
    await mo.asks({ type: "moderate", act: "ban", user: "mal", reason: "spam" });
    expect(await mal.closed()).toBe(4403);
    await mo.asks({ type: "moderate", act: "unban", user: "mal" });
    const before = await logged();
    const again = await mo.asks({ type: "moderate", act: "unban", user: "mal" });
    expect(again).toMatchObject({ code: "not_found", message: "there is nothing to lift" });
    expect(await logged()).toBe(before);
    mo.vanish();
  });

  test("does an act once that is sent twice under a mid, and another one under another", async () => {
    const mo = await join("mo", "moderator");
    const [before, ban] = [await logged(), { type: "moderate", act: "ban", user: "twin" }];
    const first = await mo.asks({ ...ban, mid: "m1", for: 60_000 });
    expect(await mo.asks({ ...ban, mid: "m1", for: 60_000 })).toMatchObject({
      until: first["until"],
    });
    expect(await logged()).toBe(before + 1);
    const lift = { type: "moderate", act: "unban", user: "twin", mid: "m2" };
    for (let i = 0; i < 2; i++) expect(await mo.asks(lift)).toMatchObject({ type: "ok" });
    expect(await logged()).toBe(before + 2);
    mo.vanish();
  });

  test("acts neither on oneself, nor on who has that role or a higher one [abuse:moderate-peer]", async () => {
    const mo = await join("mo", "moderator");
    const [max, olga] = [await join("max", "moderator", 1), await join("olga", "operator", 1)];
    const before = await logged();
    for (const user of ["mo", "max", "olga"]) {
      for (const act of ["kick", "ban", "mute", "unban", "unmute"]) {
        const answer = await mo.asks({ type: "moderate", act, user });
        expect(answer, `${act} ${user}`).toMatchObject({ code: "forbidden" });
      }
    }
    expect(await logged()).toBe(before);
    // once its token gives no role any more, it is a user
    max.vanish();
    const demoted = await join("max", "user", 1);
    expect(await mo.asks({ type: "moderate", act: "kick", user: "max" })).toMatchObject({
      type: "ok",
    });
    expect(await demoted.closed()).toBe(4403);
    for (const client of [mo, olga]) client.vanish();
  });

  test("bans no address [abuse:moderate-address]", async () => {
    const mo = await join("mo", "moderator");
    for (const act of ["ban", "unban"]) {
      const answer = await mo.asks({ type: "moderate", act, address: "192.0.2.7" });
      expect(answer).toMatchObject({ code: "forbidden" });
    }
    mo.vanish();
  });
});

test("an operator acts on moderators, and bans addresses", async () => {
  const [olga, mo] = [await join("olga", "operator"), await join("mo", "moderator", 1)];
  for (const address of ["192.0.2.7", "192.0.2.0/24", "2001:DB8::/48", "::1"]) {
    const ban = { type: "moderate", act: "ban", address };
    // one's own address is not lifted by anybody who is locked out
    if (address !== "::1") expect(await olga.asks(ban)).toMatchObject({ type: "ok" });
  }
  const { sanctions } = await olga.asks({ type: "sanctions" });
  const told = (sanctions as { target: string; address: boolean }[]).map(
    ({ target, address }) => `${target} ${address}`,
  );
  expect(new Set(told)).toEqual(
    new Set(["192.0.2.7 true", "192.0.2.0/24 true", "2001:db8::/48 true"]),
  );
  for (const address of ["192.0.2.7", "192.0.2.0/24", "2001:db8::/48"]) {
    await olga.asks({ type: "moderate", act: "unban", address });
  }
  await olga.asks({ type: "moderate", act: "kick", user: "mo" });
  expect(await mo.closed()).toBe(4403);
  olga.vanish();
});

test("a user may do none of it [abuse:moderate-user] [abuse:sanctions-user] [abuse:audit-user]", async () => {
  const before = await logged();
  const una = await join("una");
  for (const request of [
    { type: "moderate", act: "kick", user: "kim" },
    { type: "moderate", act: "unban", user: "una" },
    { type: "moderate", act: "ban", address: "192.0.2.7" },
    { type: "sanctions" },
    { type: "audit" },
  ]) {
    expect(await una.asks(request)).toMatchObject({ type: "error", code: "forbidden" });
  }
  const nobody = await JsonClient.connect(nodes[0]!.port);
  const answer = await nobody.asks({ type: "moderate", act: "kick", user: "una" });
  expect(answer).toMatchObject({ code: "unauthenticated" });
  expect(await logged()).toBe(before);
  for (const client of [una, nobody]) client.vanish();
});

test("where names belong to nobody for good, no name has a role", async () => {
  const open = await node(redis.url, { REDIS_PREFIX: "open" });
  await redis.client.hset(new Keys("open").account("olga" as Name), "role", "operator");
  const olga = await JsonClient.hello(open.port, "olga");
  const answer = await olga.asks({ type: "moderate", act: "kick", user: "kim" });
  expect(answer).toMatchObject({ code: "forbidden" });
  olga.vanish();
  await open.close();
});

test("what is no act is a bad frame, also by an operator [abuse:moderate-odd]", async () => {
  const before = await logged();
  const olga = await join("olga", "operator");
  for (const fields of [
    { act: "kick" },
    { act: "kick", user: "una", address: "192.0.2.7" },
    { act: "ban", address: "everybody" },
    { act: "ban", address: "0.0.0.0/0" },
    { act: "ban", address: "::/00" },
    { act: "ban", address: "192.0.2.0/33" },
    { act: "ban", address: "fe80::1%eth0" },
    { act: "mute", address: "192.0.2.7" },
    { act: "kick", user: "una", for: 60_000 },
    { act: "unban", user: "una", for: 60_000 },
    { act: "ban", user: "una", for: -1 },
    { act: "ban", user: "una", reason: "two\nlines" },
    { act: "ban", user: "una", reason: "x".repeat(201) },
    { act: "ban", user: "una", mid: "a b" },
    { act: "exile", user: "una" },
  ]) {
    const answer = await olga.asks({ type: "moderate", ...fields });
    expect(answer, JSON.stringify(fields)).toMatchObject({ type: "error", code: "bad_frame" });
  }
  const room = await olga.asks({ type: "moderate", act: "ban", user: "#room" });
  expect(room).toMatchObject({ code: "bad_name" });
  expect(await logged()).toBe(before);
  olga.vanish();
});

test("the SDK acts, lists and reads the log; what it sends again is done once", async () => {
  const url = `ws://127.0.0.1:${nodes[0]!.port}`;
  const token = (): string => tokenOf(SECRET, "sam", { role: "operator" });
  const sam = connect(url, { name: "sam", token, WebSocket });
  const { role } = await sam.once("welcome");
  expect(role).toBe("operator");
  const { untilMs } = await sam.moderate({ act: "ban", user: "eve", forMs: 60_000, reason: "x" });
  expect(untilMs).toBeGreaterThan(Date.now());
  expect(await sam.sanctions()).toMatchObject([
    { kind: "ban", target: "eve", by: "@sam", until: untilMs },
  ]);
  await sam.moderate({ act: "unban", user: "eve" });
  const [unban, ban] = await sam.audit({ limit: 2 });
  expect([unban?.act, ban?.act]).toEqual(["unban", "ban"]);
  await expect(sam.moderate({ act: "unban", user: "eve" })).rejects.toMatchObject({
    code: "not_found",
  });
  await expect(sam.moderate({ act: "fly" as never, user: "eve" })).rejects.toThrow(
    'there is no act "fly"',
  );
  await expect(sam.moderate({ act: "kick" })).rejects.toThrow("`user` or `address`");
  await sam.close();
});
