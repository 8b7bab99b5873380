/** What clients ask to read costs Redis a bounded amount, whoever asks how often. Counted, not timed. */
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { watchRedis } from "../support/counted-node.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const BUCKETS = 16;

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url, { REQUESTS_PER_SECOND: 10_000, PRIVATE_HISTORY: "name" });
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

test("lists of many clients share their readings, and each client finds itself and its status", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `lister${i}`);
  const clients = await Promise.all(names.map((name) => ClassicClient.connect(gateway.port, name)));
  const began = performance.now();
  const stop = await watchRedis(redis);
  for (let round = 0; round < 5; round++) {
    for (const client of clients) client.says(1);
    for (const client of clients) expect(await statusOf(client)).toBe(1);
  }
  // its own change is in the next list, also if it was read before
  for (const client of clients) client.says(3, L(client.name), 2);
  for (const client of clients) client.says(1);
  for (const client of clients) expect(await statusOf(client)).toBe(2);
  const { calls } = await stop();
  const readings = 1 + Math.ceil((performance.now() - began) / 500);
  expect(calls["roster"]).toBeLessThanOrEqual(readings * BUCKETS);
  await Promise.all(clients.map((client) => client.close()));
});

test("a history is read for the answer, and a page no further than it goes, however long the texts are", async () => {
  const max = await JsonClient.hello(gateway.port, "max");
  const text = "語".repeat(4_096);
  const texts = Array.from({ length: 255 }, (_, i) => `${i} ${text.slice(6)}`);
  for (const each of texts) await max.asks({ type: "publish", conv: "@max", text: each });
  await max.asks({ type: "bye" });
  const bytes = await ClassicClient.connect(gateway.port, "max");
  const [history, read] = await readBy(async () => {
    bytes.says(5, L("max"));
    let frame = await bytes.next();
    while (frame[0] !== 56) frame = await bytes.next();
    return frame;
  });
  // 255 of 16 kB are kept, and the newest fit
  expect(history.length).toBeGreaterThan(3_800);
  expect(history.toString()).toContain("254 語");
  expect(read).toBeLessThan(2 * 4_096 + OVERHEAD);
  await bytes.close();
  const again = await JsonClient.hello(gateway.port, "max");
  const [page, readForPage] = await readBy(() =>
    again.asks({ type: "history", conv: "@max", limit: 200 }),
  );
  const told = (page["messages"] as { text: string }[]).map((message) => message.text);
  expect(told).toEqual(texts.slice(-told.length));
  expect([told.length > 10, page["more"]]).toEqual([true, true]);
  expect(readForPage).toBeLessThan(262_144 + OVERHEAD);
  await again.asks({ type: "bye" });
});

test("whatever is asked while Redis stands still is unavailable, not a bug", async () => {
  const patience = { REDIS_COMMAND_TIMEOUT_MS: 200, OPERATION_DEADLINE_MS: 500 };
  const impatient = await node(redis.url, patience);
  onTestFinished(() => impatient.close());
  const ana = await JsonClient.hello(impatient.port, "ana");
  const thaw = await redis.freeze();
  onTestFinished(thaw);
  const requests = [
    { type: "typing", conv: "~" },
    { type: "typing", conv: "@bob" },
    { type: "user", user: "bob" },
    { type: "history" },
    { type: "read", conv: "~", seq: 1 },
    { type: "status", status: "busy" },
    { type: "publish", text: "hi" },
  ];
  for (const request of requests) {
    const answer = await ana.asks(request);
    expect([request, answer["code"]]).toEqual([request, "unavailable"]);
  }
});

/** What else Redis writes meanwhile: answers to beats, and to the question how much it wrote. */
const OVERHEAD = 30_000;

/** What came of a step, and how many bytes Redis wrote meanwhile. */
async function readBy<T>(step: () => Promise<T>): Promise<[T, number]> {
  const written = async (): Promise<number> =>
    Number(/total_net_output_bytes:(\d+)/.exec(await redis.client.info("stats"))![1]);
  const before = await written();
  const what = await step();
  return [what, (await written()) - before];
}

/** Of the client itself, in the next list that it gets. */
async function statusOf(client: ClassicClient): Promise<number | undefined> {
  let list = await client.next();
  while (list[0] !== 51) list = await client.next();
  const own = Buffer.from(L(client.name));
  const place = list.indexOf(own);
  return place === -1 ? undefined : list[place + own.length];
}
