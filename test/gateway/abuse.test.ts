/**
 * What a client gets that breaks a rule: the tables named "abuse" of PROTOCOL.md. Over real sockets; those of JSON
 * are tried in abuse-json.test.ts, those of requests in abuse-connecting.test.ts.
 */
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Proxy } from "#verifier/proxy.js";
import { ClassicClient, L, frame, show, type Part } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { dialled, heardUntilEnd, upgradeRequest } from "../support/raw-socket.js";
import { startRedis, type TestRedis } from "../support/redis.js";

type Gateway = Awaited<ReturnType<typeof node>>;

let redis: TestRedis;
let gateway: Gateway;

beforeAll(async () => {
  redis = await startRedis();
  gateway = await node(redis.url);
});
afterAll(async () => {
  await gateway.close();
  await redis.close();
});

describe.each(["", "ws-protocol"])("bytes, subprotocol '%s'", (subprotocol) => {
  const name = (who: string): string => `${who}${subprotocol === "" ? 1 : 2}`;
  const [me, other, gone] = [L(name("me")), L(name("other")), L(name("gone"))];
  let client: ClassicClient;

  beforeAll(async () => {
    await ClassicClient.connect(gateway.port, name("other"), subprotocol);
    client = await ClassicClient.connect(gateway.port, name("me"), subprotocol);
    const left = await ClassicClient.connect(gateway.port, name("gone"), subprotocol);
    left.says(3, 0);
    await left.closed();
    await client.awaits(54, gone, 0);
    await client.settles();
  });

  const error = (code: number): Buffer => frame(50, code);
  const rows: readonly (readonly [
    abuse: string,
    said: readonly Part[],
    heard: readonly Buffer[],
  ])[] = [
    ["an empty frame [abuse:bytes-malformed]", [], []],
    ...[0, 7, 9, 11, 50, 55, 255].map(
      (op) => [`op ${op} [abuse:bytes-malformed]`, [op, me, me], []] as const,
    ),
    ["op 2 without a name [abuse:bytes-malformed]", [2], []],
    ["op 2 that ends early [abuse:bytes-malformed]", [2, 9, 65], []],
    ["op 2 of nobody [abuse:op2-nobody]", [2, L("nobody")], [error(1)]],
    ["op 2 of everybody [abuse:op2-nobody]", [2, L("~")], [error(1)]],
    ["op 2 of an empty name [abuse:op2-nobody]", [2, 0], [error(1)]],
    ["op 2 with more behind it [abuse:bytes-behind]", [2, other, 7], [frame(52, other, 1)]],
    ["op 3 alone [abuse:op3-none]", [3], []],
    ["op 3 without a status [abuse:op3-none]", [3, me], []],
    ["op 3 with status 4 [abuse:op3-status]", [3, 4], [error(2)]],
    ["op 3 with one's name and status 9 [abuse:op3-status]", [3, me, 9], [error(2)]],
    ["op 3 with one's name and the digit 9 [abuse:op3-status]", [3, me, L("9")], [error(2)]],
    ["op 3 for another [abuse:op3-another]", [3, other, 2], [error(7)]],
    ["op 3 for another, with status 9 [abuse:op3-status]", [3, other, 9], [error(2)]],
    ["op 3 for nobody [abuse:op3-another]", [3, L("nobody"), 2], [error(7)]],
    ["op 4 alone [abuse:bytes-malformed]", [4], []],
    ["op 4 without a text [abuse:bytes-malformed]", [4, L("~")], []],
    ["op 4 with an empty text [abuse:op4-empty]", [4, L("~"), 0], [error(3)]],
    ["op 4 to nobody [abuse:op4-nobody]", [4, L("nobody"), L("x")], [error(1)]],
    ["op 4 with an empty text to nobody [abuse:op4-nobody]", [4, L("nobody"), 0], [error(1)]],
    ["op 4 to one who left [abuse:op4-away]", [4, gone, L("x")], [error(4)]],
    ["op 4 with an empty text to one who left [abuse:op4-empty]", [4, gone, 0], [error(3)]],
    [
      "op 4 with a wrong T [abuse:op4-wrong-t]",
      [4, 0, me, L("x")],
      [subprotocol === "" ? error(1) : frame(55, 3 + me.length - 1, me, L("x"))],
    ],
    ["op 5 without a chat [abuse:bytes-malformed]", [5], []],
    ["op 5 with nobody [abuse:op5-nobody]", [5, L("nobody")], [frame(56, 0)]],
    ["op 5 with more behind it [abuse:bytes-behind]", [5, L("nobody"), 1], [frame(56, 0)]],
    ["op 10 without a name [abuse:op10-short]", [10], []],
    [
      "op 10 with another name [abuse:op10-name]",
      [10, L("zed")],
      subprotocol === "" ? [] : [error(1)],
    ],
    [
      "op 10 with a bad name [abuse:op10-name]",
      [10, L("a\u0007")],
      subprotocol === "" ? [] : [error(1)],
    ],
    ["op 10 with one's name", [10, me], subprotocol === "" ? [] : [frame(53, me, 1)]],
  ];

  test.each(rows)("%s", async (_, said, heard) => {
    client.says(...said);
    expect((await client.settles()).map(show)).toEqual(heard.map(show));
  });

  test("op 1 and op 6 with more behind them are answered as without [abuse:op1-behind] [abuse:op6-behind]", async () => {
    for (const [op, code] of [
      [1, 51],
      [6, 57],
    ] as const) {
      client.says(op);
      const plain = await client.settles();
      expect(plain.map(([first]) => first)).toEqual([code]);
      client.says(op, other, 7);
      expect((await client.settles()).map(show)).toEqual(plain.map(show));
    }
  });

  test("a text frame need not be UTF-8", async () => {
    client.webSocket.send(frame(4, me, L(Buffer.from([0xff]))), { binary: false });
    const heard = await client.settles();
    expect(heard.at(-1)!.at(-1)).toBe(0xff);
  });
});

