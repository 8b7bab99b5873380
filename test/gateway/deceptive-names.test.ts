/** Names of byte clients that JSON would show like another one: nobody gets them who has not had them before. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import { Keys, bucketOfUser } from "#tertulia/redis/keys.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let one: Awaited<ReturnType<typeof node>>;
beforeAll(async () => {
  redis = await startRedis();
  one = await node(redis.url);
});
afterAll(async () => {
  await one.close();
  await redis.close();
});

const query = (name: Buffer): string =>
  `?name=${[...name].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`;
const probe = async (name: Buffer): Promise<number> =>
  (await fetch(`http://127.0.0.1:${one.port}/${query(name)}`)).status;
const upgraded = (name: Buffer): Promise<ClassicClient> =>
  ClassicClient.attempt(one.port, "", undefined, query(name));

const DECEPTIVE = ["ana\u202e", "\u200bana", "ana ", " ana", "an  a", "an\u00ada", "jose\u0301"];

test.each(DECEPTIVE)(
  "%j is refused, in the upgrade, by op 10 and to who asks before",
  async (text) => {
    const name = Buffer.from(text);
    expect(await probe(name)).toBe(400);
    await expect(upgraded(name)).rejects.toThrow("400");
    const nameless = await ClassicClient.connect(one.port, "", "ws-protocol");
    nameless.says(10, L(text));
    await nameless.awaits(50, 1);
    nameless.vanish();
  },
);

test("who had such a name before comes back to it", async () => {
  const name = Buffer.from("old \u202ename");
  const bucket = bucketOfUser(name.toString("latin1") as Name);
  const keys = new Keys("tertulia");
  await redis.client.hset(keys.users(bucket), name, "0 1 -");
  await redis.client.zadd(keys.left(bucket), 1, name);
  expect(await probe(name)).toBe(200);
  const client = await upgraded(name);
  client.says(3, 2);
  await client.awaits(54, L("old \u202ename"), 2);
  client.vanish();
});

test.each(["caf\u00e9", "cut in a \u{1f600}", "jos\u00e9"])(
  "%j is not, nor what is cut inside its last character",
  async (text) => {
    const whole = Buffer.from(text);
    for (const name of [whole, whole.subarray(0, -1)]) {
      expect(await probe(name)).toBe(200);
      (await upgraded(name)).vanish();
    }
  },
);
