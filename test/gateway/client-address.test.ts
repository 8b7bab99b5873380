/** Who a client is behind proxies: what trusted ones tell is taken, what anybody else tells is not. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { proxyV2 } from "../support/proxy-header.js";
import { upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** The proxy is here, and another one, that it hears of, is there. A stranger is neither. */
const PROXY = "127.0.0.1";
const STRANGER = "127.0.0.2";
const TRUSTED_PROXIES = `${PROXY}, 203.0.113.0/24, 2001:db8:1::/48`;

let redis: TestRedis;
let gateway: Awaited<ReturnType<typeof node>>;
let names = 0;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url, { TRUSTED_PROXIES, CLASSIC_ADDRESSES: "shown" });
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

interface Start {
  readonly from?: string;
  /** Before the request. */
  readonly header?: string | Buffer;
  /** Lines of the request; undefined: nothing follows. */
  readonly lines?: string | undefined;
  readonly isSlow?: boolean;
}

/** Connects and says all that; resolves with what was answered, once that is over or a WebSocket is open. */
async function answerTo(start: Start, name: string): Promise<string> {
  const { from = PROXY, header = "", isSlow } = start;
  const isWhole = !("lines" in start) || start.lines !== undefined;
  const socket = connect({ port: gateway.port, host: "127.0.0.1", localAddress: from });
  onTestFinished(() => void socket.destroy());
  let heard = "";
  const answered = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
      if (heard.includes("\r\n\r\n")) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
  });
  const bytes = Buffer.concat([
    Buffer.from(header),
    Buffer.from(isWhole ? upgradeRequest(`/?name=${name}`, start.lines) : ""),
  ]);
  if (isSlow === true) await writeByteByByte(socket, bytes);
  else socket.write(bytes);
  await answered;
  return heard.slice(0, heard.indexOf("\r\n"));
}

/** Each byte is a segment of its own. */
async function writeByteByByte(socket: Socket, bytes: Buffer): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of bytes) {
    await new Promise((resolve) => socket.write(Buffer.from([byte]), resolve));
  }
}

/** The address by which the gateway knows a client that connects so. */
async function addressSeen(start: Start): Promise<unknown> {
  const name = `user-${++names}`;
  expect(await answerTo(start, name)).toBe("HTTP/1.1 101 Switching Protocols");
  const line = await eventually(() => {
    const found = gateway.log.find(({ event, user }) => event === "connected" && user === name);
    expect(found).toBeDefined();
    return found!;
  });
  return line["address"];
}

const LINE = "PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n";
const V4 = proxyV2(0x21, 0x11, [192, 0, 2, 7, 198, 51, 100, 1, 220, 4, 1, 187]);
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 9];

test.each<[string, Start, string]>([
  ["nobody says anything", {}, PROXY],
  ["the PROXY protocol, version 1", { header: LINE }, "192.0.2.7"],
  ["version 1, IPv6", { header: "PROXY TCP6 2001:DB8::0:7 ::1 1 2\r\n" }, "2001:db8::7"],
  ["version 1, byte by byte", { header: LINE, isSlow: true }, "192.0.2.7"],
  ["version 1, UNKNOWN", { header: "PROXY UNKNOWN\r\n" }, PROXY],
  ["version 2", { header: V4 }, "192.0.2.7"],
  ["version 2, byte by byte", { header: V4, isSlow: true }, "192.0.2.7"],
  ["version 2, LOCAL", { header: proxyV2(0x20, 0, []) }, PROXY],
  [
    "IPv4 written as IPv6",
    { header: proxyV2(0x21, 0x21, [...MAPPED, ...MAPPED, 1, 2, 3, 4]) },
    "192.0.2.9",
  ],
  ["X-Forwarded-For", { lines: "X-Forwarded-For: 192.0.2.7\r\n" }, "192.0.2.7"],
  [
    "two headers",
    { lines: "X-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 192.0.2.7\r\n" },
    "192.0.2.7",
  ],
  ["with a port", { lines: "X-Forwarded-For: 192.0.2.7:4711\r\n" }, "192.0.2.7"],
  ["IPv6 with a port", { lines: "X-Forwarded-For: [2001:DB8::7]:4711\r\n" }, "2001:db8::7"],
  [
    "the rightmost that is no proxy",
    { lines: "X-Forwarded-For: 1.1.1.1, 192.0.2.7,203.0.113.9 , 2001:db8:1::5\r\n" },
    "192.0.2.7",
  ],
  [
    "all of them are proxies",
    { lines: "X-Forwarded-For: 203.0.113.9, 203.0.113.8\r\n" },
    "203.0.113.9",
  ],
  [
    "a word is no address",
    { lines: "X-Forwarded-For: 192.0.2.7, unknown, 203.0.113.8\r\n" },
    "203.0.113.8",
  ],
  ["an empty header", { lines: "X-Forwarded-For: \r\n" }, PROXY],
  // what the client has written behind the header of its proxy
  ["both", { header: LINE, lines: "X-Forwarded-For: 1.1.1.1\r\n" }, "192.0.2.7"],
  [
    "a proxy that tells no address, and a client that does",
    { header: "PROXY UNKNOWN\r\n", lines: "X-Forwarded-For: 1.1.1.1\r\n" },
    PROXY,
  ],
  [
    "a client with the address of a proxy",
    {
      header: "PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n",
      lines: "X-Forwarded-For: 1.1.1.1\r\n",
    },
    "203.0.113.9",
  ],
])("a trusted proxy, %s", async (_, start, address) => {
  expect(await addressSeen(start)).toBe(address);
});

