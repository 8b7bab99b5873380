/** Names within commands of the terminal client: what writes one and what reads one agree. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse, type Command } from "#tertulia/clients/tui/commands.js";
import { complete } from "#tertulia/clients/tui/completion.js";
import { EMPTY, withText } from "#tertulia/clients/tui/editor.js";
import { unfinishedName, readName, writeName } from "#tertulia/clients/tui/names.js";

const BLANKS = Array.from(
  " \u00a0\u1680\u2000\u2002\u2003\u2007\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
);
const ODD = [
  ...Array.from(`"'\\@#~/-:.,`),
  "\u0085",
  "\u200d",
  "\ufeff",
  "\u202e",
  "á",
  "İ",
  "ß",
  "Σ",
  "ς",
];
const WRITTEN = [
  "ana",
  "-x",
  "--",
  "ws://h",
  "👩‍💻",
  "🇪🇸",
  "שלום",
  "مريم",
  "山田",
  "太郎",
  "한",
  "👋🏽",
];

/** PROTOCOL.md, Words; as far as JSON can say it. */
function isLegal(name: string): boolean {
  const bytes = Buffer.byteLength(name);
  // oxlint-disable-next-line no-control-regex -- of names, they are refused
  return bytes > 0 && bytes <= 64 && name !== "~" && !/^[#@]|[\0-\x1f\x7f]/.test(name);
}

const piece = fc.oneof(
  fc.constantFrom(...BLANKS, ...ODD, ...WRITTEN),
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.string({ unit: "grapheme", maxLength: 3 }),
);
const legalName = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => pieces.join(""))
  .filter(isLegal);

test("a name is read as it was written, and so is the text after it", () => {
  fc.assert(
    fc.property(legalName, fc.constantFrom("hi", '"hi" \\', "a\nb", "　x"), (name, text) => {
      const read = { type: "name", name, rest: text };
      expect(readName(`${writeName(name)} ${text}`)).toMatchObject(read);
      expect(readName(`@${writeName(name)} \n${text}`)).toMatchObject(read);
      expect(readName(writeName(name))).toMatchObject({ type: "name", name, rest: "" });
    }),
    { numRuns: 2_000 },
  );
});

test("a command completed by Tab addresses the user it names", () => {
  fc.assert(
    fc.property(legalName, fc.nat(), (name, cut) => {
      const begun = Array.from(writeName(name))
        .slice(0, 1 + (cut % 40))
        .join("");
      const completed = (word: string): string =>
        complete(withText(EMPTY, `/${word} ${begun}`), undefined, 1, {
          names: [name],
          language: "en",
          isModerator: false,
        }).editor.text;
      const conv = `@${name}`;
      expect(parse(`${completed("msg")}a secret`)).toEqual({
        type: "tell",
        conv,
        text: "a secret",
      });
      expect(parse(completed("to"))).toEqual({ type: "open", conv });
      expect(parse(completed("history"))).toEqual({ type: "history", conv });
      expect(parse(completed("info"))).toEqual({ type: "info", user: name });
      const connect = { type: "connect", url: "ws://h:1", name };
      expect(parse(`/connect ${writeName(name)} ws://h:1`)).toEqual(connect);
      expect(parse(`/connect ws://h:1 ${writeName(name)}`)).toEqual(connect);
    }),
    { numRuns: 2_000 },
  );
});

test.each<[written: string, name: string]>([
  ["ana", "ana"],
  ["-x", "-x"],
  ["o'hara", "o'hara"],
  ["👩‍💻", "👩‍💻"],
  ['"山田　太郎"', "山田　太郎"],
  ['"a\u00a0b"', "a\u00a0b"],
  ['"a\u2009b"', "a\u2009b"],
  [String.raw`"say \"hi\""`, 'say "hi"'],
  [String.raw`"a\\b"`, String.raw`a\b`],
  ['"ws://x"', "ws://x"],
])("%s is how a command has the name %j", (written, name) => {
  expect(writeName(name)).toBe(written);
});

const mistake = (of: "msg" | "to" | "info" | "history" | "connect"): Command => ({
  type: "mistake",
  of,
  written: `/${of}`,
});

test.each<[line: string, command: Command]>([
  ["/msg 山田　太郎 secret", { type: "tell", conv: "@山田　太郎", text: "secret" }],
  ["/msg a\u00a0b secret", { type: "tell", conv: "@a\u00a0b", text: "secret" }],
  [String.raw`/msg "a\b" hi`, { type: "tell", conv: String.raw`@a\b`, text: "hi" }],
  [String.raw`/msg a\b hi`, { type: "tell", conv: String.raw`@a\b`, text: "hi" }],
  ['/msg o"brien hi', { type: "tell", conv: '@o"brien', text: "hi" }],
  ['/to "~x"', { type: "open", conv: "@~x" }],
  ['/msg "ana maria secret', mistake("msg")],
  ['/msg "ana"maria secret', mistake("msg")],
  ['/msg "ana maria"', mistake("msg")],
  ["/to ana maria", mistake("to")],
  ['/to "ana', mistake("to")],
  ["/info ana maria", mistake("info")],
  ["/history ana maria", mistake("history")],
  ["/connect ana maria", mistake("connect")],
  ["/connect ws://a ws://b", mistake("connect")],
  ['/connect "ana maria"', { type: "connect", url: undefined, name: "ana maria" }],
])("%j is understood whole, or not at all", (line, command) => {
  expect(parse(line)).toEqual(command);
});

test.each<[text: string, begun: string | undefined]>([
  ["", ""],
  ["an", "an"],
  ["@an", "an"],
  ['"ana ma', "ana ma"],
  ['@"ana ma', "ana ma"],
  ['"ana"', "ana"],
  ["ana ma", undefined],
  ['"ana" ma', undefined],
])("of %j the name that is being written is %j", (text, begun) => {
  expect(unfinishedName(text)).toBe(begun);
});
