/** Moderation from a terminal: the operator's commands on a real Redis, and what clients of two gateways hear of them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { admin as run, type Said } from "../support/admin.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let one: Awaited<ReturnType<typeof node>>;
let two: Awaited<ReturnType<typeof node>>;
beforeAll(async () => {
  redis = await startRedis();
  [one, two] = await Promise.all([node(redis.url), node(redis.url)]);
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await redis.close();
});

function admin(...words: string[]): Promise<Said> {
  return run(redis.url, ...words);
}

/** How a WebSocket was closed: code and reason. */
function closing(webSocket: WebSocket): Promise<string> {
  return new Promise((resolve) =>
    webSocket.once("close", (code, reason) => resolve(`${code} ${reason.toString()}`)),
  );
}

/** The HTTP answer to an upgrade that is refused. */
function refused(port: number, path: string): Promise<string> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  webSocket.on("error", () => {});
  return new Promise((resolve, reject) => {
    webSocket.once("open", () => reject(new Error("was let in")));
    webSocket.once("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve(`${response.statusCode} ${body.trim()}`));
    });
  });
}

test("a kick closes the connections of all devices on all gateways, and the user may come back", async () => {
  const key = "k".repeat(20);
  const devices = await Promise.all(
    [one, two].map(({ port }) => JsonClient.hello(port, "kim", { key })),
  );
  const bystander = await JsonClient.hello(one.port, "bea");
  const closed = devices.map(({ webSocket }) => closing(webSocket));
  expect(await admin("kick", "kim", "--reason", "enough for today")).toMatchObject({ code: 0 });
  expect(await Promise.all(closed)).toEqual(
    Array.from({ length: 2 }, () => "4403 kicked: enough for today"),
  );
  const back = await JsonClient.hello(two.port, "kim", { key });
  expect(await back.asks({ type: "publish", to: "~", text: "hello again" })).toMatchObject({
    type: "ok",
  });
  expect(bystander.webSocket.readyState).toBe(WebSocket.OPEN);
  for (const client of [back, bystander]) client.vanish();
});

test("who is banned is closed, told until when and why, and not let in, in any dialect, until the ban is lifted", async () => {
  const json = await JsonClient.hello(one.port, "mal");
  const bytes = await ClassicClient.connect(two.port, "malo");
  const closed = [json.webSocket, bytes.webSocket].map(closing);
  await admin("ban", "mal", "--for", "2h", "--reason", "spam");
  await admin("ban", "malo");
  const [why, ofBytes] = await Promise.all(closed);
  expect(why).toMatch(/^4403 banned until \d{4}-\d\d-\d\dT[\d:]{8}Z: spam$/);
  expect(ofBytes).toBe("4403 banned");
  for (const { port } of [one, two]) {
    await eventually(async () => expect(await refused(port, "/?name=malo")).toBe("403 banned"));
    expect(await refused(port, "/?name=mal")).toMatch(/^403 banned until .+: spam$/);
    const again = await JsonClient.connect(port);
    again.says({ type: "hello", name: "mal", id: 1 });
    const told = await again.next();
    expect(told).toMatchObject({ type: "error", id: 1, code: "banned" });
    expect(told["message"]).toMatch(/^banned until .+: spam$/);
    again.vanish();
  }
  const inForce = JSON.parse((await admin("sanctions", "--json")).out) as unknown[];
  expect(inForce).toHaveLength(2);
  expect(inForce).toContainEqual(
    expect.objectContaining({ kind: "ban", target: "mal", reason: "spam" }),
  );
  expect(inForce).toContainEqual(
    expect.objectContaining({ target: "malo", until: null, by: "olga" }),
  );
  expect(await admin("unban", "mal")).toMatchObject({ code: 0 });
  expect(await admin("unban", "mal")).toMatchObject({ code: 1, out: "there is nothing to lift" });
  await eventually(async () => {
    const back = await JsonClient.hello(one.port, "mal");
    back.vanish();
  });
});

