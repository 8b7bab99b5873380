import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const IDLE_MS = 1_000;
/** Activity is noted with each beat. */
const BEATS_MS = 400;
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

async function join(name: string, at: number, subprotocol?: string): Promise<ClassicClient> {
  // with so short a lease, a node on a busy machine is not ready now and then
  const client = await eventually(() => ClassicClient.connect(nodes[at]!.port, name, subprotocol));
  clients.push(client);
  return client;
}

const BYTE_DIALECTS = [undefined, "ws-protocol"] as const;

for (const subprotocol of BYTE_DIALECTS) {
  test(`a quiet user becomes inactive, and active again by what only a person does, ${subprotocol ?? "classic"}`, async () => {
    const ana = await join("ana", 0, subprotocol);
    const bob = await join("bob", 1);
    await bob.awaits(54, L("ana"), 3);
    await ana.awaits(54, L("ana"), 3);
    const message = frame(4, L("~"), L("hello"));
    const refused = frame(4, L("nobody"), L("hello"));
    for (const deed of [message, refused, frame(3, 1), frame(3, L("ana"), 1)]) {
      ana.says(deed);
      await bob.awaits(54, L("ana"), 1);
      await bob.awaits(54, L("ana"), 3);
    }
  });

  test(`requests that clients send by themselves are no activity, ${subprotocol ?? "classic"}`, async () => {
    const ana = await join("ana", 0, subprotocol);
    const bob = await join("bob", 1);
    await bob.awaits(54, L("bob"), 3);
    await eventually(() => expect(statusesTold(bob, "ana")).toEqual([3]));
    const byItself: Parameters<typeof frame>[] = [
      [1],
      [1, 0],
      [2, L("bob")],
      [5, L("~")],
      [10, L("ana")],
      [99], // unknown, as what some say when they quit
      [4, L("~")], // malformed
      [3, 9], // no status
      [3, L("bob"), 1], // somebody else's
    ];
    for (const parts of byItself) ana.says(...parts);
    ana.webSocket.send(new Uint8Array(0));
    await ana.awaits(50, 7);
    await pause(BEATS_MS);
    await ana.close();
    await bob.awaits(54, L("ana"), 0);
    expect(statusesTold(bob, "ana")).toEqual([3, 0]);
  });

  test(`a user who only polls the list becomes inactive, ${subprotocol ?? "classic"}`, async () => {
    const ana = await join("ana", 0, subprotocol);
    const bob = await join("bob", 1);
    const polling = setInterval(() => ana.says(1), 50);
    try {
      await bob.awaits(54, L("ana"), 3);
      await pause(BEATS_MS);
    } finally {
      clearInterval(polling);
    }
    expect(statusesTold(bob, "ana")).toEqual([3]);
  });

  // a status box that says what it was set to, and one that wants to be active
  for (const habit of ["repeats", "insists"] as const) {
    test(`two clients that answer their own 54 (one that ${habit}) and list at every 54 tell little, ${subprotocol ?? "classic"}`, async () => {
      const viewer = await join("viewer", 1);
      const pair = await Promise.all(["ana", "eva"].map((name) => join(name, 0, subprotocol)));
      for (const client of pair) automatic(client, habit);
      const periods = 5;
      await pause(periods * IDLE_MS);
      const told = pair.flatMap(({ name }) => statusesTold(viewer, name));
      // each falls idle and is called back, once a period at most
      expect(told.length).toBeLessThanOrEqual(2 * 2 * periods);
      expect(told).toContain(3);
    });
  }

  test(`an inactivity that was chosen stays until its user writes, ${subprotocol ?? "classic"}`, async () => {
    const a = await join("a", 0, subprotocol);
    const bob = await join("bob", 1);
    a.says(3, L("a"), 3);
    a.says(1);
    await bob.awaits(54, L("a"), 3);
    for (const parts of [[1], [2, L("bob")], [5, L("~")], [99]] as const) a.says(...parts);
    await a.arrives();
    await pause(BEATS_MS);
    expect(statusesTold(bob, "a")).toEqual([3]);
    a.says(4, L("~"), L("here"));
    await bob.awaits(54, L("a"), 1);
  });
}

