import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Node } from "#tertulia/node.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { Proxy } from "#verifier/proxy.js";
import { CLOSE_FRAME, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { samplesOf } from "../support/samples.js";

let redis: TestRedis;
let nodes: Node[];

beforeAll(async () => {
  redis = await startRedis();
  // who comes in again and again would have to wait
  const often = { REQUESTS_PER_SECOND: 10_000 };
  nodes = await Promise.all([1, 2, 3].map(() => node(redis.url, often)));
});
afterAll(async () => {
  await Promise.all(nodes.map((each) => each.close()));
  await redis.close();
});

test("of 30 contenders for one name on three gateways exactly one wins, in each of 200 rounds", async () => {
  const viewer = await ClassicClient.connect(nodes[0]!.port, "viewer");
  let isKnown = false;
  let stood = 0;
  for (let round = 0; round < 200;) {
    const contenders = Array.from({ length: 30 }, (_, i) =>
      contend(nodes[i % 3]!.port, "contested"),
    );
    const outcomes = await Promise.all(contenders);
    const winners = outcomes.filter(({ status }) => status === 101);
    if (outcomes.some(({ status }) => status === 503)) {
      // the machine stood still, and a node was not ready: no round
      expect(winners.length).toBeLessThan(2);
      expect(++stood).toBeLessThan(200);
      for (const { leave } of outcomes) leave();
      isKnown = await eventually(async () => {
        viewer.says(2, L("contested"));
        let answer = await viewer.next();
        while (answer[0] !== 50 && answer[0] !== 52) answer = await viewer.next();
        expect(answer[0] === 50 || answer.at(-1) === 0).toBe(true);
        return answer[0] === 52;
      });
      continue;
    }
    expect(winners).toHaveLength(1);
    expect(outcomes.filter(({ status }) => status === 400)).toHaveLength(29);
    await viewer.hears(isKnown ? 54 : 53, L("contested"), 1);
    isKnown = true;
    for (const { leave } of outcomes) leave();
    await viewer.hears(54, L("contested"), 0);
    round++;
  }
  await viewer.hearsNothing();
  viewer.vanish();
}, 600_000);

test("a late close does not sign out a user who came back elsewhere", async () => {
  const lease = { LEASE_MS: 900, BEAT_MS: 100, ELECTION_MS: 100, REDIS_COMMAND_TIMEOUT_MS: 500 };
  const prefix = { REDIS_PREFIX: "late" };
  const proxy = await Proxy.to(redis.port);
  const cutOff = await node(proxy.url, { ...lease, ...prefix });
  const other = await node(redis.url, { ...lease, ...prefix });
  const viewer = await ClassicClient.connect(other.port, "viewer");
  try {
    const ana = await ClassicClient.connect(cutOff.port, "ana");
    await viewer.hears(53, L("ana"), 1);
    proxy.set("blackhole");
    // her sign-out is on its way for as long as her gateway cannot reach Redis
    ana.vanish();
    await viewer.hears(54, L("ana"), 0);
    const back = await ClassicClient.connect(other.port, "ana");
    await viewer.hears(54, L("ana"), 1);
    proxy.set("pass");
    await eventually(() =>
      expect(cutOff.log.some(({ msg }) => msg.startsWith("lease was lost"))).toBe(true),
    );
    await eventually(async () => expect(await health(cutOff.port)).toBe(200));
    await back.hearsNothing();
    await viewer.hearsNothing();
    viewer.says(2, L("ana"));
    await viewer.hears(52, L("ana"), 1);
    back.vanish();
  } finally {
    viewer.vanish();
    await Promise.all([cutOff.close(), other.close()]);
    await proxy.close();
  }
});

test("a client whose close was answered can come back at once, elsewhere and in any dialect", async () => {
  const { proxy, behind: slow, other, end } = await twoNodes("goodbye");
  const goodbyes: Record<string, () => Promise<unknown>> = {
    ana: async () => (await ClassicClient.connect(slow.port, "ana")).close(),
    bob: async () => (await ClassicClient.connect(slow.port, "bob", "ws-protocol")).close(),
    eva: async () => {
      const eva = await JsonClient.hello(slow.port, "eva");
      eva.says({ type: "bye" });
      await eva.awaits({ type: "ok" });
    },
    jo: async () => {
      const jo = await JsonClient.hello(slow.port, "jo");
      jo.webSocket.close(1000);
      await jo.closed();
    },
  };
  try {
    proxy.set("delay", "command"); // the sign-out takes 30 ms at least
    for (const [name, goodbye] of Object.entries(goodbyes)) {
      await goodbye();
      (await ClassicClient.connect(other.port, name)).vanish(); // or it is refused with 400
    }
  } finally {
    await end();
  }
});

test("a client that half-closes after its close frame still gets the answer, when its name is free", async () => {
  const { proxy, behind: slow, other, end } = await twoNodes("half-closed");
  try {
    const socket = connect({ port: slow.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.write(upgradeRequest("/?name=ana"));
    await once(socket, "data");
    proxy.set("delay", "command"); // the end is there long before the sign-out is done
    socket.end(CLOSE_FRAME);
    const answer: Buffer[] = [];
    for await (const chunk of socket) answer.push(chunk as Buffer);
    expect([...Buffer.concat(answer).subarray(-2)]).toEqual([0x88, 0]);
    (await ClassicClient.connect(other.port, "ana")).vanish();
  } finally {
    await end();
  }
});

test("in a crowd that closes at once nobody is told of the others", async () => {
  const proxy = await Proxy.to(redis.port);
  const gateway = await node(proxy.url, { REDIS_PREFIX: "crowd" });
  try {
    const crowd = await Promise.all(
      Array.from({ length: 40 }, (_, i) => ClassicClient.connect(gateway.port, `user-${i}`)),
    );
    const told = async (): Promise<number> =>
      (await samplesOf(gateway.counters, "deliveries_total"))[0]!.value;
    await Promise.all(crowd.map((client) => client.settles()));
    const before = await told();
    proxy.set("blackhole", "command"); // all have said goodbye before the first is signed out
    const closed = Promise.all(crowd.map((client) => client.close()));
    await pause(200);
    proxy.set("pass");
    await closed;
    expect((await told()) - before).toBeLessThan((40 * 40) / 4);
  } finally {
    await gateway.close();
    await proxy.close();
  }
});

test("a session whose sign-out is done but not answered hears nothing for the next holder of its name", async () => {
  const { proxy, behind: mute, other, end } = await twoNodes("mute");
  try {
    const ana = await ClassicClient.connect(mute.port, "ana");
    const eva = await JsonClient.hello(mute.port, "eva");
    const bob = await ClassicClient.connect(other.port, "bob");
    const viewer = await ClassicClient.connect(mute.port, "viewer");
    const closed = Promise.all([ana.closed(), eva.closed()]);
    proxy.set("mute", "command");
    ana.webSocket.close();
    eva.says({ type: "bye" });
    for (const name of ["ana", "eva"]) {
      const next = await eventually(() => ClassicClient.connect(other.port, name));
      bob.says(4, L(name), L("for the next"));
      await next.awaits(55, L("bob"), L("for the next"));
    }
    bob.says(4, L("~"), L("for everybody")); // announced behind those
    await viewer.awaits(55, L("bob"), L("for everybody"));
    proxy.set("pass");
    await closed;
    expect(ana.heard.filter((heard) => heard.includes("for the next"))).toEqual([]);
    expect(eva.heard.filter(({ text }) => text === "for the next")).toEqual([]);
  } finally {
    await end();
  }
});

test("while Redis is away, a close is answered soon, but a bye does not say that the name is free", async () => {
  const { proxy, behind, end } = await twoNodes("away", { OPERATION_DEADLINE_MS: 60_000 });
  const hasty = await node(proxy.url, { REDIS_PREFIX: "away", OPERATION_DEADLINE_MS: 2_500 });
  try {
    const ana = await ClassicClient.connect(behind.port, "ana");
    const eva = await JsonClient.hello(hasty.port, "eva");
    const closed = eva.closed();
    proxy.set("blackhole");
    eva.says({ type: "bye", id: 1 });
    expect(await ana.close()).toBe(1005); // ws waits for it for half a minute, the gateway for a whole one
    await eva.awaits({ type: "error", id: 1, code: "unavailable" });
    expect(await closed).toBe(1000);
    proxy.set("pass");
    for (const name of ["ana", "eva"]) {
      (await eventually(() => ClassicClient.connect(hasty.port, name))).vanish();
    }
  } finally {
    proxy.set("pass");
    await hasty.close();
    await end();
  }
});

test("the audit frees a name whose sign-out got lost", async () => {
  const lonely = await node(redis.url, {
    REDIS_PREFIX: "audit",
    BEAT_MS: 50,
    LEASE_MS: 2_000,
    REDIS_COMMAND_TIMEOUT_MS: 500,
  });
  const viewer = await ClassicClient.connect(lonely.port, "viewer");
  try {
    const ana = await ClassicClient.connect(lonely.port, "ana");
    await viewer.hears(53, L("ana"), 1);
    // as if a claim had come late, after everybody had given it up: another session id
    const bucket = await bucketHolding("audit", "ana");
    const kept = (await redis.client.hget(`${bucket}:users`, "ana"))!.split(" ");
    await redis.client.hset(
      `${bucket}:users`,
      "ana",
      [...kept.slice(0, 3), "somebody", kept[4]].join(" "),
    );
    ana.vanish();
    await viewer.hears(54, L("ana"), 0);
  } finally {
    viewer.vanish();
    await lonely.close();
  }
});

/** Two nodes of a cluster of their own, one of them behind a proxy to its Redis. */
async function twoNodes(prefix: string, settings: Record<string, number> = {}) {
  const proxy = await Proxy.to(redis.port);
  const behind = await node(proxy.url, { REDIS_PREFIX: prefix, ...settings });
  const other = await node(redis.url, { REDIS_PREFIX: prefix });
  const end = async (): Promise<void> => {
    proxy.set("pass");
    await Promise.all([behind.close(), other.close()]);
    await proxy.close();
  };
  return { proxy, behind, other, end };
}

async function bucketHolding(prefix: string, name: string): Promise<string> {
  for (const key of await redis.client.keys(`${prefix}:*:users`)) {
    if (await redis.client.hexists(key, name)) return key.slice(0, -":users".length);
  }
  throw new Error(`${name} is in no bucket`);
}

async function health(port: number): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
}

/** An upgrade by hand: cheap enough for thousands. */
async function contend(port: number, name: string): Promise<{ status: number; leave: () => void }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // seen as an answer that is missing
  socket.write(upgradeRequest(`/?name=${name}`));
  const answer = await new Promise<string>((resolve) => {
    socket.once("data", (chunk) => resolve(chunk.toString()));
    socket.once("close", () => resolve(""));
  });
  return { status: Number(answer.split(" ")[1]), leave: () => void socket.destroy() };
}
