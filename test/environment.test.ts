import { createServer } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findMisspelt } from "#tertulia/misspelt.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { nodeProcess } from "./support/nodes.js";
import { startRedis, type TestRedis } from "./support/redis.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

test.each(["PORT", "METRICS_PORT"])("a taken %s is reported, and no other", async (variable) => {
  const port = await freePort();
  const taken = createServer().listen(port, "127.0.0.1");
  await once(taken, "listening");
  const started = nodeProcess({ REDIS_URL: redis.url, [variable]: port });
  await expect(started).rejects.toThrow(
    `Configuration:\n${variable}: somebody listens on port ${port} already; ` +
      `choose another, for example ${variable}=${port + 1}\n`,
  );
  taken.close();
});

test.each(["192.0.2.1", "nowhere.invalid", "127.0.0.1:9000"])(
  "a HOST that is not of this machine is reported: %s",
  async (host) => {
    const started = nodeProcess({ REDIS_URL: redis.url, HOST: host });
    await expect(started).rejects.toThrow(
      `Configuration:\nHOST: ${host} is no address of this machine (for example HOST=127.0.0.1)\n`,
    );
  },
);

test.each([
  ["PROT", "PORT"],
  ["port", "PORT"],
  ["HOSTS", "HOST"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["LOG_LEVLE", "LOG_LEVEL"],
  ["REDIS_URI", "REDIS_URL"],
  ["IDLE_AFTER", "IDLE_AFTER_MS"],
  ["IDLE_AFTER_S", "IDLE_AFTER_MS"],
  ["HISTORY_MAX_AGE", "HISTORY_MAX_AGE_MS"],
  ["REDIS_HOST", undefined],
  ["REDIS_PASSWD", "REDIS_PASSWORD"],
  ["REDIS_PASSWORT", "REDIS_PASSWORD"],
  ["REDIS_PASSWORD_FILES", "REDIS_PASSWORD_FILE"],
  ["REDIS_USER", undefined],
  ["REDIS_CA_FIEL", "REDIS_CA_FILE"],
  ["SENTINEL_PASS", undefined],
  ["LOG_NAMES_KEY_FIL", "LOG_NAMES_KEY_FILE"],
  ["TERTULIA_PORT", undefined],
  ["PRESENCE_LINGER", "PRESENCE_LINGER_MS"],
  ["PRESENCE_WAIT", undefined],
  ["PRESENSE_LINGER_MS", "PRESENCE_LINGER_MS"],
])("%s looks like one of the configuration", (variable, meant) => {
  expect(findMisspelt({ [variable]: "5" })).toEqual([{ variable, meant }]);
});

test("variables of other programs are not warned of", () => {
  const others = {
    HOME: "/root",
    HOSTNAME: "gw-1",
    PATH: "/bin",
    SHELL: "/bin/sh",
    NODE_ENV: "production",
    NODE_OPTIONS: "--no-warnings",
    NODE_VERSION: "20.20.0",
    LOGNAME: "me",
    TERTULIA_URL: "ws://chat.example",
    npm_config_port: "1",
    HTTP_PORT: "80",
    REDIS_PORT: "tcp://10.0.0.1:6379",
    REDIS_SERVICE_HOST: "10.0.0.1",
    REDIS_SERVICE_PORT: "6379",
    REDIS_SERVICE_PORT_REDIS: "6379",
    REDIS_PORT_6379_TCP: "tcp://10.0.0.1:6379",
    REDIS_PORT_6379_TCP_ADDR: "10.0.0.1",
    REDIS_ENV_REDIS_VERSION: "8",
    TERTULIA_PORT: "tcp://10.0.0.2:9000",
    TERTULIA_SERVICE_HOST: "10.0.0.2",
    PORT: "9000",
    METRICS_PORT: "9464",
  };
  expect(findMisspelt(others)).toEqual([]);
});

test("a node warns of a misspelt variable, without its value", async () => {
  const node = await nodeProcess({
    REDIS_URL: redis.url,
    REDIS_PASS: "secret",
    LOG_LEVLE: "warn",
  });
  const warned = node.log.filter(({ msg }) => msg === "this variable is none of the configuration");
  const told = warned.map(({ level, variable, meant }) => [level, variable, meant].join(" "));
  expect(told.toSorted()).toEqual(["40 LOG_LEVLE LOG_LEVEL", "40 REDIS_PASS "]);
  expect(JSON.stringify(node.log)).not.toContain("secret");
  expect(await node.close()).toBe(0);
});
