import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Keys } from "#tertulia/redis/keys.js";
import { FunctionLibrary, readFunctionSource } from "#tertulia/redis/function-library.js";
import { connectRedis, giveUp, untilReady } from "#tertulia/redis/connect.js";
import { observe } from "#tertulia/observe.js";
import { NotReplicated, Replication } from "#tertulia/redis/replication.js";
import { Proxy } from "#verifier/proxy.js";
import type { Redis } from "ioredis";
import { appendWords } from "../support/append.js";
import { ClassicClient, L, frame, show } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** Until a message is refused: soon where that is waited for, and a machine that stands still is not it. */
const SOON_MS = 4_000;
const PATIENT_MS = 20_000;

let primary: TestRedis;
let admin: Redis;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  primary = await startRedis("--repl-diskless-sync-delay", "0");
  admin = primary.client;
});
afterAll(() => primary.close());
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
  await admin.flushall();
});

async function startReplica(): Promise<TestRedis> {
  const replica = await startRedis("--replicaof", `127.0.0.1 ${primary.port}`);
  // a replica that writes its first append-only file does not stop for a SIGTERM
  open.push({ close: () => replica.kill().then(() => replica.close()) });
  await eventually(async () =>
    expect(await admin.info("replication")).toMatch(/slave0:.*state=online/),
  );
  return replica;
}

async function startTwoReplicas(): Promise<TestRedis> {
  await startReplica();
  const other = await startReplica();
  await eventually(async () =>
    expect(await admin.info("replication")).toMatch(/slave1:.*state=online/),
  );
  return other;
}

/** The replica takes nothing until what comes back is called, or the test has ended. */
async function freeze(replica: TestRedis): Promise<() => Promise<void>> {
  const goOn = await replica.freeze();
  let going: Promise<void> | undefined;
  const thaw = (): Promise<void> => (going ??= goOn());
  open.push({ close: thaw });
  return thaw;
}

async function ana(deadlineMs: number): Promise<ClassicClient> {
  const settings = { ACK_LEVEL: "replicated", OPERATION_DEADLINE_MS: deadlineMs };
  const gateway = await node(primary.url, settings);
  open.push(gateway);
  const client = await ClassicClient.connect(gateway.port, "ana");
  client.patienceMs = 2 * deadlineMs;
  return client;
}

test("with a replica every message is acknowledged, in order", async () => {
  await startReplica();
  const client = await ana(PATIENT_MS);
  for (let i = 0; i < 200; i++) client.says(4, L("~"), L(`m${i}`));
  for (let i = 0; i < 200; i++) await client.hears(55, L("ana"), L(`m${i}`));
});

test("without a replica a message is refused and nothing is stored", async () => {
  const client = await ana(SOON_MS);
  client.says(4, L("~"), L("alone"));
  await client.hears(50, 6);
  expect(await admin.keys("tertulia:*:history:*")).toEqual([]);
  await startReplica();
  await eventually(async () => {
    client.says(4, L("~"), L("together")); // refused once more where the replica is slow
    expect(show(await client.next())).toBe(show(frame(55, L("ana"), L("together"))));
  });
});

test("a message that no replica took in time is reported as unsure, not acknowledged", async () => {
  const replica = await startReplica();
  const client = await ana(SOON_MS);
  client.says(4, L("~"), L("before"));
  await client.hears(55, L("ana"), L("before"));
  client.says(2, L("ana")); // answered when the message before it is done with
  await client.hears(52, L("ana"), 1);
  const thaw = await freeze(replica);
  client.says(4, L("~"), L("unsure"));
  await client.hears(50, 6);
  await thaw();
  // everybody else has heard it long ago, and it is stored once
  await client.hears(55, L("ana"), L("unsure"));
  client.says(4, L("~"), L("after"));
  await client.hears(55, L("ana"), L("after"));
  const [key] = await admin.keys("tertulia:*:history:~");
  expect(await admin.xlen(key!)).toBe(3);
});

