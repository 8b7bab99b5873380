import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { ClassicClient, L, frame } from "../support/classic-client.js";
import { node } from "../support/nodes.js";
import { upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { samplesOf } from "../support/samples.js";

let redis: TestRedis;
let nodes: Awaited<ReturnType<typeof node>>[];
const clients: ClassicClient[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());
beforeEach(async () => {
  await redis.client.flushall();
  nodes = await Promise.all([1, 2, 3].map(() => node(redis.url, { PRIVATE_HISTORY: "name" })));
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.vanish();
  await Promise.all(nodes.map((each) => each.close()));
});

async function join(name: string, at: number, subprotocol?: string): Promise<ClassicClient> {
  const client = await ClassicClient.connect(nodes[at]!.port, name, subprotocol);
  clients.push(client);
  if (name !== "") await client.settles();
  return client;
}

test("a general message reaches everybody on every gateway, the sender too, once", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  const eva = await join("eva", 2, "ws-protocol");
  bob.says(4, L("~"), L("elo"));
  await ana.awaits(55, L("bob"), L("elo"));
  await bob.awaits(55, L("bob"), L("elo"));
  await eva.awaits(55, 8, L("bob"), L("elo"));
  for (const client of [ana, bob, eva]) await client.hearsNothing();
});

test("a private message reaches its two people and nobody else", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  const eva = await join("eva", 2);
  await ana.awaits(53, L("eva"), 1);
  await bob.awaits(53, L("eva"), 1);
  ana.says(4, L("bob"), L("psst"));
  await bob.hears(55, L("ana"), L("psst"));
  await ana.hears(55, L("ana"), L("psst"));
  await eva.hearsNothing();
});

test("a message to oneself arrives once", async () => {
  const ana = await join("ana", 0);
  ana.says(4, L("ana"), L("note"));
  await ana.hears(55, L("ana"), L("note"));
  await ana.hearsNothing();
});

test("everybody else hears 53 of a new user, 54 of one who is back, and 54 of one who vanished", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  await bob.hearsNothing();
  bob.vanish();
  await ana.hears(54, L("bob"), 0);
  const again = await join("bob", 2);
  await ana.hears(54, L("bob"), 1);
  await again.hearsNothing();
});

test("the list has the connected first, then those who left; trailing bytes do not matter", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  const eva = await join("eva", 2);
  await ana.awaits(53, L("eva"), 1);
  await bob.close();
  await ana.awaits(54, L("bob"), 0);
  ana.says(1);
  await ana.hears(51, 3, L("ana"), 1, L("eva"), 1, L("bob"), 0);
  ana.says(1, 0);
  await ana.hears(51, 3, L("ana"), 1, L("eva"), 1, L("bob"), 0);
  await eva.awaits(54, L("bob"), 0);
});

test("op 2 tells one user's status, connected or not; an unknown user is error 1", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  ana.says(2, L("bob"));
  await ana.hears(52, L("bob"), 1);
  await bob.close();
  await ana.hears(54, L("bob"), 0);
  ana.says(2, L("bob"));
  await ana.hears(52, L("bob"), 0);
  ana.says(2, L("max"));
  await ana.hears(50, 1);
});

test("a status is announced to all, the sender included; the same status again is confirmed to the sender", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  bob.says(3, L("bob"), 2);
  await bob.hears(54, L("bob"), 2);
  await ana.hears(54, L("bob"), 2);
  bob.says(3, L("bob"), 2);
  await bob.hears(54, L("bob"), 2);
  bob.says(3, 1);
  await bob.hears(54, L("bob"), 1);
  await ana.hears(54, L("bob"), 1);
  await ana.hearsNothing();
});

test("a status of somebody else, or above 3, is an error and changes nothing", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  ana.says(3, L("bob"), 2);
  await ana.hears(50, 7);
  ana.says(3, L("ana"), 4);
  await ana.hears(50, 2);
  ana.says(2, L("bob"));
  await ana.hears(52, L("bob"), 1);
  await bob.hearsNothing();
});

test("status 0 signs out: everybody hears it, then the connection closes normally and the name is free", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  const closed = bob.closed();
  bob.says(3, L("bob"), 0);
  await bob.hears(54, L("bob"), 0);
  expect(await closed).toBe(1000);
  await ana.hears(54, L("bob"), 0);
  await join("bob", 2);
  await ana.hears(54, L("bob"), 1);
});

