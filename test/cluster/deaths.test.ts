import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ClassicClient, L, show } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { nodeProcess, type NodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let nodes: NodeProcess[];
let clients: ClassicClient[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  clients = [];
  nodes = await Promise.all(
    [1, 2, 3].map(() => nodeProcess({ REDIS_URL: redis.url, LOG_LEVEL: "info" })),
  );
  await leader();
});
afterEach(async () => {
  for (const client of clients) client.vanish();
  await Promise.all(nodes.map((each) => each.close("SIGKILL")));
});

async function join(at: NodeProcess, name: string): Promise<ClassicClient> {
  const client = await ClassicClient.connect(at.port, name);
  clients.push(client);
  return client;
}

/** The one with the greatest token: one that is frozen may not know yet that it leads no more. */
async function leader(): Promise<NodeProcess> {
  return eventually(() => {
    const leading = nodes.filter(({ isLeading, child }) => isLeading && child.signalCode === null);
    if (leading.length === 0) throw new Error("nobody leads");
    return leading.reduce((a, b) => (a.token > b.token ? a : b));
  });
}

/** Users and a bystander on the doomed node's side of the world; a viewer on another. */
async function population(
  doomed: NodeProcess,
): Promise<{ viewer: ClassicClient; names: string[] }> {
  const other = nodes.find((each) => each !== doomed)!;
  const viewer = await join(other, "viewer");
  await join(other, "bystander");
  const names = Array.from({ length: 50 }, (_, i) => `user-${i}`);
  await Promise.all(names.map((name) => join(doomed, name)));
  await viewer.settles();
  return { viewer, names };
}

/** Reads until all were signed out; returns after how long the first and the last were, in seconds. */
async function signedOut(
  viewer: ClassicClient,
  names: string[],
  since: number,
): Promise<[number, number]> {
  const waiting = new Set(
    names.map((name) => show(Buffer.concat([Buffer.from([54]), L(name), Buffer.from([0])]))),
  );
  const times: number[] = [];
  while (waiting.size > 0) {
    const heard = show(await viewer.next(30_000));
    if (!waiting.delete(heard)) throw new Error(`heard ${heard} as well, or twice`);
    times.push((performance.now() - since) / 1_000);
  }
  await viewer.hearsNothing();
  return [times[0]!, times.at(-1)!];
}

test("users of a killed gateway are signed out everywhere, each once, and nobody else", async () => {
  const doomed = nodes.find(({ isLeading }) => !isLeading)!;
  const { viewer, names } = await population(doomed);
  const since = performance.now();
  doomed.child.kill("SIGKILL");
  const times = await signedOut(viewer, names, since);
  report("gateway killed", times);
});

test("users of a killed leader are signed out everywhere, each once, and nobody else", async () => {
  const doomed = await leader();
  const { viewer, names } = await population(doomed);
  const since = performance.now();
  doomed.child.kill("SIGKILL");
  const times = await signedOut(viewer, names, since);
  report("leader killed", times);
  expect(await leader()).not.toBe(doomed);
});

test("a thawed leader comes back as a follower, and gives up names that were taken meanwhile", async () => {
  const frozen = await leader();
  const { viewer, names } = await population(frozen);
  const since = performance.now();
  frozen.child.kill("SIGSTOP");
  const times = await signedOut(viewer, names, since);
  report("leader frozen", times);
  const next = await leader();
  expect(next).not.toBe(frozen);
  const other = nodes.find((each) => each !== frozen)!;
  const taken = await join(other, "user-0");
  await viewer.hears(54, L("user-0"), 1);

  viewer.says(4, L("user-0"), L("for the new one"));
  await viewer.hears(55, L("viewer"), L("for the new one"));

  frozen.child.kill("SIGCONT");
  // user-0 belongs to somebody else; the other 49 are still connected there, and are back
  const first = clients.find(
    ({ name, webSocket }) => name === "user-0" && webSocket !== taken.webSocket,
  )!;
  expect(await first.closed()).toBe(4409);
  expect(first.heard.filter((heard) => heard[0] === 55)).toEqual([]);
  const back = new Set<string>();
  while (back.size < 49) back.add(show(await viewer.next()));
  expect([...back].every((frame) => frame.endsWith("\\x1]"))).toBe(true);
  await viewer.hearsNothing();
  await taken.settles();
  expect(next.isLeading).toBe(true);
  await eventually(() => expect(frozen.isLeading).toBe(false));
  // whatever it tried in its old term was refused: every user is as its connection is
  viewer.says(2, L("user-0"));
  await viewer.hears(52, L("user-0"), 1);
});

test("a stopping leader resigns: another leads at once, and its users are signed out at once", async () => {
  const stopping = await leader();
  const { viewer, names } = await population(stopping);
  const since = performance.now();
  const exit = stopping.close("SIGTERM");
  const times = await signedOut(viewer, names, since);
  expect(await exit).toBe(0);
  await eventually(() =>
    expect(nodes.some((each) => each !== stopping && each.isLeading)).toBe(true),
  );
  report("gateway stopped", times);
});

test("a follower frozen for half a lease keeps its users", async () => {
  const frozen = nodes.find(({ isLeading }) => !isLeading)!;
  const { viewer } = await population(frozen);
  frozen.child.kill("SIGSTOP");
  await pause(1_500);
  frozen.child.kill("SIGCONT");
  await pause(1_500);
  await viewer.hearsNothing();
});

/** Timings never decide a test; they go into the log of the run. */
function report(what: string, [first, last]: [number, number]): void {
  console.log(`${what}: users signed out after ${first.toFixed(1)} to ${last.toFixed(1)} s`);
}
