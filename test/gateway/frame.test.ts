import { expect, test } from "vitest";
import * as ws from "ws";
import { frameOf } from "#tertulia/gateway/frame.js";

const OPCODE = { text: 1, binary: 2 };

test.each([0, 1, 125, 126, 65_535, 65_536, 70_000])(
  "a frame of %i bytes is what the library would have written",
  (length) => {
    const payload = Buffer.alloc(length, "é");
    for (const kind of ["text", "binary"] as const) {
      const options = { fin: true, opcode: OPCODE[kind], mask: false, readOnly: true, rsv1: false };
      const theirs = Buffer.concat(Sender.frame(payload, options));
      expect(frameOf(payload, kind).equals(theirs), kind).toBe(true);
    }
  },
);

/** Not in the library's types. */
const { Sender } = ws as unknown as {
  Sender: { frame(payload: Buffer, options: object): Buffer[] };
};