test("a message to nobody is error 1, an empty one 3, to one who left 4, and nothing is stored", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  await bob.close();
  await ana.hears(54, L("bob"), 0);
  ana.says(4, L("max"), L("hi"));
  await ana.hears(50, 1);
  ana.says(4, L("~"), L(""));
  await ana.hears(50, 3);
  ana.says(4, L("bob"), L("hi"));
  await ana.hears(50, 4);
  ana.says(5, L("bob"));
  await ana.hears(56, 0);
});

test("nobody is looked up for a message to a user who is known to be connected", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  const lookups = async (): Promise<number> => {
    const samples = await samplesOf(nodes[0]!.counters, "redis_call_seconds");
    const count = samples.find(({ metricName = "", labels }) => {
      return metricName.endsWith("_count") && labels["function"] === "lookup";
    });
    return count?.value ?? 0;
  };
  ana.says(4, L("bob"), L("elo"));
  await ana.hears(55, L("ana"), L("elo"));
  await bob.hears(55, L("ana"), L("elo"));
  expect(await lookups()).toBe(0);
  await bob.close();
  await ana.hears(54, L("bob"), 0);
  ana.says(4, L("bob"), L("elo"));
  await ana.hears(50, 4);
  expect(await lookups()).toBe(1);
});

test("history is kept per conversation, oldest first, for both sides and after they left", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  for (const text of ["one", "two"]) {
    ana.says(4, L("bob"), L(text));
    await ana.awaits(55, L("ana"), L(text));
  }
  bob.says(4, L("ana"), L("three"));
  bob.says(4, L("~"), L("all"));
  await ana.awaits(55, L("bob"), L("all"));
  await ana.close();
  await bob.awaits(54, L("ana"), 0); // a close is answered after two seconds, signed out or not
  const again = await join("ana", 2);
  for (const [client, other] of [[again, "bob"] as const, [bob, "ana"] as const]) {
    client.says(5, L(other));
    await client.awaits(56, 3, L("ana"), L("one"), L("ana"), L("two"), L("bob"), L("three"));
    client.says(5, L("~"));
    await client.awaits(56, 1, L("bob"), L("all"));
    client.says(5, L("nobody"));
    await client.awaits(56, 0);
  }
});

test("frames of one connection take effect in the order in which they were sent", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  for (let i = 0; i < 300; i++) ana.says(4, i % 3 === 0 ? L("~") : L("bob"), L(`m${i}`));
  for (let i = 0; i < 300; i++) await bob.awaits(55, L("ana"), L(`m${i}`));
});

test("requests sent before a connection vanished are carried out, then the name is free", async () => {
  const ana = await join("ana", 0);
  const bob = await join("bob", 1);
  await ana.hears(53, L("bob"), 1);
  for (let i = 0; i < 20; i++) bob.says(4, L("~"), L(`m${i}`));
  void bob.close();
  for (let i = 0; i < 20; i++) await ana.hears(55, L("bob"), L(`m${i}`));
  await ana.hears(54, L("bob"), 0);
});

test("texts and names are bytes: 255 of them, NUL, invalid UTF-8, a character cut in half", async () => {
  const ana = await join("ana", 0);
  const zoe = await join("zoë", 1); // two bytes for the ë
  await ana.hears(53, L("zoë"), 1);
  const every = Buffer.from(Array.from({ length: 255 }, (_, i) => i));
  const halved = Buffer.from([0x68, 0x69, 0xf0, 0x9f]);
  for (const text of [every, halved, Buffer.from([0])]) {
    ana.says(4, L("zoë"), L(text));
    await zoe.hears(55, L("ana"), L(text));
    await ana.hears(55, L("ana"), L(text));
  }
  zoe.says(5, L("ana"));
  await zoe.hears(56, 3, L("ana"), L(every), L("ana"), L(halved), L("ana"), L(Buffer.from([0])));
});

test("a text frame with the same bytes, invalid UTF-8 included, is as good as a binary one", async () => {
  const ana = await join("ana", 0);
  const text = "x".repeat(200); // its length byte is no valid UTF-8
  ana.webSocket.send(frame(4, L("~"), L(text)), { binary: false });
  await ana.hears(55, L("ana"), L(text));
});

