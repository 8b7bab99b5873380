/** What clients of bytes need beyond the protocol, on one connection beside others. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { JsonClient } from "../support/json-client.js";
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

test("52 has an address only with CLASSIC_ADDRESSES=shown, and it is stored only then, while its user is connected", async () => {
  const settings = { REDIS_PREFIX: "addresses", PRESENCE_LINGER_MS: 0 };
  const [hiding, showing, other] = await Promise.all([
    node(redis.url, settings),
    ...[1, 2].map(() => node(redis.url, { ...settings, CLASSIC_ADDRESSES: "shown" })),
  ]);
  const kept = async (): Promise<boolean> => {
    const users = await redis.client.keys("addresses:*:users");
    const records = await Promise.all(users.map((key) => redis.client.hvals(key)));
    return records.flat().join(" ").includes("127.0.0.1");
  };
  const away = await ClassicClient.connect(hiding.port, "away");
  const bob = await ClassicClient.connect(other!.port, "bob", "ws-protocol");
  expect(await kept()).toBe(true);
  await bob.close();
  expect(await kept()).toBe(false);

  const ana = await ClassicClient.connect(showing!.port, "ana");
  const eva = await JsonClient.hello(showing!.port, "eva");
  await eva.asks({ type: "status", status: "inactive" });
  const zoe = await ClassicClient.connect(other!.port, "zoe", "ws-protocol");
  for (const [name, status, address] of [
    ["ana", 1, "127.0.0.1"],
    ["eva", 3, "127.0.0.1"],
    ["bob", 0, ""],
    ["away", 1, ""],
  ] as const) {
    zoe.says(2, L(name));
    await zoe.awaits(52, L(name), status, L(address));
  }
  away.says(2, L("ana"));
  await away.awaits(52, L("ana"), 1);
  expect(await eva.asks({ type: "user", user: "ana" })).not.toHaveProperty("address");
  // what was asked for outlives the address beside it
  await eva.asks({ type: "typing", conv: "~" });
  zoe.says(2, L("eva"));
  await zoe.awaits(52, L("eva"), 3, L("127.0.0.1"));
  for (const { webSocket } of [away, ana, zoe, eva]) webSocket.terminate();
  await Promise.all([hiding, showing, other].map((each) => each!.close()));
});

/** The next frame with this code. */
async function answer(client: ClassicClient, code: number): Promise<Buffer> {
  let heard = await client.next();
  while (heard[0] !== code) heard = await client.next();
  return heard;
}
