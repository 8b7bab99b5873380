import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { observe } from "#tertulia/observe.js";
import { readAccess } from "#tertulia/redis/access.js";
import { connectRedis, giveUp, optionsOf } from "#tertulia/redis/connect.js";
import { startSentinel } from "#verifier/sentinels.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess, type LogLine } from "../support/nodes.js";
import { startRedis } from "../support/redis.js";

test.each<[url: string, options: object]>([
  ["redis://redis", { host: "redis", port: 6_379 }],
  ["REDIS://redis/", { host: "redis", port: 6_379 }],
  ["redis://redis:7000/0", { host: "redis", port: 7_000 }],
  ["redis://127.0.0.1\n", { host: "127.0.0.1", port: 6_379 }],
  ["redis://[::1]:7000", { host: "::1", port: 7_000 }],
  ["redis://my_redis.chat.svc", { host: "my_redis.chat.svc", port: 6_379 }],
  ["redis://:secret@redis", { host: "redis", port: 6_379, password: "secret" }],
  ["redis://me:a:b@redis", { host: "redis", port: 6_379, username: "me", password: "a:b" }],
  ["redis://me:a@b@redis", { host: "redis", port: 6_379, username: "me", password: "a@b" }],
  [
    "redis://m%3Ae:%2F%3F%23%40%25+@r",
    { host: "r", port: 6_379, username: "m:e", password: "/?#@%+" },
  ],
  ["rediss://redis:6380", { host: "redis", port: 6_380, tls: {} }],
  [
    "rediss+sentinel://a/chat",
    { name: "chat", tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true },
  ],
  ["redis+sentinel://a/chat", { name: "chat", sentinels: [{ host: "a", port: 26_379 }] }],
  [
    "redis+sentinel://u:a:b@a:1,[::1]:2,[fe80::1],b/my-chat.1/0",
    {
      name: "my-chat.1",
      username: "u",
      password: "a:b",
      sentinels: [
        { host: "a", port: 1 },
        { host: "::1", port: 2 },
        { host: "fe80::1", port: 26_379 },
        { host: "b", port: 26_379 },
      ],
    },
  ],
  [
    "redis+sentinel://:p@a/chat?sentinel_password=s%26+:=",
    { name: "chat", password: "p", sentinelPassword: "s&+:=" },
  ],
  [
    "redis+sentinel://a/chat?sentinel_username=gate&sentinel_password=s",
    { name: "chat", sentinelUsername: "gate", sentinelPassword: "s" },
  ],
])("%s is understood", (url, options) => {
  const understood = optionsOf(readAccess({ url }));
  expect(understood).toMatchObject(options);
  const given = Object.keys(understood).filter((key) => /password|username|tls/i.test(key));
  expect(given.filter((key) => !(key in options))).toEqual([]);
});

