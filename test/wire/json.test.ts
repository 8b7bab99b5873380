/** JSON, frame by frame. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { nameFromBytes } from "#tertulia/chat/names.js";
import { decodeRequest, encodeFollowing } from "#tertulia/wire/json.js";
import { nameFromText, textFromName } from "#tertulia/wire/json-names.js";
import type { UserStatus } from "#tertulia/chat/events.js";

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

test("who is connected is encoded once for all who begin to follow presence", () => {
  let encodings = 0;
  const ana = nameFromText("ana");
  const set: UserStatus[] = [[ana, "busy"]];
  Object.defineProperty(set, "map", {
    value: (...args: Parameters<typeof set.map>) => {
      encodings++;
      return Array.prototype.map.apply(set, args);
    },
  });
  for (const id of ["a", 7, undefined]) {
    const answer = encodeFollowing(id, { count: 1, isFull: true, set });
    expect(JSON.parse(Buffer.from(answer).toString())).toEqual({
      type: "ok",
      ...(id !== undefined && { id }),
      count: 1,
      full: true,
      set: [["ana", "busy"]],
    });
  }
  expect(encodings).toBe(1);
});
