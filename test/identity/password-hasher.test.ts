import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { PasswordHasher } from "#tertulia/identity/password-hasher.js";

const hasher = new PasswordHasher({ ln: 10, r: 8, p: 1 });
const long = "x".repeat(70);

test.each([
  ["itself", "correct horse", "correct horse", true],
  ["less a character", "correct horse", "correct hors", false],
  ["and a NUL", "correct horse", "correct horse\0", false],
  ["less its NULs", "eight\0\0\0", "eight", false],
  ["nothing, for one of NULs", "\0\0\0\0\0\0\0\0", "", false],
  ["a long one", long, long, true],
  // HMAC takes the digest of a key that is longer than its block, RFC 2104 §2
  ["the digest of a long one", long, createHash("sha256").update(long).digest(), false],
])("a password is proved by itself alone: %s", async (_, password, shown, isRight) => {
  await hasher.inPlace("a network", async (place) => {
    const kept = await place.hash(Buffer.from(password));
    expect(await place.verify(Buffer.from(shown), kept)).toBe(isRight);
  });
});
