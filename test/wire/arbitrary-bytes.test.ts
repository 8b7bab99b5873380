import fc from "fast-check";
import { expect, test } from "vitest";
import { mendedLine } from "#tertulia/gateway/request-line.js";
import { GENERAL, type Address } from "#tertulia/chat/conversation.js";
import { decodeEvent } from "#tertulia/redis/events.js";
import { nameFromBytes } from "#tertulia/chat/names.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import { wsProtocolDialect } from "#tertulia/wire/ws-protocol.js";
import { dialects } from "../support/dialects.js";
import { L, frame } from "../support/classic-client.js";

const options = { generalOrigin: "sender", replyMaxBytes: 4_096 } as const;
const wsProtocol = wsProtocolDialect(options);
const classic = classicDialect(options, wsProtocol);

/** Frames that begin like real ones are the interesting ones. */
const anyFrame = fc.oneof(
  fc.uint8Array({ maxLength: 600 }),
  fc
    .tuple(fc.integer({ min: 0, max: 11 }), fc.uint8Array({ maxLength: 600 }))
    .map(([op, rest]) => Uint8Array.from([op, ...rest])),
);
const field = fc.uint8Array({ minLength: 1, maxLength: 255 });

test("no frame makes a dialect throw", () => {
  const all = Object.values(dialects).map(({ make }) => make());
  fc.assert(
    fc.property(anyFrame, fc.boolean(), (bytes, isFirst) => {
      for (const dialect of all) dialect.decodeRequest(bytes, isFirst);
    }),
    { numRuns: 5_000 },
  );
});

test("no frame makes a dialect of bytes invent bytes", () => {
  fc.assert(
    fc.property(anyFrame, (bytes) => {
      for (const dialect of [classic, wsProtocol]) {
        const decoded = dialect.decode(bytes);
        if (decoded.kind !== "command" || decoded.command.type !== "send") continue;
        expect(lengthOf(decoded.command.to) + decoded.command.text.length).toBeLessThan(
          bytes.length,
        );
      }
    }),
    { numRuns: 20_000 },
  );
});

test("a send in the layout of its dialect is read as it was written", () => {
  fc.assert(
    fc.property(field, field, (to, text) => {
      const written = { type: "send", to: addressed(to), text: Buffer.from(text) };
      const rest = frame(L(to), L(text));
      const asClassic = classic.decode(frame(4, rest));
      const asWsProtocol = wsProtocol.decode(frame(4, rest.length % 256, rest));
      for (const decoded of [asClassic, asWsProtocol]) {
        expect(decoded.kind).toBe("command");
        if (decoded.kind === "command") expect({ ...decoded.command }).toEqual(written);
      }
    }),
    { numRuns: 5_000 },
  );
});

test("a send in the other dialect's layout is read as well, unless its text has 255 bytes", () => {
  fc.assert(
    fc.property(field, fc.uint8Array({ maxLength: 254 }), (to, text) => {
      const rest = frame(L(to), L(text));
      const crossed = [
        wsProtocol.decode(frame(4, rest)),
        classic.decode(frame(4, rest.length % 256, rest)),
      ];
      for (const decoded of crossed) {
        if (decoded.kind === "command" && decoded.command.type === "send") {
          expect(decoded.command.to).toEqual(addressed(to));
          expect(Buffer.from(decoded.command.text)).toEqual(Buffer.from(text));
        } else expect.unreachable(decoded.kind);
      }
    }),
    { numRuns: 5_000 },
  );
});

test("a malformed event throws a RangeError and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        decodeEvent(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 10_000 },
  );
});

test("a mended request line has a target that Node's parser takes, and names the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const line = Buffer.concat([Buffer.from("GET ?name="), bytes, Buffer.from(" HTTP/1.1")]);
      if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) expect(mendedLine(line)).toBe(400);
      else expect(String(mendedLine(line))).toMatch(/^GET \/\?name=[\x21-\x7e]* HTTP\/1\.1$/);
    }),
    { numRuns: 5_000 },
  );
});

function addressed(to: Uint8Array): Address {
  const name = nameFromBytes(to);
  return name === "~" ? GENERAL : { kind: "direct", user: name };
}

function lengthOf(address: Address): number {
  return address.kind === "direct" ? address.user.length : 1;
}
