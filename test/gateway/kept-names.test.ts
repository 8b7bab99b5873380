/** A name that was taken with a key is kept for that key when it has been left: whoever asks, and however. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const KEY = "anas-own-secret-key";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;
const clients: { vanish(): void }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateway = await node(redis.url, {
    PRESENCE_LINGER_MS: 100,
    REQUESTS_PER_SECOND: 1_000,
    TRUSTED_PROXIES: "loopback",
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await gateway.close();
});

/** Takes the name, and leaves it. Returns the key, as the welcome had it. */
async function visit(port: number, name: string, more: object = {}): Promise<string> {
  const client = await JsonClient.connect(port);
  clients.push(client);
  client.says({ type: "hello", name, ...more });
  const { key } = await client.hears({ type: "welcome" });
  await client.asks({ type: "bye" });
  return key as string;
}

/** How a hello is answered: `welcome`, or the error's code. */
async function asks(port: number, name: string, more: object = {}): Promise<string> {
  const client = await JsonClient.connect(port);
  clients.push(client);
  const { type, code } = await client.asks({ type: "hello", name, ...more });
  client.vanish();
  return (code as string | undefined) ?? type;
}

async function http(port: number, name: string): Promise<[number, string]> {
  const answer = await fetch(`http://127.0.0.1:${port}/?name=${name}`);
  return [answer.status, (await answer.text()).trim()];
}

const WORDS = "this name is kept for somebody who has left";

test("nobody else gets a name that was left, in any dialect [abuse:hello-name-kept]", async () => {
  await visit(gateway.port, "ana", { key: KEY });
  expect(await asks(gateway.port, "ana")).toBe("name_kept");
  expect(await asks(gateway.port, "ana", { key: "another-key" })).toBe("name_kept");
  for (const subprotocol of [undefined, "ws-protocol"]) {
    await expect(ClassicClient.attempt(gateway.port, "ana", subprotocol)).rejects.toThrow("400");
  }
  expect(await http(gateway.port, "ana")).toEqual([400, WORDS]);
  const seed = await ClassicClient.connect(gateway.port, "", "ws-protocol");
  clients.push(seed);
  seed.says(10, L("ana"));
  await seed.hears(50, 1);
  seed.says(10, L("eva"));
  await seed.hears(53, L("eva"), 1);
});

test("its owner gets it back with the key, from any node", async () => {
  const other = await node(redis.url);
  try {
    await visit(gateway.port, "ana", { key: KEY });
    expect(await asks(other.port, "ana", { key: KEY })).toBe("welcome");
    await eventually(async () => expect(await asks(other.port, "ana")).toBe("name_kept"));
  } finally {
    await other.close();
  }
});

test("one that was refused may say another name on the same connection", async () => {
  await visit(gateway.port, "ana", { key: KEY });
  const client = await JsonClient.connect(gateway.port);
  clients.push(client);
  expect(await client.asks({ type: "hello", name: "ana" })).toMatchObject({
    code: "name_kept",
    retryable: false,
  });
  expect(await client.asks({ type: "hello", name: "eva" })).toMatchObject({ type: "welcome" });
});

test("a key that the node has made keeps nothing, until the client shows it", async () => {
  const made = await visit(gateway.port, "ana");
  expect(await visit(gateway.port, "ana")).not.toBe(made);
  const holder = await JsonClient.hello(gateway.port, "ana");
  clients.push(holder);
  const { key } = holder.heard[0]!;
  expect(await asks(gateway.port, "ana", { key })).toBe("welcome");
  await holder.asks({ type: "bye" });
  await eventually(async () => expect(await asks(gateway.port, "ana")).toBe("name_kept"));
  expect(await asks(gateway.port, "ana", { key })).toBe("welcome");
});

test("a client may say that its name is not to be kept, but does not end what another device has asked for", async () => {
  await visit(gateway.port, "ana", { key: KEY, keep: false });
  expect(await asks(gateway.port, "ana", { key: "another-key", keep: false })).toBe("welcome");
  await eventually(async () => expect(await http(gateway.port, "ana")).toEqual([200, "free"]));
  await visit(gateway.port, "ana", { key: KEY });
  await visit(gateway.port, "ana", { key: KEY, keep: false });
  expect(await asks(gateway.port, "ana")).toBe("name_kept");
});

test("a name of a client without a key is free at once, as ever", async () => {
  const ana = await ClassicClient.connect(gateway.port, "ana");
  ana.says(3, 0);
  await ana.closed();
  const again = await ClassicClient.connect(gateway.port, "ana");
  clients.push(again);
});

test("when its time is over it is free, and the last owner is a stranger", async () => {
  const brief = await node(redis.url, { NAME_KEPT_MS: 300, PRESENCE_LINGER_MS: 0 });
  const never = await node(redis.url, { NAME_KEPT_MS: 0, PRESENCE_LINGER_MS: 0 });
  try {
    await visit(brief.port, "ana", { key: KEY });
    await eventually(async () =>
      expect(await asks(brief.port, "ana", { key: "evas-key" })).toBe("welcome"),
    );
    await eventually(async () =>
      expect(await asks(gateway.port, "ana", { key: KEY })).toBe("name_kept"),
    );
    await visit(never.port, "bob", { key: KEY });
    expect(await asks(never.port, "bob")).toBe("welcome");
  } finally {
    await Promise.all([brief.close(), never.close()]);
  }
});