test("truncated, unknown and empty frames are ignored, and the connection lives", async () => {
  const ana = await join("ana", 0);
  for (const bad of [
    [],
    [0],
    [99, 1, 2],
    [2],
    [2, 9, 97],
    [3],
    [3, 3, 97],
    [4],
    [4, 1],
    [4, 1, 126],
    [4, 1, 126, 9, 97],
    [5],
    [5, 200],
    [10, 3],
  ]) {
    ana.webSocket.send(Buffer.from(bad));
  }
  ana.says(2, L("ana"));
  await ana.hears(52, L("ana"), 1);
});

test("a list and a history stay within the bytes that small clients can take, the newest kept", async () => {
  const small = await node(redis.url, { CLASSIC_REPLY_MAX_BYTES: 324 });
  try {
    const ana = await ClassicClient.connect(small.port, "ana");
    clients.push(ana);
    const text = (i: number): Uint8Array => L(`${i}`.repeat(100));
    for (const i of [1, 2, 3, 4, 5]) {
      ana.says(4, L("~"), text(i));
      await ana.hears(55, L("ana"), text(i));
    }
    ana.says(5, L("~"));
    await ana.hears(56, 3, ...[3, 4, 5].flatMap((i) => [L("ana"), text(i)]));
    await Promise.all(Array.from({ length: 30 }, (_, i) => join(`somebody-${i + 10}`, i % 3)));
    ana.says(1);
    let list = await ana.next();
    while (list[0] !== 51) list = await ana.next();
    expect(list.length).toBeLessThanOrEqual(324);
    expect(list[1]).toBe(25); // ana takes 5 bytes, the others 13 each
  } finally {
    await small.close();
  }
});

test("ws-protocol: subprotocol echoed, register frame answered, totals where its client reads them", async () => {
  const bob = await join("bob_2", 1);
  const alice = await join("alice", 0, "ws-protocol");
  expect(alice.webSocket.protocol).toBe("ws-protocol");
  await bob.hears(53, L("alice"), 1);
  alice.says(10, L("alice"));
  await alice.hears(53, L("alice"), 1);
  alice.says(1);
  await alice.hears(51, 15, 2, L("bob_2"), 1, L("alice"), 1);
  alice.says(4, 15, L("~"), L("hola general"));
  await alice.hears(55, 19, L("alice"), L("hola general"));
  await bob.hears(55, L("alice"), L("hola general"));
  alice.says(4, 15, L("bob_2"), L("hola bob"));
  await bob.hears(55, L("alice"), L("hola bob"));
  await alice.hears(55, 15, L("alice"), L("hola bob"));
  alice.says(5, L("~"));
  await alice.hears(56, 1, L("alice"), L("hola general"));
  alice.says(3, L("alice"), 2);
  await alice.hears(54, L("alice"), 2);
  alice.says(10, L("other"));
  await alice.hears(50, 1);
});

test("a ws-protocol connection without a name may register by frame; until then all is error 5", async () => {
  const ana = await join("ana", 0);
  const seed = await join("", 1, "ws-protocol");
  seed.says(1);
  await seed.hears(50, 5);
  seed.says(10, L("ana"));
  await seed.hears(50, 1);
  seed.says(10, L("~"));
  await seed.hears(50, 1);
  seed.says(10, L("max"));
  await seed.hears(53, L("max"), 1);
  await ana.hears(53, L("max"), 1);
  ana.says(4, L("~"), L("hi"));
  await seed.hears(55, 7, L("ana"), L("hi"));
});

test("an op 10 as the first frame of a plain connection switches it to ws-protocol", async () => {
  const ana = await ClassicClient.connect(nodes[0]!.port, "ana");
  clients.push(ana);
  ana.says(10, L("ana"));
  await ana.hears(53, L("ana"), 1);
  ana.says(1);
  await ana.hears(51, 6, 1, L("ana"), 1);
  const bob = await join("bob", 1);
  bob.says(1);
  await bob.next();
  bob.says(10, L("bob"));
  await bob.hearsNothing();
});

