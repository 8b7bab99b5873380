/** Coming back, with real gateways: killed, stopped, on other nodes, beyond what is kept. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess, type NodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo } from "../support/sdk-scene.js";

let redis: TestRedis;
let nodes: (Node | NodeProcess)[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  nodes = [];
});
afterEach(async () => {
  for (const each of nodes) await each.close();
});

async function start(environment: Record<string, number> = {}): Promise<Node> {
  const started = await node(redis.url, { REQUESTS_PER_SECOND: 10_000, ...environment });
  nodes.push(started);
  return started;
}

async function startProcess(environment: Record<string, number> = {}): Promise<NodeProcess> {
  const limits = { REQUESTS_PER_SECOND: 10_000, ...environment };
  const started = await nodeProcess({ REDIS_URL: redis.url, LOG_LEVEL: "info", ...limits });
  nodes.push(started);
  return started;
}

test("when its gateway is killed, a client misses nothing, hears nothing twice, and sends once", async () => {
  const [doomed, steady] = [await startProcess(), await startProcess()];
  const ana = join(at(doomed, steady), { name: "ana" });
  const bob = join(at(steady), { name: "bob" });
  await Promise.all([ana.chat.joined(), bob.chat.joined()]);
  const said: Promise<unknown>[] = [];
  let isKilled = false;
  for (const n of upTo(200)) {
    said.push(ana.chat.publish("~", `ana ${n}`), bob.chat.publish("~", `bob ${n}`));
    if (n === 80) {
      await eventually(() => expect(ana.seqs.length).toBeGreaterThan(50));
      isKilled = doomed.child.kill("SIGKILL");
    }
  }
  await Promise.all(said);
  await eventually(() => expect(ana.seqs.length).toBe(400));
  expect(isKilled).toBe(true);
  expect(ana.states.map(({ name }) => name)).toEqual(["open", "waiting", "connecting", "open"]);
  expect(ana.seqs).toEqual(upTo(400));
  expect(ana.gaps).toEqual([]);
  await eventually(() => expect(bob.messages).toEqual(ana.messages));
  for (const who of ["ana", "bob"]) {
    const texts = ana.messages.filter(({ from }) => from === who).map(({ text }) => text);
    expect(texts).toEqual(upTo(200).map((n) => `${who} ${n}`));
  }
});

test("nobody sees a client of a killed gateway go offline", async () => {
  const [doomed, steady] = [await startProcess(), await startProcess()];
  const bob = join(at(steady), { name: "bob" });
  await bob.chat.presence.watch();
  const ana = join(at(doomed, steady), { name: "ana" });
  await eventually(() => expect(bob.chat.presence.people.has("ana")).toBe(true));
  const gone: string[] = [];
  bob.chat.on("presence", (change) => gone.push(...change.gone));
  doomed.child.kill("SIGKILL");
  await eventually(() => expect(ana.states.filter(({ name }) => name === "open").length).toBe(2));
  // the dead node's users are signed out within some five seconds; then somebody else leaves
  const eva = join(at(steady), { name: "eva" });
  await eventually(() => {
    const log = (nodes[1] as NodeProcess).log.map(({ msg }) => msg);
    expect(log).toContain("users of dead nodes were signed out");
  }, 15_000);
  await eva.chat.close();
  await eventually(() => expect(gone).toEqual(["eva"]));
  expect(bob.chat.presence.people.get("ana")).toBe("active");
});

test("every client leaves a stopping gateway without a gap, and stays open", async () => {
  const [first, second] = [await start({ STOP_WITHIN_MS: 2_000 }), await start()];
  const clients = upTo(10).map((n) => join(at(first, second), { name: `user-${n}` }));
  const bob = join(at(second), { name: "bob" });
  await Promise.all([bob, ...clients].map(({ chat }) => chat.joined()));
  const said: Promise<unknown>[] = [];
  for (const n of upTo(30)) said.push(bob.chat.publish("~", `bob ${n}`));
  const stopped = first.close();
  for (const { chat } of clients) said.push(chat.publish("~", chat.name));
  await stopped;
  await Promise.all(said);
  for (const client of clients) {
    await eventually(() => expect(client.seqs).toEqual(upTo(40)));
    await eventually(() => expect(client.chat.state.name).toBe("open"));
    expect(client.gaps).toEqual([]);
  }
});

test("a client that moved between nodes five times has seen everything once", async () => {
  const steady = await start();
  const bob = join(at(steady), { name: "bob" });
  let ana = join(at(steady), { name: "ana" });
  await Promise.all([ana.chat.joined(), bob.chat.joined()]);
  const seqs: number[] = [];
  for (const round of upTo(5)) {
    await bob.chat.publish("~", `while she is here ${round}`);
    await eventually(() => expect(ana.seqs.at(-1)).toBe(2 * round - 1));
    seqs.push(...ana.seqs);
    const { key, cursors } = ana.chat;
    await ana.chat.close();
    await bob.chat.publish("~", `while she is away ${round}`);
    ana = join(at(await start()), { name: "ana", key, cursors });
  }
  await eventually(() => expect([...seqs, ...ana.seqs]).toEqual(upTo(10)));
});

test("messages that are no longer kept are a gap, then the rest follows", async () => {
  const gateway = await start({ HISTORY_KEEP: 20 });
  const first = join(at(gateway), { name: "ana" });
  const bob = join(at(gateway), { name: "bob" });
  await first.chat.publish("~", "1");
  const { cursors } = first.chat;
  expect(cursors["~"]?.[1]).toBeLessThanOrEqual(1);
  await first.chat.close();
  for (const n of upTo(400, 2)) void bob.chat.publish("~", `${n}`);
  await eventually(() => expect(bob.chat.pending).toBe(0), 90_000);
  const { floor } = await bob.chat.history("~");
  const second = join(at(gateway), { name: "ana", cursors });
  await eventually(() => expect(second.seqs.at(-1)).toBe(400));
  expect(floor).toBeGreaterThan(200);
  expect(second.gaps).toEqual([
    { conv: "~", after: cursors["~"]![1], before: floor, reason: "trimmed" },
  ]);
  expect(second.seqs).toEqual(upTo(400, floor));
});

test("of more than 500 missed messages the newest follow after a gap; history has the others", async () => {
  const gateway = await start();
  const first = join(at(gateway), { name: "ana" });
  const bob = join(at(gateway), { name: "bob" });
  await first.chat.joined();
  const { cursors } = first.chat;
  await first.chat.close();
  for (const n of upTo(700)) void bob.chat.publish("~", `${n}`);
  await eventually(() => expect(bob.chat.pending).toBe(0), 90_000);
  const second = join(at(gateway), { name: "ana", cursors });
  await eventually(() => expect(second.seqs).toEqual(upTo(700, 201)));
  expect(second.gaps).toEqual([{ conv: "~", after: 0, before: 201, reason: "limit" }]);
  const page = await second.chat.history("~", { before: 201, limit: 200 });
  expect(page.messages.map(({ seq }) => seq)).toEqual(upTo(200));
  expect(page.more).toBe(false);
});

test("private messages to an absent user arrive on return, also those of new conversations", async () => {
  const [first, second] = [await start(), await start()];
  const bob = join(at(first), { name: "bob", key: "bobs-key" });
  await bob.chat.joined();
  const { cursors } = bob.chat;
  await bob.chat.close();
  const ana = join(at(second), { name: "ana" });
  const eva = join(at(second), { name: "eva" });
  for (const n of upTo(3)) await ana.chat.publish("@bob", `ana ${n}`);
  await eva.chat.publish("@bob", "eva 1");
  for (const options of [{}, { cursors }]) {
    const back = join(at(first), { name: "bob", key: "bobs-key", ...options });
    await eventually(() => expect(back.messages.length).toBe(4));
    const ofAna = back.messages.filter(({ conv }) => conv === "@ana");
    expect(ofAna.map(({ text }) => text)).toEqual(["ana 1", "ana 2", "ana 3"]);
    const ofEva = back.messages.find(({ conv }) => conv === "@eva");
    expect(ofEva).toMatchObject({ conv: "@eva", from: "eva", seq: 1, text: "eva 1" });
    await back.chat.close();
  }
  const elsewhere = join(at(second), { name: "max" });
  const nowhere = elsewhere.chat.publish("@nobody", "hi");
  await expect(nowhere).rejects.toMatchObject({ code: "not_found" });
});

test("a cursor from a welcome is valid even when its message is older than the conversation's epoch", async () => {
  const gateway = await start();
  const ana = join(at(gateway), { name: "ana" });
  const bob = join(at(gateway), { name: "bob", key: "bobs-key" });
  await bob.chat.joined();
  for (const n of upTo(3)) await ana.chat.publish("@bob", `${n}`);
  await bob.chat.markRead("@ana", 2);
  await bob.chat.close();
  await redis.kill(); // a restart begins a new epoch
  await redis.revive();
  for (const n of upTo(5, 4)) await ana.chat.publish("@bob", `${n}`);
  const [first, second] = (await ana.chat.history("@bob")).messages;
  expect((await ana.chat.history("@bob")).epoch).not.toBe(first!.epoch);
  expect(second!.seq).toBe(2);

  let cursors = {};
  const fresh = await eventually(async () => {
    const seen = join(at(gateway), { name: "bob", key: "bobs-key" });
    seen.chat.on("welcome", () => (cursors = seen.chat.cursors)); // and then it is cut off
    await seen.chat.joined();
    return seen;
  });
  await fresh.chat.close();
  const back = await eventually(async () => {
    const seen = join(at(gateway), { name: "bob", key: "bobs-key", cursors });
    await seen.chat.joined();
    return seen;
  });
  await eventually(() => expect(back.seqs).toEqual([3, 4, 5]));
  expect(back.gaps).toEqual([]);
});
