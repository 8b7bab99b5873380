import { afterEach, beforeEach, expect, test } from "vitest";
import { bucketOfConversation, Keys } from "#tertulia/redis/keys.js";
import { decodeRecord } from "#tertulia/redis/events.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { nodeProcess, type NodeProcess } from "../support/nodes.js";
import { Roamer } from "../support/roamer.js";
import { at, join } from "../support/sdk-scene.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const LONG = 10 * 60_000;

let redis: TestRedis;
let nodes: NodeProcess[];

beforeEach(async () => {
  redis = await startRedis();
  nodes = [];
});
afterEach(async () => {
  await Promise.all(nodes.map((each) => each.close("SIGKILL")));
  await redis.close();
});

async function start(environment: Record<string, string | number> = {}): Promise<NodeProcess> {
  const started = await nodeProcess({
    REDIS_URL: redis.url,
    HISTORY_KEEP: 1_000_000,
    ...environment,
  });
  nodes.push(started);
  return started;
}

async function statusAt(port: number, path: string): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

async function told(node: NodeProcess, event: string): Promise<void> {
  await eventually(() => expect(node.log.map((line) => line["event"])).toContain(event));
}

test("a draining node says so, serves for a while, then refuses new clients", async () => {
  const node = await start({ DRAIN_WAIT_MS: LONG, DRAIN_WINDOW_MS: LONG });
  await told(node, "leading_began");
  expect(await statusAt(node.port, "/readyz")).toBe(200);
  const ana = await ClassicClient.connect(node.port, "ana");

  node.child.kill("SIGTERM");
  await eventually(async () => expect(await statusAt(node.port, "/readyz")).toBe(404));
  expect(await statusAt(node.port, "/healthz")).toBe(200);
  const late = await ClassicClient.connect(node.port, "late");
  await ana.awaits(53, L("late"), 1);
  ana.says(4, L("~"), L("still here"));
  await late.awaits(55, L("ana"), L("still here"));
  await eventually(() => expect(node.isLeading).toBe(true)); // again, perhaps, on a slow machine
});

test("while its sessions leave, a node does not lead, refuses new clients and answers its balancer", async () => {
  const node = await start({ DRAIN_WINDOW_MS: LONG });
  await told(node, "leading_began");
  const clients = await Promise.all(
    ["ana", "bob", "eva"].map((name) => ClassicClient.connect(node.port, name)),
  );
  const first = Promise.race(clients.map((client) => client.closed()));
  node.child.kill("SIGTERM");
  expect(await first).toBe(1012);
  await told(node, "leading_stopped");
  await expect(ClassicClient.attempt(node.port, "late")).rejects.toThrow("503");
  expect(await statusAt(node.port, "/readyz")).toBe(404);
  const open = clients.filter(({ webSocket }) => webSocket.readyState === 1);
  expect(open).toHaveLength(2);
  open[0]!.says(4, L("~"), L("not yet"));
  await open[1]!.awaits(55, L(open[0]!.name), L("not yet"));

  // a second signal: in order, but at once
  const last = Promise.all(open.map((client) => client.closed()));
  expect(await node.close()).toBe(0);
  expect(await last).toEqual([1012, 1012]);
});

test("JSON clients of a draining node are told when their turn comes", async () => {
  const node = await start({ DRAIN_WINDOW_MS: LONG });
  const clients = [];
  for (const name of ["ana", "bob"]) clients.push(await JsonClient.hello(node.port, name));
  const first = clients[0]!.closed();
  node.child.kill("SIGTERM");
  const goaway = { type: "goaway", reason: "drain" };
  const slots = await Promise.all(clients.map((client) => client.awaits(goaway)));
  expect(slots.map((slot) => slot["reconnectAfterMs"])).toEqual([0, LONG / 2]);
  expect(await first).toBe(1012);
  await clients[1]!.asks({ type: "publish", text: "not yet" });
});

test("JSON clients have their next connection before they leave a draining node: nobody sees them away", async () => {
  const [node, other] = [await start({ STOP_WITHIN_MS: 60_000 }), await start()];
  const eva = await JsonClient.hello(other.port, "eva");
  await eva.asks({ type: "presence" });
  const clients = Array.from({ length: 10 }, (_, i) =>
    join(at(node, other), { name: `user-${i}` }),
  );
  await Promise.all(clients.map(({ chat }) => chat.joined()));
  const carl = await ClassicClient.connect(node.port, "carl");
  const counted = (count: number): Promise<void> =>
    eventually(() => expect(eva.heard.map((frame) => frame["count"])).toContain(count));
  await counted(12);
  const [before, since] = [eva.heard.length, performance.now()];

  const told = carl.closed();
  const exit = node.close();
  expect(await told).toBe(1012);
  expect(await exit).toBe(0);
  const tookMs = performance.now() - since;
  expect(tookMs, "it does not wait for those who have left").toBeLessThan(12_000);
  for (const { chat, states } of clients) {
    await chat.publish("~", `back: ${chat.name}`);
    expect(states.map(({ name }) => name)).toEqual(["open"]);
  }
  await eva.asks({ type: "publish", text: "end" });
  await eventually(() =>
    expect(eva.heard.slice(before).map((frame) => frame["count"])).toContain(11),
  );
  const seen = eva.heard.slice(before).filter(({ type }) => type === "presence");
  expect(seen).toEqual([{ type: "presence", count: 11, full: true, gone: ["carl"] }]);
});

