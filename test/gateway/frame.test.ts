import { expect, test } from "vitest";
import * as ws from "ws";
import { frameOf } from "#tertulia/gateway/frame.js";
import { WriteCoalescer } from "#tertulia/gateway/write-coalescer.js";

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

test("frames queued in the same moment are written at its end, once per writer, in order", async () => {
  const writes = new WriteCoalescer();
  const written: string[] = [];
  const writer = (name: string): { flush: () => void } => ({ flush: () => written.push(name) });
  writes.queue(writer("a"));
  writes.queue(writer("b"));
  expect(written).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toEqual(["a", "b"]);
  writes.queue(writer("c"));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(written).toEqual(["a", "b", "c"]);
});

/** Not in the library's types. */
const { Sender } = ws as unknown as {
  Sender: { frame(payload: Buffer, options: object): Buffer[] };
};
