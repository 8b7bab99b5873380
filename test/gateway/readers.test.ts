import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { Proxy } from "#verifier/proxy.js";
import { node } from "../support/nodes.js";
import { upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.close());

/** Connects, and reads nothing after the 101. */
async function deafClient(port: number, name: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // it will be cut
  socket.write(upgradeRequest(`/?name=${name}`));
  await new Promise((resolve) => socket.once("data", resolve));
  socket.pause();
  return socket;
}

const large = { CLASSIC_REPLY_MAX_BYTES: 65_536, REQUESTS_PER_SECOND: 100_000 };

/** A history of 64 KB, which the deaf one asks for again and again. */
async function askWithoutReading(ana: ClassicClient, deaf: Socket): Promise<void> {
  for (let i = 0; i < 255; i++) ana.says(4, L("~"), L("x".repeat(255)));
  await ana.settles();
  const request = Buffer.from([0x82, 0x83, 0, 0, 0, 0, 5, 1, 0x7e]); // masked with zeros: [5] L(~)
  for (let i = 0; i < 300; i++) deaf.write(request);
}

test("a slow reader is cut by bytes, and the others miss nothing", async () => {
  const gateway = await node(redis.url, { ...large, QUEUE_MAX_BYTES: 200_000 });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const bob = await ClassicClient.connect(gateway.port, "bob");
  const deaf = await deafClient(gateway.port, "deaf");
  await bob.awaits(53, L("deaf"), 1);
  await askWithoutReading(ana, deaf);
  for (let i = 0; i < 255; i++) await bob.awaits(55, L("ana"), L("x".repeat(255)));
  let sent = 0;
  while (!bob.heard.some((each) => each[0] === 54 && each.at(-1) === 0) && sent < 5_000) {
    ana.says(4, L("~"), L(`${sent++}`));
    await ana.settles();
  }
  for (let i = 0; i < sent; i++) await bob.awaits(55, L("ana"), L(`${i}`));
  const messages = bob.heard.filter((each) => each[0] === 55);
  expect(messages).toHaveLength(255 + sent);
  expect(gateway.log.find(({ msg }) => msg === "slow reader was cut")).toMatchObject({
    why: "overfull",
  });
  deaf.destroy();
  ana.vanish();
  bob.vanish();
  await gateway.close();
});

test("a reader that takes nothing for too long is cut by time", async () => {
  const limits = { QUEUE_STALL_MS: 1_000, QUEUE_MAX_BYTES: 268_435_456, REDIS_PREFIX: "stall" };
  const gateway = await node(redis.url, { ...large, ...limits });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const deaf = await deafClient(gateway.port, "deaf");
  await ana.hears(53, L("deaf"), 1);
  await askWithoutReading(ana, deaf);
  await ana.awaits(54, L("deaf"), 0);
  expect(gateway.log.find(({ msg }) => msg === "slow reader was cut")).toMatchObject({
    why: "stalled",
  });
  deaf.destroy();
  ana.vanish();
  await gateway.close();
});

test("backpressure: a client that sends faster than it is served has to wait, and loses nothing [abuse:bytes-too-fast]", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "flood" });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 600; i++) ana.says(4, L("~"), L(`${i}`));
  for (let i = 0; i < 600; i++) await ana.hears(55, L("ana"), L(`${i}`));
  ana.vanish();
  await gateway.close();
});

test("a frame that is too large closes its own connection only, with 1009 [abuse:bytes-frame-large]", async () => {
  const gateway = await node(redis.url, { MAX_FRAME_BYTES: 1_024, REDIS_PREFIX: "large" });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const bob = await ClassicClient.connect(gateway.port, "bob");
  await ana.hears(53, L("bob"), 1);
  const closed = bob.closed();
  bob.webSocket.send(Buffer.alloc(2_000));
  expect(await closed).toBe(1009);
  await ana.hears(54, L("bob"), 0);
  await ana.hearsNothing();
  ana.vanish();
  await gateway.close();
});

test("a request line that is too long is answered, and the connection is closed [abuse:request-line-long]", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "long" });
  const socket = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.write(`GET /${"x".repeat(9_000)}`);
  const answer = await new Promise<string>((resolve) => {
    socket.once("data", (chunk) => resolve(chunk.toString()));
  });
  expect(answer).toMatch(/^HTTP\/1.1 414 /);
  socket.on("error", () => {}); // writing to it is an error by then
  await eventually(() => {
    socket.write("x");
    if (!socket.destroyed) throw new Error("the other end is still there");
  });
  await gateway.close();
});

