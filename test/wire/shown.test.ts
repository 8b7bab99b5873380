import { expect, test } from "vitest";
import { shown } from "#tertulia/wire/shown.js";

test.each<[bytes: string | number[], text: string]>([
  ["ana", "ana"],
  ["José 👩‍💻", "José 👩‍💻"],
  ["山田　太郎", "山田　太郎"],
  [" ana ", " ana "],
  ["ana\u200d", String.raw`ana\u{200d}`],
  ["\u202eana\u2028", String.raw`\u{202e}ana\u{2028}`],
  ["\u001b[31m", String.raw`\u{1b}[31m`],
  ["a\u00a0b", String.raw`a\u{a0}b`],
  ["e\u0301", String.raw`e\u{301}`],
  ["a\ufffd", String.raw`a\u{fffd}`],
  [String.raw`\u{200d}`, String.raw`\\u{200d}`],
  [[0x66, 0xff, 0xc3], String.raw`f\xff\xc3`],
  [[0xc3, 0x28, 0xf0, 0x9f, 0x98, 0x80, 0xe2, 0x82], String.raw`\xc3(😀\xe2\x82`],
  ["é".repeat(40), `${"é".repeat(32)}…`],
  [`a${"é".repeat(40)}`, `a${"é".repeat(31)}…`],
  ["", ""],
])("%j is shown as %s", (bytes, text) => {
  expect(shown(typeof bytes === "string" ? Buffer.from(bytes) : Uint8Array.from(bytes))).toBe(text);
});
