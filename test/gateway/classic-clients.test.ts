/** What clients of bytes need beyond the protocol, on one connection beside others. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

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

for (const subprotocol of [undefined, "ws-protocol"] as const) {
  const dialect = subprotocol ?? "classic";
  const join = (name: string): Promise<ClassicClient> =>
    ClassicClient.connect(gateway.port, `${name}-${dialect}`, subprotocol);
  /** As the dialect frames a general message. */
  const told = (origin: string, text: string): Buffer => {
    const rest = frame(L(origin), L(text));
    return subprotocol === undefined ? frame(55, rest) : frame(55, rest.length % 256, rest);
  };

  test(`a status as a digit is set and told, ${dialect}`, async () => {
    const zoe = await join("zoe");
    zoe.says(3, L(zoe.name), L("3"));
    await zoe.awaits(54, L(zoe.name), 3);
    zoe.says(3, L(zoe.name), L("7"));
    await zoe.awaits(50, 2);
    await zoe.close();
  });

  test(`the general chat has the origin that each connection needs, ${dialect}`, async () => {
    const [ana, bob] = [await join("ana"), await join("bob")];
    bob.says(6);
    const known = await answer(bob, 57);
    for (const { name } of [ana, bob]) expect(known.includes(frame(L(name), 1))).toBe(true);
    ana.says(4, L("~"), L("one"));
    await ana.awaits(told(ana.name, "one"));
    await bob.awaits(told("~", `${ana.name}: one`));
    bob.says(4, L("~"), L("two"));
    await ana.awaits(told(bob.name, "two"));
    await bob.awaits(told("~", `${bob.name}: two`));
    // what is private names its author, and so does the history
    ana.says(4, L(bob.name), L("three"));
    await bob.awaits(told(ana.name, "three"));
    bob.says(5, L("~"));
    const history = await answer(bob, 56);
    expect(history.includes(frame(L(bob.name), L("two")))).toBe(true);
    await Promise.all([ana.close(), bob.close()]);
  });

  test(`a client that lists by 01 00 gets small lists and histories, another large ones, ${dialect}`, async () => {
    const [ana, bob] = [await join("ana"), await join("bob")];
    for (let i = 0; i < 12; i++) ana.says(4, L("~"), L(`${i} `.padEnd(200, "x")));
    await bob.awaits(told(ana.name, "11 ".padEnd(200, "x")));
    bob.says(1, 0);
    await answer(bob, 51);
    for (const each of [ana, bob]) each.says(5, L("~"));
    expect((await answer(ana, 56)).length).toBeGreaterThan(1_023);
    const small = await answer(bob, 56);
    expect(small.length).toBeLessThanOrEqual(1_019);
    expect(small.includes("11 xxx")).toBe(true); // the newest
    await Promise.all([ana.close(), bob.close()]);
  });
}

test("before it has registered, a client that asks by op 6 gets error 5", async () => {
  const nobody = await ClassicClient.connect(gateway.port, "", "ws-protocol");
  nobody.says(6);
  await nobody.hears(50, 5);
  await nobody.close();
});

/** The next frame with this code. */
async function answer(client: ClassicClient, code: number): Promise<Buffer> {
  let heard = await client.next();
  while (heard[0] !== code) heard = await client.next();
  return heard;
}
