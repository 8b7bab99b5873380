/** Cursors are checked apart: with the same outcome as by the schema of the whole frame. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeRequest } from "#tertulia/wire/json.js";
import { requests } from "#tertulia/wire/json-schema.js";

const conv = fc.oneof(
  fc.constantFrom(
    "~",
    "@",
    "@~",
    "@~a",
    "#room",
    "",
    "__proto__",
    "@__proto__",
    "constructor",
    "@a\nb",
    "@💣",
  ),
  fc.string({ maxLength: 4 }).map((name) => `@${name}`),
  fc.integer({ min: 250, max: 260 }).map((length) => `@${"x".repeat(length)}`),
);
const epoch = fc.oneof(fc.string({ maxLength: 18 }), fc.constantFrom("0", "zz", 0, null));
const seq = fc.oneof(
  fc.integer({ min: -2, max: 9 }),
  fc.constantFrom(0.5, -0, 2 ** 53 - 1, 2 ** 53, "1", null, true),
);
const cursor = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(epoch, seq) },
  fc.constantFrom([], ["0"], ["0", 1, 2], null, "0", 0, { 0: "0", 1: 1 }),
);
const resume = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.tuple(conv, cursor), { maxLength: 4 }).map(written) },
  fc.constantFrom("[]", '[["~",["0",1]]]', "null", "0", '"~"', "{}"),
);

/** As JSON: a key may be `__proto__`, or be there twice. */
function written(entries: readonly (readonly [string, unknown])[]): string {
  const fields = entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${fields.join()}}`;
}

test("a hello is read, or refused, as its schema alone would", () => {
  fc.assert(
    fc.property(resume, (cursors) => {
      const text = `{"type":"hello","name":"ana","resume":${cursors}}`;
      const read = decodeRequest(Buffer.from(text));
      const byItself = requests.hello.safeParse(JSON.parse(text));
      if (byItself.success) {
        expect(read).toEqual({ kind: "request", request: byItself.data });
        return;
      }
      expect(read).toMatchObject({ kind: "bad", error: { code: "bad_frame" } });
      const paths = byItself.error.issues.map(({ path }) => path.join("."));
      const { message = "" } = read.kind === "bad" ? read.error : {};
      expect(paths.some((path) => message.startsWith(`${path}: `))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
