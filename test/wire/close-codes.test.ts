/** The table of close codes: its rows agree with the rule that clients follow, and with PROTOCOL.md. */
import { expect, test } from "vitest";
import { CLOSE, retryPolicyOf, type Close } from "#tertulia/wire/close-codes.js";

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
