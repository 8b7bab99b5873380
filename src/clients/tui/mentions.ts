/** Where a text mentions a name: as a word of its own, in any case. Pure. */
import type { Range } from "./highlights.js";

/** Scripts without blanks between words: there a name has no bounds that could be seen. */
const UNSPACED = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"]
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join("");
const LETTER = `[[\\p{L}\\p{N}\\p{M}]--[${UNSPACED}]]`;
const patterns = new Map<string, RegExp>();

export function mentions(text: string, name: string): readonly Range[] {
  return Array.from(text.matchAll(patternOf(name)), ({ index, 0: found }) => ({
    from: index,
    to: index + found.length,
  }));
}

/** `ana-maria` and `ana_2` may be other names: they do not mention `ana`. */
function patternOf(name: string): RegExp {
  const known = patterns.get(name);
  if (known !== undefined) return known;
  const forms = new Set([name, name.normalize("NFC"), name.normalize("NFD")]);
  const written = [...forms].map((form) => form.replaceAll(/[$^\\.*+?()[\]{}|/]/g, "\\$&"));
  const itself = `(?:${written.join("|")})`;
  // the lookbehind comes after the name, so that it is tried only where the name is
  const before = isLetter(name, `^${LETTER}`) ? `(?<!${LETTER}[\\-_]?${itself})` : "";
  const after = isLetter(name, `${LETTER}$`) ? `(?![\\-_]?${LETTER})` : "";
  const pattern = new RegExp(itself + before + after, "giv");
  patterns.set(name, pattern);
  return pattern;
}

function isLetter(name: string, pattern: string): boolean {
  return new RegExp(pattern, "v").test(name);
}