test.each<[string, string]>([
  ["X-Forwarded-For", "X-Forwarded-For: 192.0.2.7\r\n"],
  ["the address of a proxy", "X-Forwarded-For: 127.0.0.1\r\n"],
  [
    "all that others use",
    "X-Real-IP: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\nTrue-Client-IP: 1.1.1.1\r\n",
  ],
])("a stranger who forges %s changes nothing", async (_, lines) => {
  expect(await addressSeen({ from: STRANGER, lines })).toBe(STRANGER);
});

test.each<[string, Start]>([
  ["a header, version 1, by a stranger", { from: STRANGER, header: LINE }],
  ["a header, version 2, by a stranger", { from: STRANGER, header: V4 }],
  [
    "a header that ends as a request line does, by a stranger",
    { from: STRANGER, header: "PROXY TCP4 192.0.2.7 198.51.100.1 1 2 HTTP/1.1\r\n" },
  ],
  ["a second header, by the client of a proxy", { header: `${LINE}${LINE}` }],
  ["a second header, version 2", { header: Buffer.concat([V4, V4]) }],
])("%s is no request line [abuse:proxy-header-forged]", async (_, start) => {
  expect(await answerTo(start, "forged")).toBe("HTTP/1.1 400 Bad Request");
});

test.each([
  ["a malformed line", "PROXY TCP4 192.0.2.7 198.51.100.1 1\r\n"],
  ["a line without an end", `PROXY UNKNOWN ${"x".repeat(200)}`],
  ["a malformed binary header", proxyV2(0x2f, 0x11, [])],
  ["half a header, then nothing", LINE.slice(0, 20)],
])(
  "a proxy that sends %s is cut without an answer [abuse:proxy-header-malformed]",
  async (_, header) => {
    expect(await answerTo({ header, lines: undefined }, "malformed")).toBe("");
  },
);

test("a session has its client's address from its first moment: classic clients ask for it", async () => {
  const name = `user-${++names}`;
  await answerTo({ header: LINE }, name);
  const ana = await ClassicClient.connect(gateway.port, "ana");
  ana.says(2, L(name));
  await ana.awaits(52, L(name), 1, L("192.0.2.7"));
  await ana.close();
});

test("without TRUSTED_PROXIES nobody is believed", async () => {
  const trusting = gateway;
  gateway = await node(redis.url, { CLASSIC_ADDRESSES: "shown" });
  onTestFinished(async () => {
    await gateway.close();
    gateway = trusting;
  });
  for (let i = 0; i < 2; i++) {
    expect(await addressSeen({ lines: "X-Forwarded-For: 192.0.2.7\r\n" })).toBe("127.0.0.1");
  }
  // an operator reads it once
  const said = gateway.log.filter(({ event }) => event === "proxy_not_trusted");
  expect(said).toMatchObject([{ address: "127.0.0.1", level: 40 }]);
  expect(await answerTo({ header: LINE }, "forged")).toBe("HTTP/1.1 400 Bad Request");
  expect(await answerTo({ header: V4 }, "forged")).toBe("HTTP/1.1 400 Bad Request");
});

test.each(["10.1.2.3", "172.31.0.1", "192.168.7.7", "fd00::7", "127.0.0.9"])(
  "`private` names networks that are nobody's: %s",
  async (address) => {
    const trusting = gateway;
    gateway = await node(redis.url, { TRUSTED_PROXIES: "private" });
    onTestFinished(async () => {
      await gateway.close();
      gateway = trusting;
    });
    const lines = `X-Forwarded-For: 192.0.2.7, ${address}\r\n`;
    expect(await addressSeen({ lines })).toBe("192.0.2.7");
    expect(await addressSeen({ lines: `X-Forwarded-For: 1.1.1.1, 11.1.2.3, ${address}\r\n` })).toBe(
      "11.1.2.3",
    );
  },
);