test("a handshake that cannot succeed claims no name [abuse:handshake-none]", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "handshake" });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const good =
    "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
  const key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
  for (const [status, head] of [
    [200, "Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"], // asks whether the name is free
    [400, good],
    [400, `${good}Sec-WebSocket-Key: short\r\n`],
    [400, `${good}${key}Sec-WebSocket-Protocol: a b\r\n`],
    [400, `${good}${key}Sec-WebSocket-Protocol: a, a\r\n`],
  ] as const) {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write(`GET /?name=nobody HTTP/1.1\r\n${head}\r\n`);
    const answer = await new Promise<string>((resolve) => {
      socket.once("data", (chunk) => resolve(chunk.toString()));
    });
    expect(answer.split(" ", 2)).toEqual(["HTTP/1.1", `${status}`]);
    socket.destroy();
  }
  await ana.hearsNothing();
  ana.vanish();
  await gateway.close();
});

test("empty entries in the list of subprotocols are ignored", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "lists" });
  for (const [list, echo] of [
    ["", undefined],
    [" , ", undefined],
    ["chat,", "chat"],
    ["ws-protocol,,chat", "ws-protocol"],
  ] as const) {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write(upgradeRequest("/?name=ana", `Sec-WebSocket-Protocol: ${list}\r\n`));
    const answer = await new Promise<string>((resolve) => {
      socket.once("data", (chunk) => resolve(chunk.toString()));
    });
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    expect(/^Sec-WebSocket-Protocol: (.*)$/m.exec(answer)?.[1]?.trim()).toBe(echo);
    socket.destroy();
    await eventually(async () => {
      expect((await fetch(`http://127.0.0.1:${gateway.port}/?name=ana`)).status).toBe(200);
    });
  }
  await gateway.close();
});

test("connections beyond the limit are refused until others end [abuse:connections-too-many]", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "limit", MAX_CONNECTIONS: 2 });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const bob = await ClassicClient.connect(gateway.port, "bob");
  await expect(ClassicClient.connect(gateway.port, "eva")).rejects.toThrow(/503/);
  bob.vanish();
  const eva = await eventually(() => ClassicClient.connect(gateway.port, "eva"));
  await ana.awaits(53, L("eva"), 1);
  for (const each of [ana, eva]) each.vanish();
  await gateway.close();
});

test("garbage on the port is answered or dropped, and the gateway goes on", async () => {
  const gateway = await node(redis.url, { REDIS_PREFIX: "garbage" });
  const ana = await ClassicClient.connect(gateway.port, "ana");
  const garbage = [
    Buffer.from("\r\n\r\n"),
    Buffer.from("GET\r\n\r\n"),
    Buffer.from("HELLO world\r\n\r\n"),
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x0d, 0x0a, 0x0d, 0x0a]),
    Buffer.from(`GET /${"x".repeat(9_000)} HTTP/1.1\r\n\r\n`),
    Buffer.from(
      "GET //?name=%E0%A4%A HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    ),
    Buffer.from("POST /?name=x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"),
  ];
  for (const bytes of garbage) {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => {}); // a reset is an answer too
    socket.end(bytes);
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
  }
  // frames that break RFC 6455: unmasked, reserved bits, a fragment of nothing
  for (const bytes of [
    [0x82, 0x01, 0x01],
    [0xf2, 0x80, 0, 0, 0, 0],
    [0x80, 0x80, 0, 0, 0, 0],
    [0x8f, 0x80, 0, 0, 0, 0],
  ]) {
    const socket = await deafClient(gateway.port, `guest-${bytes.join("-")}`);
    socket.resume();
    socket.write(Buffer.from(bytes));
    await new Promise((resolve) => socket.once("close", resolve));
  }
  ana.says(4, L("~"), L("alive"));
  await ana.awaits(55, L("ana"), L("alive"));
  ana.vanish();
  await gateway.close();
});

test("corked bytes count against a slow reader's limit", async () => {
  const lease = { LEASE_MS: 800, BEAT_MS: 100, ELECTION_MS: 100, REDIS_COMMAND_TIMEOUT_MS: 500 };
  const own = { ...lease, REDIS_PREFIX: "held", CLASSIC_REPLY_MAX_BYTES: 1_024 };
  const proxy = await Proxy.to(redis.port);
  const deaf = await node(proxy.url, { ...own, QUEUE_MAX_BYTES: 20_000 });
  const healthy = await node(redis.url, own);
  const ana = await ClassicClient.connect(deaf.port, "ana");
  const bob = await ClassicClient.connect(healthy.port, "bob");
  // a node that hears and cannot renew holds back what it hears, until it knows whose the names are
  proxy.set("blackhole", "duty");
  await bob.awaits(54, L("ana"), 0);
  for (let i = 0; i < 200; i++) bob.says(4, L("~"), L("x".repeat(255)));
  await eventually(() => {
    const why = deaf.log.find(({ msg }) => msg === "slow reader was cut");
    expect(why).toMatchObject({ why: "overfull" });
  });
  ana.vanish();
  bob.vanish();
  proxy.set("pass");
  await Promise.all([deaf.close(), healthy.close()]);
  await proxy.close();
});