test("a name that is empty, reserved, malformed or held anywhere is refused with 400 and a reason", async () => {
  await join("ana", 0);
  for (const [target, reason] of [
    ["/?name=", "nobody can be called this"],
    ["/?name=~", "nobody can be called this"],
    ["/?name=%23room", "nobody can be called this"],
    ["/?name=@max", "nobody can be called this"],
    ["/?name=a%0Ab", "nobody can be called this"],
    [`/?name=${"x".repeat(65)}`, "nobody can be called this"],
    ["/", "connect with a name: ws://host:port?name=you"],
    ["/?name=ana", "this name is taken"],
  ] as const) {
    const answer = await raw(nodes[1]!.port, upgradeRequest(target));
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer.endsWith(`${reason}\n`)).toBe(true);
  }
});

test("targets without a slash, with raw UTF-8, a blank or broken escapes connect", async () => {
  const ana = await join("ana", 0);
  for (const [target, name] of [
    ["?name=max", "max"],
    ["/?name=josé", "josé"],
    ["?name=two words", "two words"],
    ["/chat?room=1&name=a+b", "a+b"],
    ["//?name=eva", "eva"],
    ["/?name=%F0%9F%98%80", "😀"],
    ["/?name=100%", "100%"],
  ] as const) {
    const answer = await raw(nodes[1]!.port, upgradeRequest(target));
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    await ana.awaits(53, L(name), 1);
  }
  await raw(nodes[1]!.port, upgradeRequest("/?name=%E0%A4%A"));
  await ana.awaits(53, L(Buffer.from([0xe0, 0xa4, 0x25, 0x41])), 1);
});

test("a plain GET tells whether a name is free, and claims nothing", async () => {
  await join("ana", 0);
  const probe = async (name: string): Promise<number> =>
    (await fetch(`http://127.0.0.1:${nodes[1]!.port}/?name=${name}`)).status;
  expect(await probe("max")).toBe(200);
  expect(await probe("max")).toBe(200);
  expect(await probe("ana")).toBe(400);
  expect(await probe("~")).toBe(400);
  expect(await probe("")).toBe(400);
  for (const target of ["?name=max", "//?name=max", "/chat?name=max"]) {
    const answer = await raw(nodes[1]!.port, `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  }
});

test("the 101 is small, and no frame follows it at once", async () => {
  const ana = await join("ana", 0);
  const chatter = setInterval(() => ana.says(4, L("~"), L("noise")), 1);
  const alone: number[] = [];
  try {
    for (let i = 0; i < 20; i++) {
      const socket = connect(nodes[1]!.port, "127.0.0.1");
      socket.write(upgradeRequest(`/?name=guest-${i}`));
      await new Promise((resolve) => socket.once("readable", resolve));
      await pause(8); // a reader that takes its time
      const first = socket.read() as Buffer;
      const head = first.indexOf("\r\n\r\n") + 4;
      expect(head).toBeLessThan(254);
      if (first.length === head) alone.push(i);
      socket.destroy();
    }
    // where the machine stands still for so long, both are read at once whatever the gateway does
    expect(alone.length).toBeGreaterThan(10);
  } finally {
    clearInterval(chatter);
  }
});

test("notices between the claim and the 101 are not missed", async () => {
  const ana = await join("ana", 0);
  for (let i = 0; i < 20; i++) {
    // ana writes as soon as she hears of the guest, on another gateway
    const greeted = ana
      .awaits(53, L(`guest-${i}`), 1)
      .then(() => ana.says(4, L(`guest-${i}`), L("hello")));
    const guest = await ClassicClient.connect(nodes[1 + (i % 2)]!.port, `guest-${i}`);
    clients.push(guest);
    await greeted;
    await guest.awaits(55, L("ana"), L("hello"));
  }
});

test("/healthz and /readyz need no name", async () => {
  const get = async (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${nodes[0]!.port}${path}`);
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/readyz")).status).toBe(200);
  expect((await get("/nothing")).status).toBe(404);
});

/** The first answer to a request of raw bytes; the connection ends with it. */
async function raw(port: number, request: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  let answer = "";
  socket.on("data", (chunk) => (answer += chunk.toString()));
  await new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("data", () => answer.startsWith("HTTP/1.1 101") && socket.destroy());
  });
  return answer;
}
