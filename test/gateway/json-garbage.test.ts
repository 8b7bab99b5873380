import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { decodeRequest } from "#tertulia/wire/json.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { samplesOf } from "../support/samples.js";

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  gateway = await node(redis.url, { REQUESTS_PER_SECOND: 100_000 });
});
afterEach(() => gateway.close());

const TYPES = ["hello", "publish", "history", "presence", "user", "status", "read", "typing"];
const KEYS = [
  "id",
  "name",
  "key",
  "conv",
  "text",
  "mid",
  "before",
  "after",
  "limit",
  "seq",
  "watch",
];
const PROTOTYPE = ["__proto__", "constructor", "toString", "hasOwnProperty"];

/** Values that have hurt somebody: huge numbers, prototypes, lone surrogates, deep nests. */
const value = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom("~", "@ana", "@", "", "\ud800", "\u0000", "é".repeat(300), "x".repeat(5_000)),
  fc.constantFrom(1e308, -1, 0, 2 ** 53, 2 ** 60, -0, 1.5),
  fc.constantFrom(...PROTOTYPE),
  fc
    .integer({ min: 1, max: 2_000 })
    .map((depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth)) as unknown),
);
const request = fc
  .tuple(
    fc.oneof(fc.constantFrom(...TYPES, ...PROTOTYPE, "bogus"), fc.string()),
    fc.array(fc.tuple(fc.constantFrom(...KEYS, ...PROTOTYPE, "resume"), value), { maxLength: 5 }),
  )
  // written by hand, so that keys may come twice
  .map(([type, fields]) => {
    const parts = fields.map(([key, each]) => `${JSON.stringify(key)}:${JSON.stringify(each)}`);
    return `{${[`"type":${JSON.stringify(type)}`, ...parts].join(",")}}`;
  });
const frame = fc.oneof(
  { weight: 4, arbitrary: request.map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.json().map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: request.map((text) => Buffer.from(text.slice(0, text.length / 2))) },
);

/** Made before there is a gateway in this process: it takes seconds, in which nothing could beat. */
const garbage = fc.sample(frame, { numRuns: 10_000, seed: 7 });

test("every frame is a request or an error, and none pollutes a prototype", () => {
  fc.assert(
    fc.property(frame, (bytes) => {
      const decoded = decodeRequest(bytes);
      if (decoded.kind === "bad") return decoded.error.message.length > 0;
      return Object.getPrototypeOf(decoded.request) === Object.prototype;
    }),
    { numRuns: 5_000 },
  );
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("10,000 frames of garbage neither crash nor hang a gateway, nor reach anybody's data", async () => {
  const ana = await JsonClient.hello(gateway.port, "ana", { key: "k" });
  await ana.asks({ type: "publish", conv: "@ana", text: "my secret" });
  // what is no UTF-8 closes a connection (1007), and what stands behind it would never be looked at
  const [texts, others] = [garbage.filter(isUtf8), garbage.filter((bytes) => !isUtf8(bytes))];
  const chunks = [...chunksOf(texts, 250), ...chunksOf(others.slice(0, 50), 1)];
  for (const [at, some] of chunks.entries()) {
    const rogue = await JsonClient.connect(gateway.port);
    rogue.says({ type: "hello", name: `rogue-${at}` });
    for (const [n, bytes] of some.entries()) {
      rogue.webSocket.send(bytes, { binary: false });
      if (n % 50 === 0) rogue.says({ type: "ping" }); // a hundred bad ones in a row would close it
    }
    rogue.says({ type: "ping", id: "end" });
    while (rogue.webSocket.readyState === 1) {
      if (rogue.heard.some(({ type, id }) => type === "pong" && id === "end")) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(JSON.stringify(rogue.heard)).not.toContain("my secret");
    rogue.vanish();
  }
  const samples = await samplesOf(gateway.counters, "frames_received_total");
  const heard = samples.reduce((sum, { value }) => sum + value, 0);
  expect(heard).toBeGreaterThan(texts.length);
  expect(texts.length).toBeGreaterThan(7_000);
  expect(await ana.asks({ type: "user", user: "ana" })).toMatchObject({ status: "active" });
  const kept = await ana.asks({ type: "history", conv: "@ana" });
  expect(kept["messages"]).toMatchObject([{ text: "my secret" }]);
  const ours = gateway.log.filter(({ level }) => level >= 50);
  expect(ours).toEqual([]);
  ana.vanish();
});

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) =>
    all.slice(i * size, (i + 1) * size),
  );
}
