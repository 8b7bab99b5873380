/** JSON, frame by frame. */
import { expect, test } from "vitest";
import { decodeRequest } from "#tertulia/wire/json.js";

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