test("a removal that no replica took in time is not acknowledged; asked again, it is the same one", async () => {
  const replica = await startReplica();
  const client = await ana(SOON_MS);
  client.says(4, L("~"), L("one"));
  await client.hears(55, L("ana"), L("one"));
  const gateway = await node(primary.url, {
    ACK_LEVEL: "replicated",
    OPERATION_DEADLINE_MS: SOON_MS,
  });
  open.push(gateway);
  const eva = await JsonClient.hello(gateway.port, "eva", { key: "evas-key" });
  expect(await eva.asks({ type: "publish", text: "two" })).toMatchObject({ type: "ok", seq: 2 });
  const thaw = await freeze(replica);
  const removal = { type: "remove", conv: "~", seq: 2 };
  expect(await eva.asks(removal)).toMatchObject({ type: "error", code: "unavailable" });
  expect(await eva.asks(removal)).toMatchObject({ type: "error", code: "unavailable" });
  await thaw();
  expect(await eva.asks(removal)).toMatchObject({ type: "ok", seq: 3 });
});

test("a message that only one of two connected replicas has is not acknowledged: either may be promoted", async () => {
  const other = await startTwoReplicas();
  const client = await ana(SOON_MS);
  client.says(4, L("~"), L("before"));
  await client.hears(55, L("ana"), L("before"));
  client.says(2, L("ana"));
  await client.hears(52, L("ana"), 1);
  await freeze(other);
  client.says(4, L("~"), L("on one of them"));
  await client.hears(50, 6);
});

test("when one of two replicas disconnects, nothing is acknowledged for a while: it may be the primary by now", async () => {
  const other = await startTwoReplicas();
  const settings = { url: primary.url, commandTimeoutMs: 10_000 };
  const writer = connectRedis(settings, "writer", pino({ level: "silent" }));
  await untilReady(writer);
  const replication = new Replication(writer, 1);
  const connected = async (): Promise<number> =>
    Number(/connected_slaves:(\d+)/.exec(await writer.info("replication"))![1]);
  const confirmed = (): Promise<number> => replication.covering(connected, (count) => count);
  await replication.look(); // as each beat: who seldom writes knows it too
  await other.client.replicaof("NO", "ONE");
  await eventually(async () => expect(await connected()).toBe(1));
  await expect(confirmed()).rejects.toThrow(NotReplicated);
  await eventually(async () => expect(await confirmed()).toBe(1));
  giveUp(writer);
});

test("a write waits for a replica that connects within the deadline", async () => {
  const client = await ana(PATIENT_MS);
  client.says(4, L("~"), L("patience"));
  await startReplica();
  await client.hears(55, L("ana"), L("patience"));
});

test("a message that is sent again on another connection waits for a replica all the same", async () => {
  const replica = await startReplica();
  const watch = observe("silent", "test");
  const writer = connectRedis({ url: primary.url, commandTimeoutMs: 10_000 }, "writer", watch.log);
  await untilReady(writer);
  const library = await readFunctionSource();
  const keys = new Keys("again");
  const its = [keys.meta(0), keys.log(0), keys.nodes(0), ...keys.ids(0)];
  const message = appendWords(keys, [{ mid: "m1" }], { node: "node", least: 1 });
  const first = new FunctionLibrary(admin, library, watch);
  await first.load();
  await first.call("beat", its, ["node", 60_000, 2_500, "join"]);
  const thaw = await freeze(replica);
  const stored = await first.call("append", ...message);
  const again = (): Promise<unknown> =>
    new FunctionLibrary(writer, library, watch).call("append", ...message);
  const replication = new Replication(writer, 1);
  await expect(replication.covering(again, () => 1)).rejects.toThrow(NotReplicated);
  await thaw();
  await eventually(async () => expect(await replication.covering(again, () => 1)).toEqual(stored));
  giveUp(writer);
});

test("a connection lost between a write and its WAIT acknowledges nothing", async () => {
  await startReplica();
  const proxy = await Proxy.to(primary.port);
  open.push(proxy);
  const settings = { url: proxy.url, commandTimeoutMs: 10_000 };
  const writer = connectRedis(settings, "writer", pino({ level: "silent" }));
  await untilReady(writer);
  const replication = new Replication(writer, 1);
  const covered = (): Promise<unknown> =>
    replication.covering(
      () => writer.set("a", "1"),
      () => 1,
    );
  await eventually(async () => expect(await covered()).toBe("OK")); // a new replica takes its time
  const lost = replication.covering(
    async () => {
      await writer.set("b", "1");
      proxy.cut();
      await new Promise((resolve) => writer.once("ready", resolve));
    },
    () => 1,
  );
  await expect(lost).rejects.toThrow(NotReplicated);
  giveUp(writer);
});
