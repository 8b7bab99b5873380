import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const IDLE_MS = 1_000;
type TestNode = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
let nodes: TestNode[];
const clients: ClassicClient[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  // after a flush, one lease of grace: short leases make it short
  const environment = {
    IDLE_AFTER_MS: IDLE_MS,
    LEASE_MS: 600,
    BEAT_MS: 100,
    ELECTION_MS: 100,
    REDIS_COMMAND_TIMEOUT_MS: 400,
  };
  nodes = await Promise.all([1, 2].map(() => node(redis.url, environment)));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await Promise.all(nodes.map((each) => each.close()));
});

async function join(name: string, at: number): Promise<ClassicClient> {
  // with so short a lease, a node on a busy machine is not ready now and then
  const client = await eventually(() => ClassicClient.connect(nodes[at]!.port, name));
  clients.push(client);
  return client;
}

test("who is quiet becomes inactive, and active again with any frame, unknown ones included", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await bob.awaits(54, L("ana"), 3);
  await ana.awaits(54, L("ana"), 3);
  for (const any of [frame(1), frame(99), frame(2, L("bob"))]) {
    ana.says(any);
    await bob.awaits(54, L("ana"), 1);
    await bob.awaits(54, L("ana"), 3);
  }
});

test("who keeps sending stays active, and who is busy stays busy", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  bob.says(3, 2);
  await ana.awaits(54, L("bob"), 2);
  const until = performance.now() + 4 * IDLE_MS;
  while (performance.now() < until) {
    ana.says(2, L("nobody"));
    await pause(100);
  }
  const told = [...ana.heard, ...bob.heard].filter((each) => each[0] === 54 && each.at(-1) === 3);
  expect(told).toEqual([]);
  ana.says(2, L("bob"));
  await ana.awaits(52, L("bob"), 2);
});

test("a status that is chosen right after a message is not taken back by that message", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  bob.says(3, 2);
  await ana.awaits(54, L("bob"), 2);
  await bob.settles();
  ana.says(4, L("~"), L("back in a moment"));
  ana.says(3, 3);
  await bob.awaits(54, L("ana"), 3);
  await pause(400); // four beats: with each one, activity is noted
  await bob.hearsNothing();
});

test("activity at the cutoff: whoever has sent a frame is active, whatever the sweep did in that moment", async () => {
  const viewer = await join("viewer", 1);
  const names = Array.from({ length: 60 }, (_, i) => `user-${i}`);
  const users = await Promise.all(names.map((name, i) => join(name, i % 2)));
  const enough = new AbortController();
  const lists: { asked: number; received: number; statuses: Map<string, number> }[] = [];
  const looking = (async () => {
    while (!enough.signal.aborted) {
      const asked = performance.now();
      viewer.says(1);
      const statuses = new Map(await listOf(viewer));
      lists.push({ asked, received: performance.now(), statuses });
      await pause(50);
    }
  })();
  // spread over the moments around the cutoff, some before and some after it
  const sent = await Promise.all(
    users.map(async (user, i) => {
      const times: number[] = [];
      for (let round = 0; round < 4; round++) {
        await pause(IDLE_MS - 150 + i * 5);
        times.push(performance.now());
        user.says(99);
      }
      return { name: user.name, times };
    }),
  );
  await pause(IDLE_MS);
  enough.abort();
  await looking;

  let judged = 0;
  for (const { name, times } of sent) {
    for (const [round, since] of times.entries()) {
      // by the last of several lists within the idle time: the first may be faster than the frame
      const until = Math.min(since + IDLE_MS, times[round + 1] ?? Infinity);
      const own = lists.filter(({ asked, received }) => asked > since && received < until);
      if (own.length < 5) continue; // the machine stood still
      expect(own.at(-1)!.statuses.get(name), `${name} in round ${round}`).toBe(1);
      judged++;
    }
  }
  expect(judged).toBeGreaterThan(0);
});

test("the sweep costs what it finds: the quiet leave its index", async () => {
  const ana = await join("ana", 0);
  await ana.awaits(54, L("ana"), 3);
  const sizes = await Promise.all(
    (await redis.client.keys("tertulia:*:active")).map((key) => redis.client.zcard(key)),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(0);
});

async function listOf(client: ClassicClient): Promise<[name: string, status: number][]> {
  let heard = await client.next();
  while (heard[0] !== 51) heard = await client.next();
  const list: [string, number][] = [];
  for (let offset = 2; offset < heard.length;) {
    const end = offset + 1 + heard[offset]!;
    list.push([heard.toString("utf8", offset + 1, end), heard[end]!]);
    offset = end + 1;
  }
  return list;
}