test("before it has a name, a connection in ws-protocol gets error 5, except for an impossible status [abuse:op10-missing] [abuse:op10-name] [abuse:op10-short]", async () => {
  const client = await ClassicClient.connect(gateway.port, "", "ws-protocol");
  for (const op of [0, 7, 1, 2, 3, 4, 5, 6]) client.says(op, L("x"), L("y"));
  for (let i = 0; i < 6; i++) await client.hears(50, 5);
  client.says(3, 9);
  await client.hears(50, 2);
  client.says(10);
  for (const name of ["~", "", "#r", "other1"]) {
    client.says(10, L(name));
    await client.hears(50, 1);
  }
});

const BOTH = ["JSON", "bytes"] as const;
/** Bytes behind the handshake → with which code the server closes. Masks are zeros. */
const BROKEN: readonly (readonly [
  what: string,
  bytes: Buffer,
  code: number,
  dialects: readonly ("JSON" | "bytes")[],
])[] = [
  ["a frame without a mask", Buffer.from([0x81, 1, 0x61]), 1002, BOTH],
  ["an opcode that is none", Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002, BOTH],
  ["a reserved bit", Buffer.from([0xc1, 0x80, 0, 0, 0, 0]), 1002, BOTH],
  ["the middle of a message", Buffer.from([0x80, 0x80, 0, 0, 0, 0]), 1002, BOTH],
  ["half a close code", Buffer.from([0x88, 0x81, 0, 0, 0, 0, 3]), 1002, BOTH],
  ["a close code that nobody sends", Buffer.from([0x88, 0x82, 0, 0, 0, 0, 3, 0xed]), 1002, BOTH],
  ["its own close code", Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x13, 0x87]), 4999, BOTH],
  [
    "text that is no UTF-8 [abuse:frame-no-utf8]",
    Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0xff]),
    1007,
    ["JSON"],
  ],
  [
    "a large frame [abuse:bytes-frame-large] [abuse:frame-large]",
    Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0]),
    1009,
    BOTH,
  ],
  [
    "a frame in 65 pieces",
    Buffer.concat(
      [0x02, ...Array<number>(64).fill(0)].map((head) => Buffer.from([head, 0x80, 0, 0, 0, 0])),
    ),
    1008,
    BOTH,
  ],
];

test.each(BROKEN)(
  "a client that sends %s is closed with its code",
  async (_, bytes, code, dialects) => {
    for (const dialect of dialects) {
      const target = dialect === "JSON" ? "/ws" : `/?name=broken-${code}-${bytes.length}`;
      const socket = await dialled(gateway.port, upgradeRequest(target));
      const heard = heardUntilEnd(socket);
      await once(socket, "data");
      socket.write(bytes);
      const end = (await heard).toString("latin1").slice(-4);
      expect([dialect, end]).toEqual([
        dialect,
        String.fromCharCode(0x88, 2, code >> 8, code & 255),
      ]);
    }
  },
);

test("backpressure: a client that sends faster than requests are carried out has to wait, and loses nothing [abuse:bytes-too-fast]", async () => {
  const proxy = await Proxy.to(redis.port);
  const slow = await node(proxy.url, {
    REDIS_PREFIX: "slow",
    OPERATION_DEADLINE_MS: 60_000,
    REQUESTS_PER_SECOND: 100_000,
  });
  try {
    const client = await ClassicClient.connect(slow.port, "ana");
    await client.settles();
    const before = client.heard.length;
    proxy.set("blackhole", "command");
    const lists = 500;
    for (let i = 0; i < lists; i++) client.says(1, Buffer.alloc(60_000));
    // a node that read on would have taken it all by now
    const left = await eventually(async () => {
      const { bufferedAmount } = client.webSocket;
      await new Promise((resolve) => setTimeout(resolve, 250));
      expect(client.webSocket.bufferedAmount).toBe(bufferedAmount);
      return bufferedAmount;
    });
    expect(left).toBeGreaterThan(1_000_000);
    proxy.set("pass");
    await eventually(() => expect(client.heard.length - before).toBe(lists));
  } finally {
    proxy.set("pass");
    await slow.close();
    await proxy.close();
  }
});
