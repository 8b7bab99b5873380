import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type TestNode = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
let nodes: TestNode[];
let ana: ClassicClient;
let bob: ClassicClient;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  // longer than Redis takes to come back
  const settings = { OPERATION_DEADLINE_MS: 10_000 };
  nodes = await Promise.all([1, 2].map(() => node(redis.url, settings)));
  ana = await ClassicClient.connect(nodes[0]!.port, "ana");
  bob = await ClassicClient.connect(nodes[1]!.port, "bob");
  ana.patienceMs = bob.patienceMs = 2 * settings.OPERATION_DEADLINE_MS;
  await ana.hears(53, L("bob"), 1);
  await bob.settles(); // its node may have been late to hear of ana
});
afterEach(async () => {
  ana.vanish();
  bob.vanish();
  await Promise.all(nodes.map((each) => each.close()));
});

async function generalGeneration(): Promise<number> {
  const [key] = await redis.client.keys("tertulia:*:history:~");
  return Number(await redis.client.hget(key!.replace("history:~", "meta"), "g"));
}

test("when Redis is killed and comes back, the chat goes on with its history and a new generation", async () => {
  ana.says(4, L("~"), L("before"));
  await bob.hears(55, L("ana"), L("before"));
  const generation = await generalGeneration();

  await redis.kill();
  ana.says(4, L("~"), L("meanwhile")); // waits for Redis, within the deadline
  await redis.revive();

  await bob.hears(55, L("ana"), L("meanwhile"));
  await ana.awaits(55, L("ana"), L("meanwhile"));
  bob.says(4, L("~"), L("after"));
  await ana.hears(55, L("bob"), L("after"));
  bob.says(5, L("~"));
  await bob.awaits(56, 3, L("ana"), L("before"), L("ana"), L("meanwhile"), L("bob"), L("after"));
  expect(await generalGeneration()).toBeGreaterThan(generation);
  await ana.hearsNothing(); // nobody was signed out, nothing was told twice
  await bob.hearsNothing();
});

test("while Redis is away, requests get error 6 and new connections 503", async () => {
  await redis.kill();
  try {
    ana.says(4, L("~"), L("into the void"));
    await ana.awaits(50, 6);
    await expect(ClassicClient.attempt(nodes[0]!.port, "eva")).rejects.toThrow("503");
    expect((await fetch(`http://127.0.0.1:${nodes[0]!.port}/readyz`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${nodes[0]!.port}/healthz`)).status).toBe(200);
  } finally {
    await redis.revive();
  }
  await eventually(async () =>
    expect((await fetch(`http://127.0.0.1:${nodes[0]!.port}/readyz`)).status).toBe(200),
  );
  ana.says(4, L("~"), L("again"));
  await bob.awaits(55, L("ana"), L("again"));
});

test("a node stops in time while Redis is away and requests wait", async () => {
  const stopping = await node(redis.url, { STOP_WITHIN_MS: 8_000, REDIS_PREFIX: "stop" });
  const eva = await ClassicClient.connect(stopping.port, "eva");
  await redis.kill();
  try {
    for (let i = 0; i < 20; i++) eva.says(4, L("~"), L(`${i}`)); // 5 s each
    await eva.arrives();
    await stopping.close();
    expect(stopping.log.map(({ msg }) => msg)).not.toContain("node is slow to stop");
  } finally {
    await redis.revive();
  }
});

test("when Redis comes back empty, the nodes claim their users again, and the chat goes on", async () => {
  await redis.client.flushall();
  await redis.client.call("FUNCTION", "FLUSH");
  await eventually(async () => {
    ana.says(1);
    let list = await ana.next(5_000);
    while (list[0] !== 51) list = await ana.next(5_000);
    expect(list[1]).toBe(2);
  });
  ana.says(4, L("bob"), L("still here"));
  await bob.awaits(55, L("ana"), L("still here"));
});
