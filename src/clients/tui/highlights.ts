/** Highlighted ranges of a text: mentions, search hits. Pure. */
import { fold } from "../view/search.js";
import { span, type Line, type Look } from "./paint.js";
import { graphemes } from "./width.js";

/** UTF-16 units of a text, `to` exclusive. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Highlight extends Range {
  readonly look: Look;
}

/** The lines that `wrap` made of a text, with its highlights. Of two that overlap, the one that begins first wins. */
export function highlighted(
  text: string,
  lines: readonly string[],
  highlights: readonly Highlight[],
): Line[] {
  let at = 0;
  return lines.map((line) => {
    const start = text.indexOf(line, at); // blanks at the ends of lines are left out
    at = start + line.length;
    return spansOf(line, start, highlights);
  });
}

function spansOf(line: string, start: number, highlights: readonly Highlight[]): Line {
  const spans = [];
  let done = 0;
  for (const { from, to, look } of highlights.toSorted((one, other) => one.from - other.from)) {
    const begin = Math.min(line.length, Math.max(done, from - start));
    const end = Math.min(line.length, to - start);
    if (end <= begin) continue;
    if (begin > done) spans.push(span(line.slice(done, begin)));
    spans.push(span(line.slice(begin, end), look));
    done = end;
  }
  if (done < line.length) spans.push(span(line.slice(done)));
  return spans;
}

/** Where the text has the searched text, ignoring case and accents. */
export function occurrences(text: string, searched: string): readonly Range[] {
  const wanted = fold(searched);
  const found: Range[] = [];
  if (wanted === "" || !fold(text).includes(wanted)) return found;
  let folded = "";
  const starts: number[] = []; // of each unit of `folded`, its cluster in the text
  const ends: number[] = [];
  let read = 0;
  for (const cluster of graphemes(text)) {
    const part = fold(cluster);
    for (let unit = 0; unit < part.length; unit++) {
      starts.push(read);
      ends.push(read + cluster.length);
    }
    folded += part;
    read += cluster.length;
  }
  for (
    let at = folded.indexOf(wanted);
    at !== -1;
    at = folded.indexOf(wanted, at + wanted.length)
  ) {
    found.push({ from: starts[at]!, to: ends[at + wanted.length - 1]! });
  }
  return found;
}
