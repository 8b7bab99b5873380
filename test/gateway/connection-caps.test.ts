/** How many connections a node takes in, and what the others are told. PROTOCOL.md, connecting. */
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { ClassicClient } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { JsonClient } from "../support/json-client.js";
import { node } from "../support/nodes.js";
import { dialled, heardUntilEnd, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type Gateway = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
let count = 0;
const gateways: Gateway[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  for (const gateway of gateways.splice(0)) await gateway.close();
});
afterAll(() => redis?.close());

async function gatewayWith(environment: Record<string, string | number>): Promise<Gateway> {
  const gateway = await node(redis.url, { REDIS_PREFIX: `caps${count++}`, ...environment });
  gateways.push(gateway);
  return gateway;
}

/** An upgrade: its connection, once the first line of the answer is there. */
async function asks(
  { port }: Gateway,
  target: string,
  more = "",
): Promise<{ socket: Socket; first: string }> {
  const socket = await dialled(port, upgradeRequest(target, more));
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return { socket, first: bytes.toString().split("\r\n")[0]! };
}

async function answerTo({ port }: Gateway, said: string): Promise<string> {
  return (await heardUntilEnd(await dialled(port, said))).toString();
}

const HEALTH = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";

test("a full node says so, and still tells balancers how it is [abuse:connections-too-many]", async () => {
  const gateway = await gatewayWith({ MAX_CONNECTIONS: 1 });
  const ana = await JsonClient.hello(gateway.port, "ana");
  const answer = await answerTo(gateway, upgradeRequest("/?name=bob"));
  expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: 5\r\n[^]*full/);
  expect(await answerTo(gateway, HEALTH)).toMatch(/^HTTP\/1\.1 200 /);
  ana.webSocket.terminate();
  await eventually(async () => {
    const { socket, first } = await asks(gateway, "/?name=bob");
    socket.destroy();
    expect(first).toMatch(/ 101 /);
  });
});

test("an address has so many connections, and those of others do not count [abuse:connections-of-address]", async () => {
  const gateway = await gatewayWith({
    MAX_CONNECTIONS_PER_ADDRESS: 2,
    TRUSTED_PROXIES: "loopback",
  });
  const from = (address: string): string => `X-Forwarded-For: ${address}\r\n`;
  const first = async (target: string, address: string): Promise<string> =>
    (await asks(gateway, target, from(address))).first;
  const { socket } = await asks(gateway, "/?name=a1", from("2001:db8::1"));
  expect(await first("/ws", "2001:db8::2")).toMatch(/ 101 /);
  expect(await first("/?name=a3", "2001:db8::3")).toMatch(/ 429 /);
  expect(await first("/ws", "2001:db8::3")).toMatch(/ 429 /);
  expect(await first("/?name=a4", "2001:db8:0:1::1")).toMatch(/ 101 /);
  expect(await first("/?name=a5", "192.0.2.1")).toMatch(/ 101 /);
  socket.destroy();
  await eventually(async () => expect(await first("/?name=a6", "2001:db8::3")).toMatch(/ 101 /));
});

test("a refused upgrade leaves nothing counted", async () => {
  const gateway = await gatewayWith({ MAX_CONNECTIONS_PER_ADDRESS: 1 });
  for (let i = 0; i < 5; i++)
    expect(await answerTo(gateway, upgradeRequest("/?name=~"))).toMatch(/ 400 /);
  await ClassicClient.connect(gateway.port, "ana");
  for (let i = 0; i < 5; i++)
    expect(await answerTo(gateway, upgradeRequest("/?name=bob"))).toMatch(/ 429 /);
});

test("by default, a private address may be a balancer's: any number may come from it", async () => {
  const gateway = await gatewayWith({ HANDSHAKES_PER_SECOND: 100_000 });
  const sockets: Socket[] = [];
  for (let i = 0; i < 1_050; i += 50) {
    const batch = await Promise.all(Array.from({ length: 50 }, () => asks(gateway, "/ws")));
    for (const { socket, first } of batch) {
      sockets.push(socket);
      expect(first).toMatch(/ 101 /);
    }
  }
  for (const socket of sockets) socket.destroy();
});

test("while many have said no name, more of them are refused; those with a name neither count nor are refused [abuse:connections-unnamed]", async () => {
  const gateway = await gatewayWith({ MAX_UNNAMED_CONNECTIONS: 2 });
  for (const name of ["ana", "bob", "cyd"]) await ClassicClient.connect(gateway.port, name);
  const { socket } = await asks(gateway, "/ws");
  await asks(gateway, "/", "Sec-WebSocket-Protocol: ws-protocol\r\n");
  expect((await asks(gateway, "/?name=dan")).first).toMatch(/ 101 /);
  // in JSON a name in the request is claimed later, and perhaps in vain
  for (const target of ["/ws", "/ws?name=eve"]) {
    const answer = await answerTo(gateway, upgradeRequest(target));
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*\r\nretry-after: 5\r\n/);
  }
  socket.destroy();
  await eventually(async () => expect((await asks(gateway, "/ws")).first).toMatch(/ 101 /));
});

test("of those that never speak, the oldest are cut, and who speaks gets in [abuse:connections-silent]", async () => {
  const gateway = await gatewayWith({ MAX_UNNAMED_CONNECTIONS: 10 });
  const cut: number[] = [];
  for (let i = 0; i < 30; i++) {
    const socket = await dialled(gateway.port, "GET /?na");
    socket.on("close", () => cut.push(i)).resume();
  }
  // in whatever order their ends arrive
  const inOrder = (): number[] => cut.toSorted((a, b) => a - b);
  await eventually(() => expect(inOrder()).toEqual(Array.from({ length: 20 }, (_, i) => i)));
  expect((await asks(gateway, "/?name=ana")).first).toMatch(/ 101 /);
});

test("in a storm each waits for its turn, too many are refused, and those who are there are served [abuse:connections-fast]", async () => {
  const gateway = await gatewayWith({ HANDSHAKES_PER_SECOND: 1, MAX_UNNAMED_CONNECTIONS: 1_000 });
  const ana = await JsonClient.hello(gateway.port, "ana");
  const storm = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => (await asks(gateway, `/?name=s${i}`)).first),
  );
  const refused = storm.filter((first) => / 503 /.test(first)).length;
  expect(storm.filter((first) => / 101 /.test(first))).toHaveLength(200 - refused);
  expect(refused).toBeGreaterThan(100); // five may wait; some are let in meanwhile
  expect(refused).toBeLessThan(200);
  expect(await ana.asks({ type: "ping" })).toMatchObject({ type: "pong" });
  expect(await answerTo(gateway, HEALTH)).toMatch(/^HTTP\/1\.1 200 /);
});
