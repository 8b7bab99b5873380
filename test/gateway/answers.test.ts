/** What clients ask to read costs Redis a bounded amount, whoever asks how often. Counted, not timed. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { watchRedis } from "../support/counted-node.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const BUCKETS = 16;

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url);
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

/** Of the client itself, in the next list that it gets. */
async function statusOf(client: ClassicClient): Promise<number | undefined> {
  let list = await client.next();
  while (list[0] !== 51) list = await client.next();
  const own = Buffer.from(L(client.name));
  const place = list.indexOf(own);
  return place === -1 ? undefined : list[place + own.length];
}
