import { expect, test } from "vitest";
import { isBlank, isPlain } from "#tertulia/chat/visible.js";

test.each([
  "ana",
  "José",
  "Ana María",
  "山田　太郎", // the wide blank
  "김철수",
  "Zoë-Łukasz_42.",
  "می‌خواهم", // ZWNJ keeps letters apart that would join
  "نمی‌دانم",
  "ශ්‍රී", // ZWJ halves a letter
  "क्‍", // at the end, too
  "क्‌ष", // ZWNJ shows the virama
  "র\u200d্যাব", // ZWJ before the virama
  "ರ\u200d್ಕ",
  "അവൻ", // a chillu
  "উৎপল", // khanda ta
  "i\u0307\u0301", // Lithuanian: the dot stays below the accent
  "İpek",
  "ışık",
  "👩‍💻",
  "👩🏽‍❤️‍💋‍👨🏻",
  "🏳️‍🌈",
  "🏴󠁧󠁢󠁳󠁣󠁴󠁿", // a flag of tags
  "❤️ ana",
  "☎ ana",
  "1️⃣",
  "🇪🇸",
  "\u{1fae9}", // an emoji of 2024
  "ña",
  "q\u0307\u0323".normalize("NFC"), // marks that no letter has, in their order
  "שָׁלוֹם".normalize("NFC"),
  "tiếng Việt",
])("%s is seen as it is", (name) => {
  expect(isPlain(name)).toBe(true);
});

test.each([
  ["a joiner", "ana\u200d"],
  ["a joiner between letters", "a\u200dna"],
  ["a non-joiner", "ana\u200c"],
  ["a non-joiner behind a letter that joins nothing", "د\u200cا"],
  ["a non-joiner at the end", "می\u200c"],
  ["two non-joiners", "می\u200c\u200cخ"],
  ["a non-joiner behind a last virama", "क्\u200c"],
  ["a joiner without a virama", "क\u200d"],
  ["a chillu in two letters and a joiner", "അവന\u0d4d\u200d"],
  ["a khanda ta in two letters and a joiner", "উত\u09cd\u200dপল"],
  ["the same mark twice", "an\u0323\u0323a"],
  ["the same mark twice, once within a letter", "an\u00e1\u0301"],
  ["a hyphen that does not break", "Jean\u2011Luc"],
  ["a dot on a letter that has one", "ani\u0307"],
  ["such a dot above one below", "\u1ecb\u0307"],
  ["a joiner of emoji that are not joined", "👩\u200d🍕"],
  ["a joiner behind an emoji", "👩\u200d"],
  ["a selector", "ana\ufe0f"],
  ["a selector behind an emoji that needs none", "😀\ufe0f"],
  ["two selectors", "❤\ufe0f\ufe0f"],
  ["a selector of text", "❤\ufe0e"],
  ["a selector of ideographs", "葛\u{e0100}"],
  ["a grapheme joiner", "ana\u034f"],
  ["a soft hyphen", "a\u00adna"],
  ["a zero width space", "a\u200bna"],
  ["a word joiner", "ana\u2060"],
  ["a byte order mark", "\ufeffana"],
  ["an override", "\u202eana"],
  ["an isolate", "\u2066ana\u2069"],
  ["an invisible operator", "ana\u2063"],
  ["tags without a flag", "ana\u{e0061}"],
  ["a Hangul filler", "ana\u3164"],
  ["a halfwidth filler", "ana\uffa0"],
  ["fillers of jamo", "\u115f\u1160"],
  ["an empty Braille cell", "a\u2800na"],
  ["an empty note", "ana\u{1d159}"],
  ["a Khmer vowel that nobody sees", "ana\u17b4"],
  ["a Mongolian separator", "ana\u180e"],
  ["a control character", "ana\u0085"],
  ["a character of private use", "ana\ue000"],
  ["a character that is none", "ana\ufdd0"],
  ["a lone surrogate", "ana\ud800"],
  ["what is shown for bytes", "ana\ufffd"],
  ["what is shown for an object", "ana\ufffc"],
  ["a blank in front", " ana"],
  ["a blank at the end", "ana "],
  ["a wide blank at the end", "ana　"],
  ["two blanks", "ana  maria"],
  ["two blanks of two kinds", "ana 　maria"],
  ["a no-break space", "ana\u00a0maria"],
  ["a thin space", "ana\u2009maria"],
  ["a line separator", "ana\u2028maria"],
  ["a blank alone", " "],
  ["a mark alone", "\u0301"],
  ["a mark on a blank", "ana \u0301"],
  ["a letter and a mark that are one letter", "nin\u0303a"],
  ["an angstrom sign", "\u212b"],
])("%s is seen in no name", (_, name) => {
  expect(isPlain(name)).toBe(false);
});

test("no character that Unicode calls ignorable is allowed in a name", () => {
  const ignored = /\p{Default_Ignorable_Code_Point}/u;
  const allowed: string[] = [];
  for (let code = 0; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (!ignored.test(character)) continue;
    for (const name of [`ana${character}`, `a${character}na`, `${character}ana`, character]) {
      if (isPlain(name)) allowed.push(code.toString(16));
    }
  }
  expect(allowed).toEqual([]);
});

test.each([
  "",
  " ",
  "\n\t",
  "\u200b",
  "\u00a0\u3000",
  "\u3164\u2800",
  "\ufe0f\u200d",
  "\u0000",
  "\u2028",
])("nothing of %j can be seen", (text) => {
  expect(isBlank(text)).toBe(true);
});

test.each(["a", ".", " a ", "\u0301", "👩‍💻", "\ue000", "\u0600"])("%j is visible", (text) => {
  expect(isBlank(text)).toBe(false);
});