test("a JSON client that does not leave by itself is closed a while after its slot", async () => {
  const node = await start({ STOP_WITHIN_MS: 15_000 });
  const ana = await JsonClient.hello(node.port, "ana");
  const mute = await JsonClient.connect(node.port);
  const since = performance.now();
  node.child.kill("SIGTERM");
  await ana.awaits({ type: "goaway", reconnectAfterMs: 0 });
  expect(await mute.closed(), "nobody is who has not said hello").toBe(1012);
  expect(await ana.asks({ type: "publish", text: "still here" })).toMatchObject({ type: "ok" });
  expect(await ana.closed()).toBe(1012);
  expect(performance.now() - since).toBeGreaterThan(2_900);
});

test("a client that is closed by a drain is signed out first, and its messages are stored", async () => {
  const [node, other] = [await start({ STOP_WITHIN_MS: 60_000 }), await start()];
  for (let round = 0; round < 3; round++) {
    const names = Array.from({ length: 30 }, (_, i) => `user-${i}`);
    const at = round === 0 ? node : await start({ STOP_WITHIN_MS: 60_000 });
    const clients = await Promise.all(names.map((name) => ClassicClient.connect(at.port, name)));
    for (const client of clients) client.says(4, L("~"), L(`${round} ${client.name}`));
    await Promise.all(clients.map((client) => client.arrives()));
    const back = clients.map(async (client) => {
      // the very first attempt, at the very moment when the close frame is read
      await new Promise<void>((resolve) => {
        const receiver = Reflect.get(client.webSocket, "_receiver") as NodeJS.EventEmitter;
        receiver.once("conclude", () => resolve());
      });
      return ClassicClient.connect(other.port, client.name);
    });
    expect(await at.close()).toBe(0);
    for (const client of await Promise.all(back)) await client.close();
  }
  expect(await stored()).toHaveLength(90);
});

test("in a rolling restart under load nobody loses an acknowledged message, and each client moves once per restart", async () => {
  const ports = await Promise.all([1, 2, 3].map(() => freePort()));
  // patient: where fsync stalls, a sign-out may take seconds, and the drain shall not give up on it
  const settings = { DRAIN_WAIT_MS: 200, DRAIN_WINDOW_MS: 500, STOP_WITHIN_MS: 60_000 };
  const at = await Promise.all(ports.map((port) => start({ PORT: port, ...settings })));
  const roamers = Array.from({ length: 24 }, (_, i) => new Roamer(`user-${i}`, ports, i));
  await Promise.all(roamers.map((roamer) => roamer.connect()));
  const talking = setInterval(() => roamers.forEach((roamer) => roamer.speak()), 25);

  const sentAway: string[] = [];
  for (const [index, port] of ports.entries()) {
    const concerned = roamers.filter((roamer) => roamer.port === port);
    expect(concerned.length).toBeGreaterThan(0);
    sentAway.push(...concerned.map(({ name }) => `${name} by ${port} with 1012`));
    expect(await at[index]!.close()).toBe(0);
    await start({ PORT: port, ...settings });
    await eventually(() => {
      for (const roamer of roamers) expect(roamer.client?.webSocket.readyState).toBe(1);
    }, 30_000);
  }
  clearInterval(talking);
  await Promise.all(roamers.map((roamer) => roamer.client!.settles()));

  const kept = await stored();
  const acknowledged = roamers.flatMap((roamer) => roamer.acknowledged);
  expect(acknowledged.length).toBeGreaterThan(roamers.length);
  expect(acknowledged.filter((text) => !kept.includes(text))).toEqual([]);
  expect(new Set(kept).size).toBe(kept.length);
  expect(roamers.flatMap((roamer) => roamer.closes).toSorted()).toEqual(sentAway.toSorted());
  expect(roamers.flatMap((roamer) => roamer.refusals)).toEqual([]);
}, 120_000);

/** The texts of the general chat, as Redis has them. */
async function stored(): Promise<string[]> {
  const general = { kind: "general" } as const;
  const key = new Keys("tertulia").history(bucketOfConversation(general), general);
  const entries = await redis.client.xrangeBuffer(key, "-", "+");
  return entries.map(([, fields]) => Buffer.from(decodeRecord(fields[1]!).text).toString());
}
