/** The table of errors, and the SDK's list of them. */
import { expect, expectTypeOf, test } from "vitest";
import type { TertuliaErrorCode } from "#tertulia/clients/sdk/error.js";
import { ERRORS, REFUSALS, errorKind, type ErrorCode } from "#tertulia/wire/error-codes.js";

/** What the SDK says by itself. */
type Own = "closed" | "unreachable" | "lost" | "outbox_full" | "overflow" | "unconfirmed";

test("the SDK names every error of the chat, and no other beside its own", () => {
  expectTypeOf<TertuliaErrorCode>().toEqualTypeOf<ErrorCode | Own>(); // held by the compiler
});

test("only retryable errors have a time for the retry", () => {
  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    const { retryable, retryAfterMs } = errorKind(code);
    if (retryAfterMs !== undefined) expect(retryable, code).toBe(true);
  }
});

test("the byte dialects use the error numbers 1 to 8", () => {
  const bytes = new Set(Object.values(REFUSALS).map(({ byte }) => byte));
  expect(bytes).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
});