test("who is muted reads, and is told why it may not write or type", async () => {
  const mute = await JsonClient.hello(one.port, "mia");
  const bytes = await ClassicClient.connect(two.port, "max");
  await admin("mute", "mia", "--for", "10m", "--reason", "calm down");
  await admin("mute", "max");
  await eventually(async () => {
    const said = await mute.asks({ type: "publish", to: "~", text: "psst" });
    expect(said).toMatchObject({ type: "error", code: "muted" });
    expect(said["message"]).toMatch(/^muted until .+Z: calm down$/);
  });
  expect(await mute.asks({ type: "typing", conv: "~" })).toMatchObject({ code: "muted" });
  await eventually(async () => {
    bytes.says(4, L("~"), L("a"));
    await bytes.hears(50, 7);
  });
  const other = await JsonClient.hello(two.port, "ole");
  other.says({ type: "publish", to: "~", text: "news" });
  await mute.awaits({ type: "message", from: "ole", text: "news" });
  await admin("unmute", "mia");
  await eventually(async () => {
    const said = await mute.asks({ type: "publish", to: "~", text: "thanks" });
    expect(said).toMatchObject({ type: "ok" });
  });
  for (const client of [mute, bytes, other]) client.vanish();
});

test("an address, or a range of addresses, is banned", async () => {
  const client = await JsonClient.hello(one.port, "ann");
  const closed = closing(client.webSocket);
  await admin("ban", "--address", "127.0.0.0/8", "--reason", "open proxy", "--for", "1h");
  try {
    expect(await closed).toMatch(/^4403 banned until .+: open proxy$/);
    for (const { port } of [one, two]) {
      await eventually(async () => expect(await refused(port, "/ws")).toMatch(/^403 banned/));
    }
  } finally {
    await admin("unban", "--address", "127.0.0.0/8");
  }
  await eventually(async () => (await JsonClient.hello(two.port, "ann")).vanish());
});

