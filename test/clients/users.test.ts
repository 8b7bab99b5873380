/** One name, several devices, somebody else's name; read marks, statuses, signals: on real gateways. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Typing } from "#tertulia/clients/sdk/tertulia.js";
import type { Node } from "#tertulia/node.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node, nodeProcess } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join, upTo } from "../support/sdk-scene.js";

let redis: TestRedis;
let first: Node;
let second: Node;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  [first, second] = [await node(redis.url), await node(redis.url)];
  return async () => {
    await Promise.all([first.close(), second.close()]);
  };
});

test("two devices of a user hear the same, and are one user", async () => {
  const phone = join(at(first), { key: "secret" });
  const laptop = join(at(second), { key: "secret" });
  const bob = join(at(second), { name: "bob" });
  await Promise.all([phone, laptop, bob].map(({ chat }) => chat.joined()));
  await bob.chat.presence.watch();
  await eventually(() =>
    expect([...bob.chat.presence.people.keys()].toSorted()).toEqual(["ana", "bob"]),
  );
  expect(bob.chat.presence.count).toBe(2);
  await phone.chat.publish("@bob", "from the phone");
  await laptop.chat.publish("@bob", "from the laptop");
  await bob.chat.publish("@ana", "hi both");
  for (const { messages } of [phone, laptop, bob]) {
    await eventually(() => {
      const texts = messages.map(({ text }) => text);
      expect(texts).toEqual(["from the phone", "from the laptop", "hi both"]);
    });
  }
  expect(laptop.messages.map(({ conv }) => conv)).toEqual(["@bob", "@bob", "@bob"]);
  await laptop.chat.close();
  expect(await bob.chat.user("ana")).toBe("active");
  await phone.chat.close();
  await eventually(async () => expect(await bob.chat.user("ana")).toBe("disconnected"));
});

test("the same message sent from two sockets is stored once, and both get the same answer", async () => {
  const phone = join(at(first), { key: "secret" });
  const laptop = join(at(second), { key: "secret" });
  const bob = join(at(second), { name: "bob" });
  await Promise.all([phone, laptop, bob].map(({ chat }) => chat.joined()));
  for (const n of upTo(20)) {
    const said = [phone, laptop].map(({ chat }) => chat.publish("~", `${n}`, { mid: `m-${n}` }));
    const [one, other] = await Promise.all(said);
    expect(one).toEqual(other);
  }
  await eventually(() => expect(bob.seqs).toEqual(upTo(20)));
  expect((await bob.chat.history("~")).messages.map(({ text }) => Number(text))).toEqual(upTo(20));
});

test("a read mark of one device moves the other's", async () => {
  const phone = join(at(first), { key: "secret" });
  const laptop = join(at(second), { key: "secret" });
  const bob = join(at(first), { name: "bob" });
  await Promise.all([phone, laptop].map(({ chat }) => chat.joined()));
  const marks: unknown[] = [];
  laptop.chat.on("read", (mark) => marks.push(mark));
  for (const n of upTo(3)) await bob.chat.publish("@ana", `${n}`);
  expect(await phone.chat.markRead("@bob", 2)).toEqual({ conv: "@bob", read: 2, unread: 1 });
  await eventually(() => expect(marks).toEqual([{ conv: "@bob", read: 2, unread: 1 }]));
  expect(await phone.chat.markRead("@bob", 1)).toEqual({ conv: "@bob", read: 2, unread: 1 });
});

test("a held name is refused until it is free", async () => {
  const ana = join(at(first));
  await ana.chat.joined();
  const timing = { nameWithinMs: 0 };
  const thief = join(at(second), { timing });
  await expect(thief.chat.joined()).rejects.toMatchObject({ code: "name_taken" });
  const classic = await ClassicClient.connect(first.port, "carl");
  const carl = join(at(second), { name: "carl", timing });
  await expect(carl.chat.joined()).rejects.toMatchObject({ code: "name_taken" });
  classic.vanish();
  await ana.chat.close();
  await eventually(() => join(at(second)).chat.joined());
  await eventually(() => join(at(first), { name: "carl" }).chat.joined());
  const nobody = join(at(first), { name: "#" });
  await expect(nobody.chat.joined()).rejects.toMatchObject({ code: "bad_name" });
  const hidden = join(at(first), { name: "ana\u200d" });
  await expect(hidden.chat.joined()).rejects.toMatchObject({ code: "bad_name" });
  const spelt = join(at(first), { name: "Jose\u0301 \u2b50\ufe0f 1\ufe0f\u20e3" });
  await spelt.chat.joined();
  expect(spelt.chat.name).toBe("José \u2b50 1\ufe0f\u20e3");
});

test("a client whose name was taken (4409) does not reconnect by itself", async () => {
  const lease = { LEASE_MS: 2_000, BEAT_MS: 100, ELECTION_MS: 100, REDIS_COMMAND_TIMEOUT_MS: 500 };
  const prefix = { REDIS_PREFIX: "kicked", REDIS_URL: redis.url };
  const frozen = await nodeProcess({ ...lease, ...prefix });
  const healthy = await nodeProcess({ ...lease, ...prefix });
  try {
    const ana = join(at(frozen, healthy));
    await ana.chat.joined();
    frozen.child.kill("SIGSTOP");
    const other = await eventually(async () => {
      const { chat } = join(at(healthy));
      await chat.joined();
      return chat;
    }, 10_000);
    frozen.child.kill("SIGCONT");
    await eventually(() => expect(ana.chat.state.name).toBe("closed"));
    expect(ana.chat.state).toMatchObject({ code: 4409, error: { code: "closed" } });
    expect(other.state.name).toBe("open");
  } finally {
    frozen.child.kill("SIGCONT");
    await Promise.all([frozen, healthy].map((each) => each.close("SIGKILL")));
  }
});

test("others see a status, and the conversation's users see typing", async () => {
  const ana = join(at(first));
  const bob = join(at(second), { name: "bob" });
  const eva = join(at(second), { name: "eva" });
  await Promise.all([ana, bob, eva].map(({ chat }) => chat.joined()));
  await ana.chat.setStatus("busy");
  expect(await bob.chat.user("ana")).toBe("busy");
  const typing: Record<string, Typing[]> = { bob: [], eva: [] };
  bob.chat.on("typing", (event) => typing["bob"]!.push(event));
  eva.chat.on("typing", (event) => typing["eva"]!.push(event));
  ana.chat.typing("@bob");
  ana.chat.typing("~");
  const general = { conv: "~", from: "ana" };
  await eventually(() => expect(typing["eva"]).toEqual([general]));
  await eventually(() => expect(typing["bob"]?.length).toBe(2));
  expect(typing["bob"]).toContainEqual({ conv: "@ana", from: "ana" });
});

test("a signal aborts a call, joined() or the client", async () => {
  const life = new AbortController();
  const ana = join(at(first), { signal: life.signal });
  await ana.chat.joined();
  const late = AbortSignal.abort(new Error("too late"));
  await expect(ana.chat.publish("~", "never", { signal: late })).rejects.toThrow("too late");
  await expect(ana.chat.history("~", { signal: late })).rejects.toThrow("too late");
  await expect(ana.chat.joined({ signal: late })).rejects.toThrow("too late");
  await first.close();
  const control = new AbortController();
  const waiting = [
    ana.chat.publish("~", "never", { signal: control.signal }),
    ana.chat.user("bob", { signal: control.signal }),
    ana.chat.joined({ signal: control.signal }),
  ];
  expect(ana.chat.state.name).not.toBe("open");
  control.abort(new Error("enough"));
  for (const each of waiting) await expect(each).rejects.toThrow("enough");
  expect(ana.chat.pending).toBe(0);
  life.abort();
  expect(ana.chat.state).toEqual({ name: "closed", code: 1000, reason: "aborted" });
});

test("classic clients and SDK clients are in one chat, in one order", async () => {
  const carl = await ClassicClient.connect(first.port, "carl");
  const ana = join(at(second));
  await ana.chat.joined();
  await carl.hears(53, L("ana"), 1);
  carl.says(4, L("~"), L("from bytes"));
  await carl.hears(55, L("carl"), L("from bytes"));
  await ana.chat.publish("~", "from JSON");
  await carl.hears(55, L("ana"), L("from JSON"));
  await ana.chat.publish("@carl", "x".repeat(300));
  await carl.hears(55, L("ana"), L(`${"x".repeat(252)}…`));
  carl.says(4, L("ana"), L(Buffer.from([0xff, 0x41])));
  await eventually(() => expect(ana.messages.length).toBe(4));
  // in order within each conversation
  const heard = (conv: string): string[] =>
    ana.messages
      .filter((each) => each.conv === conv)
      .map(({ from, text }) => `${from}: ${text.slice(0, 10)}`);
  expect(heard("~")).toEqual(["carl: from bytes", "ana: from JSON"]);
  expect(heard("@carl")).toEqual([`ana: ${"x".repeat(10)}`, "carl: \uFFFDA"]);
  await carl.close();
});
