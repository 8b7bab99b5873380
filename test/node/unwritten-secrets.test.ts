/** No password, key or text is in what a process writes, whatever fails. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { observe } from "#tertulia/observe.js";
import { hide, redacted, writtenError } from "#tertulia/redact.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const PASSWORD = 'planted/pass word"7&%';
const ANOTHER = "planted-another-secret";
const KEY = "planted-key-of-a-user-0123";
const TEXT = "planted text of a message";

let redis: TestRedis | undefined;
afterEach(() => redis?.close());

/** What the program writes until it has written this, or has ended. */
async function written(
  program: "main" | "doctor/main",
  environment: Record<string, string>,
  until: RegExp,
  provoke: () => Promise<unknown> = async () => {},
): Promise<string> {
  const path = fileURLToPath(new URL(`../../dist/${program}.js`, import.meta.url));
  const child = spawn(process.execPath, [path], {
    env: {
      PATH: process.env["PATH"],
      PORT: "0",
      HOST: "127.0.0.1",
      LOG_LEVEL: "debug",
      ...environment,
    },
  });
  let said = "";
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Buffer) => (said += bytes.toString()));
  }
  child.once("close", () => (hasEnded = true));
  await eventually(async () => {
    await provoke();
    expect(hasEnded || until.test(said), said).toBe(true);
  });
  child.kill();
  await eventually(() => expect(hasEnded).toBe(true));
  expect(said.length).toBeGreaterThan(0);
  return said;
}

function expectUnwritten(said: string): void {
  for (const secret of [PASSWORD, ANOTHER, KEY, TEXT]) {
    const inJson = JSON.stringify(secret).slice(1, -1);
    for (const each of [secret, inJson, encodeURIComponent(secret)]) {
      expect(said.includes(each), said).toBe(false);
    }
  }
}

const FAILED = /redis_connection_failed.*redis_connection_failed/s;

test.each([
  ["is wrong", []],
  [
    "goes with a command that is renamed",
    ["--rename-command", "HELLO", "", "--rename-command", "AUTH", ""],
  ],
] as const)("the password of Redis is not written if it %s", async (_why, options) => {
  redis = await startRedis(...options);
  if (options.length === 0) await redis.client.config("SET", "requirepass", ANOTHER);
  const environment = { REDIS_URL: redis.url, REDIS_PASSWORD: PASSWORD };
  expectUnwritten(await written("main", environment, FAILED));
  expectUnwritten(await written("doctor/main", environment, /wrong/));
  const inUrl = { REDIS_URL: redis.url.replace("//", `//:${encodeURIComponent(PASSWORD)}@`) };
  expectUnwritten(await written("main", inUrl, FAILED));
  expectUnwritten(await written("doctor/main", inUrl, /wrong/));
});

test("nor if a sentinel refuses it", async () => {
  redis = await startRedis();
  await redis.client.config("SET", "requirepass", ANOTHER);
  const url = `redis+sentinel://127.0.0.1:${redis.port}/primary`;
  const environment = { REDIS_URL: url, SENTINEL_PASSWORD: PASSWORD, REDIS_PASSWORD: PASSWORD };
  expectUnwritten(await written("main", environment, FAILED));
  expectUnwritten(await written("doctor/main", environment, /wrong/));
});

test("nor if it is changed, or a right is taken away, while the gateway runs", async () => {
  redis = await startRedis();
  const { client } = redis;
  await client.config("SET", "requirepass", PASSWORD);
  const environment = { REDIS_URL: redis.url, REDIS_PASSWORD: PASSWORD };
  const provoke = async (): Promise<void> => {
    await client.config("SET", "requirepass", ANOTHER);
    await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  };
  expectUnwritten(await written("main", environment, /WRONGPASS/, provoke));
});

test("a user's key and text are not written if a function cannot be called", async () => {
  redis = await startRedis();
  const gateway = await node(redis.url, { OPERATION_DEADLINE_MS: 2_500 });
  const ana = await JsonClient.hello(gateway.port, "ana", { key: KEY });
  await redis.client.call("ACL", "SETUSER", "default", "-fcall");
  await ana.asks({ type: "publish", text: TEXT });
  const bob = await JsonClient.connect(gateway.port);
  bob.says({ type: "hello", name: "bob", key: KEY });
  await bob.next().catch(() => {});
  await redis.client.call("ACL", "SETUSER", "default", "+@all");
  const said = JSON.stringify(gateway.log);
  expect(said).toContain("NOPERM");
  expectUnwritten(said);
  ana.vanish();
  bob.vanish();
  await gateway.close();
});

test("every line is searched for what was hidden, and for what looks like a secret", () => {
  hide(PASSWORD);
  const lines: string[] = [];
  const { log } = observe("debug", "test", { write: (line) => void lines.push(line) });
  const said = `ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'ana' '${KEY}' `;
  const error = Object.assign(new Error(said), {
    command: { name: "fcall", args: [KEY, TEXT] },
    cause: new Error(`redis://ana:${KEY}@127.0.0.1:6379 with ${PASSWORD}`),
  });
  log.error(
    { event: "an_event", err: error, why: PASSWORD, url: `redis://:${KEY}@localhost` },
    "x",
  );
  log.warn(
    { event: "an_event", pem: `-----BEGIN PRIVATE KEY-----\n${KEY}\n-----END PRIVATE KEY-----` },
    "x",
  );
  expectUnwritten(lines.join(""));
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(["x", "x"]);
  expectUnwritten(writtenError(error));
  const token = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbmEifQ.${KEY}`;
  expectUnwritten(redacted(`Bearer ${token}`));
  expect(redacted("ws://localhost:9000?name=ana@home")).toBe("ws://localhost:9000?name=ana@home");
});