test("a ban finds also who waits for its turn to come in", async () => {
  const slow = await node(redis.url, { HANDSHAKES_PER_SECOND: 1, REDIS_PREFIX: "slow" });
  const outcomes = Array.from({ length: 5 }, () => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${slow.port}/ws`, "tertulia.v1.json");
    webSocket.on("error", () => {});
    return new Promise<string | number>((resolve) => {
      webSocket.once("unexpected-response", (_, { statusCode }) => resolve(`${statusCode}`));
      webSocket.once("close", resolve);
    });
  });
  await run({ REDIS_URL: redis.url, REDIS_PREFIX: "slow" }, "ban", "--address", "127.0.0.1");
  // let in before it was known, or after
  for (const outcome of await Promise.all(outcomes)) expect(["403", 4403]).toContain(outcome);
  await slow.close();
});

test("the log says who did what to whom, when and why", async () => {
  const before = JSON.parse((await admin("log", "--json")).out) as unknown[];
  await admin("ban", String.raw`bob\xff`, "--reason", "a name of bytes", "--for", "1h");
  await admin("unban", String.raw`bob\xff`);
  await admin("unban", "nobody-at-all");
  const after = JSON.parse((await admin("log", "--json")).out) as Record<string, unknown>[];
  expect(after.length - before.length).toBe(2);
  expect(after.slice(0, 2)).toMatchObject([
    { act: "unban", target: String.raw`bob\xff`, by: "olga", until: null },
    { act: "ban", target: String.raw`bob\xff`, by: "olga", reason: "a name of bytes" },
  ]);
  expect(Math.abs(Date.parse(String(after[1]!["until"])) - Date.now() - 3_600_000)).toBeLessThan(
    60_000,
  );
});

test.each([
  [["fly", "ana"], "there is no command fly"],
  [["ban"], "whom? One name"],
  [["ban", "ana", "bob"], "whom? One name"],
  [["ban", "#room"], "nobody can have this name"],
  [["ban", "ana", "--for", "soon"], "--for: 30s, 10m, 2h, 7d"],
  [["kick", "ana", "--for", "2h"], "--for: kick is done at once"],
  [["ban", "--address", "0.0.0.0/0"], "--address: 192.0.2.7, 192.0.2.0/24, 2001:db8::/48"],
  [["ban", "--address", "::1/129"], "--address: 192.0.2.7, 192.0.2.0/24, 2001:db8::/48"],
  [["mute", "--address", "::1"], "--address: mute takes a name"],
  [["ban", "ana", "--reason", "two\nlines"], "--reason: one line, at most 200 characters"],
  [["log", "--last", "none"], "--last: a number from 1 to 100000"],
])("%j is a mistake: nothing is done", async (words, why) => {
  const logged = await redis.client.xlen("tertulia:{00}:moderation_log");
  expect(await admin(...words)).toEqual({
    code: 2,
    out: "",
    error: `admin: ${why} (--help shows how)`,
  });
  expect(await redis.client.xlen("tertulia:{00}:moderation_log")).toBe(logged);
});

test("a key of another type keeps no gateway from starting, and lifts nothing", async () => {
  await admin("ban", "dora");
  await eventually(async () => expect(await refused(one.port, "/?name=dora")).toBe("403 banned"));
  const key = "tertulia:{00}:sanctions";
  await redis.client.rename(key, "kept");
  await redis.client.set(key, "garbage");
  try {
    const three = await node(redis.url);
    (await JsonClient.hello(three.port, "eve")).vanish();
    await eventually(() =>
      expect(one.log.map(({ event }) => event)).toContain("sanctions_damaged"),
    );
    expect(await refused(one.port, "/?name=dora")).toBe("403 banned");
    expect(await admin("ban", "eve")).toMatchObject({ code: 2 });
    await three.close();
  } finally {
    await redis.client.rename("kept", key);
  }
});

test("a ban is known also after data was lost that gateways knew", async () => {
  const keys = ["sanctions", "sanction_ends"].map((key) => `tertulia:{00}:${key}`);
  await admin("ban", "first");
  for (const key of keys) await redis.client.copy(key, `${key}-kept`);
  await admin("ban", "second");
  await eventually(async () => expect(await refused(one.port, "/?name=second")).toMatch(/^403/));
  for (const key of keys) await redis.client.rename(`${key}-kept`, key);
  await admin("ban", "mallory");
  await eventually(async () => expect(await refused(one.port, "/?name=mallory")).toMatch(/^403/));
});

test("a damaged sanction is skipped, and the others are in force", async () => {
  const key = "tertulia:{00}:sanctions";
  const ends = "tertulia:{00}:sanction_ends";
  await redis.client.hset(key, "ban =eva", "1 1000 4 olga ended");
  await redis.client.zadd(ends, 1_000, "ban =eva");
  for (const [what, value] of [
    ["ban =dan", "garbage"],
    ["ban", "1 0 1 x y"],
    ["nonsense", ""],
    ["ban /300.1", "1 0 1 x y"],
    ["ban =", "1 0 1 x y"],
  ] as const) {
    await redis.client.hset(key, what, value);
    await redis.client.zadd(ends, "inf", what);
  }
  await admin("ban", "dora");
  expect(await redis.client.hkeys(key)).not.toContain("ban =eva");
  await eventually(async () => expect(await refused(one.port, "/?name=dora")).toBe("403 banned"));
  const dan = await JsonClient.hello(one.port, "dan");
  dan.vanish();
});

test("an operator without a name in the chat removes a message to everybody, and only once", async () => {
  const ana = await JsonClient.hello(one.port, "ana");
  const bob = await JsonClient.hello(two.port, "bob");
  const { seq } = await ana.asks({ type: "publish", text: "call me: 555-1234" });
  const written = (await admin("messages", "--last", "1")).out;
  expect(written).toMatch(new RegExp(`^${String(seq)}  20\\S+Z  ana  call me: 555-1234$`));
  const removed = await admin("remove", String(seq), "--reason", "a number");
  expect(removed).toMatchObject({ code: 0, out: `message ${String(seq)} of ana is removed` });
  for (const each of [ana, bob]) await each.awaits({ type: "message", from: "ana", removes: seq });
  expect(await admin("remove", String(seq), "--reason", "a number")).toMatchObject({ code: 0 });
  const newest: unknown = JSON.parse((await admin("messages", "--last", "2", "--json")).out);
  const gone = { from: "ana", text: null };
  expect(newest).toMatchObject([{ seq, ...gone }, gone]);
  const noted = (await admin("log", "--last", "50")).out.split("\n");
  expect(noted.filter((line) => line.includes("olga  remove ana  message"))).toHaveLength(1);
  expect(await admin("remove", "999999")).toMatchObject({ code: 1 });
  for (const wrong of [[], ["x"], ["1", "2"], ["-1"]]) {
    expect(await admin("remove", ...wrong)).toMatchObject({ code: 2 });
  }
  ana.vanish();
  bob.vanish();
});