test("a damaged record of its owner gives it to nobody before its time is over", async () => {
  const key = "k".repeat(20);
  const owner = await JsonClient.hello(gateway.port, "dora", { key });
  await owner.asks({ type: "bye" });
  const found = await redis.client.keys("tertulia:{*}:owners");
  const owners = await Promise.all(found.map((each) => redis.client.hget(each, "dora")));
  await redis.client.hset(found[owners.findIndex((each) => each !== null)]!, "dora", "garbage");
  const stranger = await JsonClient.connect(gateway.port);
  expect(await stranger.asks({ type: "hello", name: "dora" })).toMatchObject({ code: "name_kept" });
  stranger.vanish();
});

test("it is kept when the gateway of its owner was killed", async () => {
  const short = { LEASE_MS: 1_600, BEAT_MS: 200, REDIS_COMMAND_TIMEOUT_MS: 1_000 };
  const doomed = await nodeProcess({ REDIS_URL: redis.url, ...short });
  const ana = await JsonClient.hello(doomed.port, "ana", { key: KEY });
  clients.push(ana);
  await doomed.close("SIGKILL");
  expect(await asks(gateway.port, "ana", { key: KEY })).toBe("welcome");
  await eventually(async () => expect(await asks(gateway.port, "ana")).toBe("name_kept"));
});

test("Redis has no key: neither of who is there, nor of who has left", async () => {
  // until Redis knows that no gateway of 0.2 is there, which compares keys itself
  await eventually(async () => {
    await visit(gateway.port, "ana", { key: KEY });
    const bob = await JsonClient.hello(gateway.port, "bob", { key: KEY });
    const second = await JsonClient.hello(gateway.port, "bob", { key: KEY });
    const owners: string[] = [];
    try {
      for (const name of await redis.client.keys("*")) {
        if ((await redis.client.type(name)) !== "hash") continue;
        const words = Object.entries(await redis.client.hgetall(name)).flat();
        expect(words.join(" ")).not.toContain(KEY);
        if (name.endsWith(":owners")) owners.push(...words);
      }
      expect(owners).toEqual(expect.arrayContaining(["ana", "bob"]));
    } finally {
      for (const client of [bob, second]) client.vanish();
    }
  });
});

test("a name that somebody holds through a gateway of 0.2 stays kept for its owner", async () => {
  await visit(gateway.port, "ana", { key: KEY });
  const { client } = redis;
  const [users] = await client.keys("*:users");
  const bucket = users!.slice(0, -":users".length);
  const [incarnation] = await client.hkeys(`${bucket}:nodes`);
  const now = Date.now();
  // as 0.2 writes it
  await client.hset(`${bucket}:users`, "ana", `1 ${now} evas-key session-of-02 ${incarnation}`);
  await client.sadd(`${bucket}:owned:${incarnation}`, "ana");
  expect(await asks(gateway.port, "ana", { key: "evas-key" })).toBe("welcome");
  await client.hset(`${bucket}:users`, "ana", `0 ${now} -`);
  expect(await asks(gateway.port, "ana", { key: "evas-key" })).toBe("name_kept");
  expect(await asks(gateway.port, "ana", { key: KEY })).toBe("welcome");
});

test("guessing keys is slowed down, for this name and address, and counted [abuse:hello-key-guessed]", async () => {
  await visit(gateway.port, "ana", { key: KEY });
  await visit(gateway.port, "bob", { key: KEY });
  const guesser = await JsonClient.connect(gateway.port, "", { "x-forwarded-for": "192.0.2.7" });
  clients.push(guesser);
  const answers: Record<string, number> = {};
  for (let i = 0; i < 100; i++) {
    const answer = await guesser.asks({ type: "hello", name: "ana", key: `guess-${i}` });
    answers[answer["code"] as string] = (answers[answer["code"] as string] ?? 0) + 1;
    if (answer["code"] !== "too_many_attempts") continue;
    expect(answer).toMatchObject({ retryable: true });
    expect(answer["retryAfterMs"]).toBeGreaterThan(0);
  }
  expect(answers["name_kept"]).toBeGreaterThanOrEqual(40);
  expect(answers["too_many_attempts"]).toBeGreaterThan(0);
  expect(await gateway.counters.registry.metrics()).toContain("too_many_attempts");
  expect(await asks(gateway.port, "bob", { key: "another-key" })).toBe("name_kept");
  expect(await asks(gateway.port, "bob", { key: KEY })).toBe("welcome");
});

test("nobody locks an owner out by wrong keys from a private address, which may be a balancer's", async () => {
  await visit(gateway.port, "ana", { key: KEY });
  const guesser = await JsonClient.connect(gateway.port);
  clients.push(guesser);
  for (let i = 0; i < 60; i++) {
    const answer = await guesser.asks({ type: "hello", name: "ana", key: `guess-${i}` });
    expect(answer["code"]).toBe("name_kept");
  }
  expect(await asks(gateway.port, "ana", { key: KEY })).toBe("welcome");
});