test("a chosen inactivity ends only with a message, not with typing or another device", async () => {
  const { port } = nodes[0]!;
  const hello = { key: "eva-s-key" };
  const [laptop, phone] = [
    await JsonClient.hello(port, "eva", hello),
    await JsonClient.hello(nodes[1]!.port, "eva", hello),
  ];
  const viewer = await join("viewer", 1);
  await laptop.asks({ type: "status", status: "inactive" });
  await viewer.awaits(54, L("eva"), 3);
  await phone.asks({ type: "typing", conv: "~" });
  await phone.asks({ type: "history" });
  await phone.asks({ type: "user", user: "eva" });
  const third = await JsonClient.hello(port, "eva", hello);
  for (const each of [laptop, phone, third]) each.vanish(); // a moment later its name would be free
  const back = await JsonClient.hello(port, "eva", hello);
  await back.asks({ type: "typing", conv: "~" });
  await pause(BEATS_MS);
  expect(statusesTold(viewer, "eva")).toEqual([3]);
  await back.asks({ type: "publish", text: "here" });
  await viewer.awaits(54, L("eva"), 1);
  back.vanish();
});

test("typing ends idleness, but not a chosen inactivity", async () => {
  const { port } = nodes[0]!;
  const viewer = await join("viewer", 1);
  const eva = await JsonClient.hello(port, "eva");
  await viewer.awaits(54, L("eva"), 3);
  await eva.asks({ type: "typing", conv: "~" });
  await viewer.awaits(54, L("eva"), 1);
  await viewer.awaits(54, L("eva"), 3);
  await eva.asks({ type: "status", status: "inactive" });
  await eva.asks({ type: "typing", conv: "~" });
  await pause(BEATS_MS);
  expect(statusesTold(viewer, "eva")).toEqual([3, 1, 3]);
  // it was asked for once: what comes after a message is not
  await eva.asks({ type: "publish", text: "here" });
  await viewer.awaits(54, L("eva"), 1);
  await viewer.awaits(54, L("eva"), 3);
  await eva.asks({ type: "typing", conv: "~" });
  await viewer.awaits(54, L("eva"), 1);
  eva.vanish();
});

test("a user who keeps writing stays active, and a busy one stays busy", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  bob.says(3, 2);
  await ana.awaits(54, L("bob"), 2);
  const until = performance.now() + 4 * IDLE_MS;
  while (performance.now() < until) {
    ana.says(4, L("nobody"), L("anybody?"));
    await pause(100);
  }
  bob.says(4, L("~"), L("not now"));
  await ana.awaits(55, L("bob"), L("not now"));
  await pause(BEATS_MS);
  expect([...statusesTold(ana, "ana"), ...statusesTold(ana, "bob")]).toEqual([2]);
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
  await pause(BEATS_MS);
  await bob.hearsNothing();
});

test("a user who writes while the sweep runs is active afterwards", async () => {
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
        user.says(4, L("nobody"), L("here"));
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

test("the sweep's cost depends on what it finds: inactive users leave its index", async () => {
  const ana = await join("ana", 0);
  await ana.awaits(54, L("ana"), 3);
  const sizes = await Promise.all(
    (await redis.client.keys("tertulia:*:active")).map((key) => redis.client.zcard(key)),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(0);
});

/** As some clients do: lists at every 54, and answers one about itself with a status. */
function automatic(client: ClassicClient, habit: "repeats" | "insists"): void {
  let shown = 1;
  client.webSocket.on("message", (heard: Buffer) => {
    if (heard[0] !== 54) return;
    client.says(1);
    if (!heard.equals(frame(54, L(client.name), heard.at(-1)!))) return;
    const status = heard.at(-1)!;
    const isNews = status !== shown;
    shown = status;
    if (habit === "repeats" && isNews) client.says(3, L(client.name), status);
    if (habit === "insists" && status === 3) client.says(3, L(client.name), 1);
  });
}

/** The statuses of a user that a client has been told, in order. */
function statusesTold({ heard }: ClassicClient, name: string): number[] {
  return heard
    .filter((each) => each.equals(frame(54, L(name), each.at(-1)!)))
    .map((each) => each.at(-1)!);
}

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