test.each<[url: string, why: string | RegExp]>([
  ["redis", "must be a URL of redis://, rediss://, redis+sentinel://, rediss+sentinel://"],
  ["http://redis", /^must be a URL/],
  ["redis:/redis", /^must be a URL/],
  ["rediss+sentinel://a", /^must end in the name/],
  ["redis://", /^the host is none/],
  ["redis://:6379", /^the host is none/],
  ["redis://::1:6379", /^the host is none/],
  ["redis://[::1", /^the host is none/],
  ["redis://[localhost]", /^the host is none/],
  ["redis://host:port", /^the host is none/],
  ["redis://host:0", "the port must be from 1 to 65535"],
  ["redis://host:99999", "the port must be from 1 to 65535"],
  ["redis://a,b", "one host; several are for redis+sentinel://"],
  ["redis://host/1", "only database 0 can be used, /0 or nothing"],
  ["redis://host/chat", /^only database 0/],
  ["redis://host/0/1", /^only database 0/],
  ["redis+sentinel://host/chat/2", /^only database 0/],
  ["redis://host?db=1", "there is no parameter db"],
  ["redis://host/0?timeout=5&tls=1", "there is no parameter timeout"],
  [
    "redis+sentinel://host/chat?sentinel_pass=x",
    "there is no parameter sentinel_pass; there are sentinel_username, sentinel_password",
  ],
  [
    "redis+sentinel://host/chat?sentinel_password=a&sentinel_password=b",
    "sentinel_password: is given twice",
  ],
  ["redis+sentinel://host/chat?sentinel_password=", "sentinel_password: is empty"],
  ["redis+sentinel://host/chat?sentinel_username=me", /^a user without a password/],
  ["redis+sentinel://host:26379", /^must end in the name/],
  ["redis+sentinel://host/", /^must end in the name/],
  ["redis+sentinel://a,,b/chat", /^the host is none/],
  ["redis+sentinel://host:port/chat", /^the host is none/],
  ["redis://secret@host", /^a user without a password/],
  ["redis://me:@host", "the password is empty"],
  ["redis+sentinel://:@host/chat", "the password is empty"],
  ["redis://:secret%@host", "a % is written %25"],
  ["redis://:secret/secret@host", /^the characters \/ \? # @ in a password/],
  ["redis://:secret?secret@host", /^the characters/],
  ["redis://:secret#secret@host", /^the characters/],
  ["redis://host?x%secret", "there is no parameter in the query"],
])("%s is refused in words that hold no secret", (url, why) => {
  expect(() => readAccess({ url })).toThrow(why);
  expect(String(thrownBy(() => readAccess({ url })))).not.toContain("secret");
});

test("passwords with a colon work for Redis and Sentinel", async () => {
  const redis = await startRedis();
  const folder = await mkdtemp(join(tmpdir(), "tertulia-sentinel-"));
  const port = await freePort();
  await redis.client.call("ACL", "SETUSER", "chat", "on", ">p:a@s", "~*", "&*", "+@all");
  await redis.client.config("SET", "requirepass", "re:dis");
  const sentinel = await startSentinel(folder, port, redis.port, [
    "sentinel auth-pass chat re:dis",
    "requirepass sent:inel",
    "user gate on >ga:te ~* &* +@all",
  ]);
  try {
    for (const [login, query] of [
      [":re:dis", "sentinel_password=sent:inel"],
      ["chat:p%3Aa%40s", "sentinel_username=gate&sentinel_password=ga%3Ate"],
    ]) {
      const url = `redis+sentinel://${login}@127.0.0.1:${port}/chat?${query}`;
      const gateway = await node(url, { REDIS_PREFIX: `with-${login!.length}` });
      const ana = await ClassicClient.connect(gateway.port, "ana");
      ana.says(4, L("~"), L("hi"));
      await ana.awaits(55, L("ana"), L("hi"));
      expect(JSON.stringify(gateway.log)).not.toMatch(/re:dis|sent:inel|p:a@s|ga:te/);
      await ana.close();
      await gateway.close();
    }
  } finally {
    sentinel.kill();
    await redis.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test("logged errors of Redis contain neither passwords nor texts", async () => {
  const redis = await startRedis();
  await redis.client.config("SET", "requirepass", "right");
  const lines: LogLine[] = [];
  const { log } = observe("debug", "test", {
    write: (line) => void lines.push(JSON.parse(line) as LogLine),
  });
  const settings = (password: string) => ({
    url: `redis://:${password}@127.0.0.1:${redis.port}`,
    commandTimeoutMs: 1_000,
  });
  const refused = connectRedis(settings("a-secret"), "command", log);
  refused.connect().catch(() => {});
  await eventually(() => {
    const line = lines.find(({ msg }) => msg === "redis connection failed");
    expect(line).toMatchObject({
      err: { message: expect.stringContaining("WRONGPASS") as string },
    });
  });
  giveUp(refused);
  const good = connectRedis(settings("right"), "command", log);
  await good.connect();
  await good.set("key", "x");
  const error: unknown = await good
    .hset("key", "field", "a-secret")
    .catch((reason: unknown) => reason);
  log.warn({ err: new Error("outer", { cause: error }) }, "failed");
  giveUp(good);
  expect(lines.at(-1)).toMatchObject({
    err: { message: "outer", cause: { message: expect.stringContaining("WRONGTYPE") as string } },
  });
  expect(JSON.stringify(lines)).not.toContain("a-secret");
  await redis.close();
});

test("a node of a Redis Cluster, or a Sentinel, in place of Redis is reported at once", async () => {
  const cluster = await startRedis("--cluster-enabled", "yes");
  const folder = await mkdtemp(join(tmpdir(), "tertulia-sentinel-"));
  const port = await freePort();
  const sentinel = await startSentinel(folder, port, cluster.port);
  try {
    const began = performance.now();
    await expect(nodeProcess({ REDIS_URL: cluster.url })).rejects.toThrow(
      /REDIS_URL leads to a node of a Redis Cluster, which is not supported yet/,
    );
    await expect(nodeProcess({ REDIS_URL: `redis://127.0.0.1:${port}` })).rejects.toThrow(
      /REDIS_URL leads to a Sentinel: write redis\+sentinel:/,
    );
    expect(performance.now() - began).toBeLessThan(25_000); // it tried for 30 s before
  } finally {
    sentinel.kill();
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  }
});

function thrownBy(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
