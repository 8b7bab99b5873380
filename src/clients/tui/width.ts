/** How many columns of a terminal a text takes: by grapheme clusters, as a person counts. Pure. */

/** East Asian Wide and Fullwidth of UAX #11; emoji are recognised by their property. */
const WIDE: readonly (readonly [first: number, last: number])[] = [
  [0x1100, 0x115f], // Hangul, leading consonants
  [0x2329, 0x232a],
  [0x2e80, 0x303e], // CJK radicals and punctuation
  [0x3041, 0x33ff], // kana, bopomofo, enclosed
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf], // ideographs, Yi
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3], // Hangul syllables
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6b],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cff], // Tangut, Khitan
  [0x1aff0, 0x1b2ff],
  [0x1f200, 0x1f265],
  [0x20000, 0x3fffd],
];
const NARROW = /^[\x20-\x7e]*$/;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Emoji}\u{fe0f})/u;

/** V8's segmenter takes time that grows with the square of the length. */
const SEGMENTED_AT_ONCE = 512;
const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export function graphemes(text: string): string[] {
  if (NARROW.test(text)) return text.split("");
  const found: string[] = [];
  for (let from = 0, size = SEGMENTED_AT_ONCE; from < text.length;) {
    const part = text.slice(from, from + size);
    const clusters = Array.from(segmenter.segment(part), ({ segment }) => segment);
    const isLast = from + size >= text.length;
    const whole = isLast ? clusters : clusters.slice(0, -1); // the last one may go on
    for (const each of whole) from += each.length;
    found.push(...whole);
    size = whole.length === 0 ? size * 2 : SEGMENTED_AT_ONCE;
  }
  return found;
}

export function width(text: string): number {
  if (NARROW.test(text)) return text.length;
  return graphemes(text).reduce((sum, each) => sum + widthOf(each), 0);
}

/** Of one grapheme cluster. */
export function widthOf(grapheme: string): 0 | 1 | 2 {
  if (NARROW.test(grapheme)) return grapheme === "" ? 0 : 1;
  if (EMOJI.test(grapheme)) return 2;
  if (ZERO.test(grapheme)) return 0;
  const point = grapheme.codePointAt(0)!;
  return WIDE.some(([first, last]) => point >= first && point <= last) ? 2 : 1;
}

/** At most so many columns; a cut is marked with `…`. */
export function cut(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  let taken = 1; // of the mark
  for (const each of graphemes(text)) {
    taken += widthOf(each);
    if (taken > columns) break;
    kept += each;
  }
  return columns < 1 ? "" : `${kept}…`;
}

/** Exactly so many columns. */
export function fit(text: string, columns: number): string {
  const kept = cut(text, columns);
  return kept + " ".repeat(Math.max(0, columns - width(kept)));
}

export function fitRight(text: string, columns: number): string {
  const kept = cut(text, columns);
  return " ".repeat(Math.max(0, columns - width(kept))) + kept;
}

/** Lines of at most so many columns, broken between words where there are any. */
export function wrap(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, Math.max(2, columns)));
}

function wrapLine(text: string, columns: number): string[] {
  if (width(text) <= columns) return [text];
  const lines: string[] = [];
  let line = "";
  let taken = 0;
  for (const word of text.split(/(?<= )(?! )/)) {
    const wanted = width(word.trimEnd());
    if (taken > 0 && taken + wanted > columns) {
      lines.push(line.trimEnd());
      [line, taken] = ["", 0];
    }
    for (const each of wanted > columns ? graphemes(word) : [word]) {
      if (taken > 0 && taken + width(each.trimEnd()) > columns) {
        lines.push(line);
        [line, taken] = ["", 0];
      }
      line += each;
      taken += width(each);
    }
  }
  return [...lines, line.trimEnd()];
}
