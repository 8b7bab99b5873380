/** RFC 6455 broken: frames that no WebSocket client sends. */
import { asked, type Chapter, type HostileCase } from "./hostile-case.js";
import { BINARY, TEXT, clientFrame, jsonFrame, longHead } from "./rogue.js";
import { L } from "./world.js";

const LIST = clientFrame([1]);
const EMPTY_FRAGMENTS = 200_000;
const PINGS = 10_000;
/** In the bits of the first byte: FIN is 0x80, the reserved ones are 0x40, 0x20 and 0x10. */
const [FIN, CONTINUATION] = [0x80, 0];
const [CLOSE, PING] = [0x88, 0x89];

function closeFrame(code: number, reason: Uint8Array | string = ""): Buffer {
  return clientFrame(
    Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]),
    CLOSE,
  );
}

function bytesAndJson(sent: string, bytes: Buffer, expected: string): HostileCase[] {
  return [
    { sent: `${sent} (bytes)`, expected, seen: asked("classic", bytes) },
    { sent: `${sent} (JSON)`, expected, seen: asked("json", bytes) },
  ];
}

export const frames: Chapter = {
  title: "Frames",
  cases: [
    ...bytesAndJson("a frame without a mask", Buffer.from([BINARY, 1, 1]), "closed with 1002"),
    ...[0x40, 0x20, 0x10].map((bit) => ({
      sent: `a reserved bit, 0x${bit.toString(16)}`,
      expected: "closed with 1002",
      seen: asked("classic", clientFrame([1], BINARY | bit)),
    })),
    ...[3, 7, 11, 15].map((opcode) => ({
      sent: `the reserved opcode ${opcode}`,
      expected: "closed with 1002",
      seen: asked("json", clientFrame("x", FIN | opcode)),
    })),
    ...bytesAndJson("a length of 2^63", longHead(BINARY, 2n ** 63n), "closed with 1009"),
    ...bytesAndJson("a length of 2^31", longHead(BINARY, 2n ** 31n), "closed with 1009"),
    ...bytesAndJson(
      "a frame of 65,537 bytes",
      clientFrame(Buffer.alloc(65_537, 32), TEXT),
      "closed with 1009",
    ),
    {
      sent: "a length of one byte in 64 bits",
      expected: "51; lives",
      seen: asked("classic", Buffer.concat([longHead(BINARY, 1n), Buffer.from([1])])),
    },
    ...bytesAndJson(
      "200,000 empty fragments",
      Buffer.concat([
        clientFrame("", 2),
        ...Array.from({ length: EMPTY_FRAGMENTS }, () => clientFrame("", CONTINUATION)),
      ]),
      "closed with 1008",
    ),
    ...bytesAndJson("a fragment without a beginning", clientFrame("x", FIN), "closed with 1002"),
    ...bytesAndJson(
      "a message within a fragmented one",
      Buffer.concat([clientFrame("x", 2), LIST]),
      "closed with 1002",
    ),
    {
      sent: "a list in three fragments, a ping between them",
      expected: "51; lives",
      seen: asked("classic", [
        clientFrame("", 2),
        clientFrame("ping", PING),
        clientFrame([1], CONTINUATION),
        clientFrame("", FIN),
      ]),
    },
    ...bytesAndJson(
      `${PINGS.toLocaleString("en")} pings at once`,
      Buffer.concat(Array.from({ length: PINGS }, () => clientFrame("ping", PING))),
      "cut",
    ),
    ...bytesAndJson("a ping in two fragments", clientFrame("p", 0x09), "closed with 1002"),
    ...bytesAndJson(
      "a ping of 126 bytes",
      clientFrame(Buffer.alloc(126), PING),
      "closed with 1002",
    ),
    ...bytesAndJson("a close frame of one byte", clientFrame("x", CLOSE), "closed with 1002"),
    ...[0, 999, 1_005, 1_006, 1_015, 65_535].map((code) => ({
      sent: `a close frame with ${code}`,
      expected: "closed with 1002",
      seen: asked("json", closeFrame(code)),
    })),
    {
      sent: "a close frame whose reason is no UTF-8",
      expected: "closed with 1007",
      seen: asked("json", closeFrame(1_000, Buffer.from([0xff]))),
    },
    {
      sent: "requests behind a close frame",
      expected: "closed with 1000",
      seen: asked("classic", [closeFrame(1_000), LIST, LIST]),
    },
    {
      sent: "a text frame that is no UTF-8 (JSON)",
      expected: "closed with 1007",
      seen: asked("json", clientFrame(Buffer.from([0x22, 0xff, 0x22]), TEXT)),
    },
    {
      sent: "a text frame that is no UTF-8 (bytes): real clients send such",
      expected: "comes back as it was; lives",
      seen: async (world) => {
        const rogue = await world.named("classic");
        rogue.write(clientFrame([4, ...L("~"), 2, 0xff, 0xc0], TEXT));
        await rogue.heard(({ payload }) => payload[0] === 55 && payload.at(-1) === 0xc0);
        const fate = await rogue.fate();
        rogue.destroy();
        return `comes back as it was; ${fate}`;
      },
    },
    {
      sent: "a binary frame that is no UTF-8 (JSON)",
      expected: "error bad_frame; lives",
      seen: asked("json", clientFrame([0xff, 0xfe], BINARY)),
    },
    {
      sent: "half a frame, and then nothing but another request",
      expected: "closed with 1002",
      seen: asked(
        "json",
        Buffer.concat([jsonFrame("x").subarray(0, 4), jsonFrame({ type: "ping" })]),
      ),
    },
    ...[
      "permessage-deflate; client_max_window_bits",
      "permessage-deflate; server_max_window_bits=99",
      "permessage-deflate; ".repeat(50),
      ", ".repeat(200),
      "x-webkit-deflate-frame",
      '";;=""',
    ].map((offer) => ({
      sent: `the extension \`${offer.length > 60 ? `${offer.slice(0, 20).trim()} …` : offer}\``,
      expected: "101 without an extension",
      seen: async (world: Parameters<HostileCase["seen"]>[0]) => {
        const rogue = await world.rogue();
        const target = `/?name=${world.newName()}`;
        const status = await rogue.upgrade(target, `Sec-WebSocket-Extensions: ${offer}\r\n`);
        const said = /sec-websocket-extensions/i.test(rogue.head)
          ? "with one"
          : "without an extension";
        rogue.destroy();
        return `${status} ${status === "101" ? said : ""}`.trim();
      },
    })),
  ],
};
