/** The table of close codes: its rows agree with the rule that clients follow, and with PROTOCOL.md. */
import { expect, test } from "vitest";
import { CLOSE, NORMAL_CLOSURE, retryPolicyOf, type Close } from "#tertulia/wire/close-codes.js";
import { closeCodesIn } from "../support/close-code-literals.js";
import { parse, parseSources } from "../support/syntax.js";

const rows: (readonly [string, Close])[] = Object.entries(CLOSE);

test.each(rows)("%s agrees with the rule for all close codes", (_, { code, retry }) => {
  expect(retryPolicyOf(code)).toBe(retry);
});

test.each([
  [1001, "with backoff"],
  [1005, "with backoff"],
  [3000, "with backoff"],
  [4399, "with backoff"],
  [4400, "never"],
  [4499, "never"],
  [4500, "with backoff"],
] as const)("the rule has an answer for a code that no row has: %i", (code, retry) => {
  expect(retryPolicyOf(code)).toBe(retry);
});

test("every reason fits into a close frame", () => {
  for (const [name, { by, reason }] of rows) {
    expect(Buffer.byteLength(reason), name).toBeLessThanOrEqual(123); // RFC 6455 §5.5
    expect(reason !== "", name).toBe(by === "gateway");
  }
});

test("no other file of src has a close code as a number, but the session's own of a normal close", async () => {
  const found = (await parseSources(["src"])).flatMap(closeCodesIn);
  const isHere = (use: string): boolean => use.startsWith("wire/close-codes.ts ");
  // the session imports nothing of the wire: this holds its number to be the same
  expect(found.filter((use) => !isHere(use))).toEqual([`session/comeback.ts ${NORMAL_CLOSURE}`]);
  expect(new Set(found.filter(isHere)).size).toBeGreaterThan(10);
});

test("the reader of close codes tells them from times, sizes and HTTP", () => {
  const text = `
    const afterMs = 1_000, port = 9000, many = 1016;
    close(1000);
    const refused = code === 4_409 || 1012 === event.code || statusCode === 200 ? 4510 : 0;
    switch (code) { case 4_500: break; default: sleep(4_000); }`;
  expect(closeCodesIn(parse("a.ts", text))).toEqual(
    ["1000", "4_409", "1012", "4510", "4_500"].map((each) => `a.ts ${each}`),
  );
});
