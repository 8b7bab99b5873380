/** JSON, frame by frame. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nameFromBytes } from "#tertulia/chat/names.js";
import { decodeRequest, nameFromText, textFromName } from "#tertulia/wire/json.js";

const frame = (request: object): Uint8Array => Buffer.from(JSON.stringify(request));

test("a room's address is refused as a bad frame, since there are no rooms yet", () => {
  const requests = [
    { type: "publish", text: "hi" },
    { type: "history" },
    { type: "read", seq: 1 },
    { type: "typing" },
  ];
  for (const request of requests) {
    const decoded = decodeRequest(frame({ ...request, id: 7, conv: "#tea" }));
    expect(decoded).toEqual({
      kind: "bad",
      error: {
        type: "error",
        id: 7,
        code: "bad_frame",
        message: "conv: Invalid string: must match pattern /^(?:~|@(?!~$).+)$/su",
        retryable: false,
      },
    });
  }
});

test("a name is written as its bytes say, ASCII or not, and read back as the same bytes", () => {
  const byte = fc.constantFrom(0x00, 0x1f, 0x41, 0x7e, 0x7f, 0x80, 0xc3, 0xa9, 0xff);
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  const property = fc.property(fc.array(byte), (all) => {
    const bytes = Uint8Array.from(all);
    const text = decoder.decode(bytes);
    expect(textFromName(nameFromBytes(bytes))).toBe(text);
    expect(nameFromText(text)).toBe(nameFromBytes(Buffer.from(text)));
  });
  fc.assert(property, { numRuns: 5_000 });
});
