/** Turns styled lines into terminal output, and writes only the rows that changed. Pure. */
import { graphemes, widthOf } from "./width.js";

/**
 * `strong`: accent colour and bold. `faint`: unimportant. `bad`: something failed. `mention`: the user's
 * name. `match`: a search hit.
 */
export type Look = "plain" | "faint" | "bold" | "accent" | "strong" | "bad" | "mention" | "match";

export interface Span {
  readonly text: string;
  readonly look: Look;
  /** With a line below it, which takes no row. */
  readonly isUnderlined?: boolean;
}

export type Line = readonly Span[];

export interface Frame {
  readonly lines: readonly Line[];
  /** Counted from 0. */
  readonly cursor: { readonly row: number; readonly column: number };
}

/** SGR parameters (ECMA-48 §8.3.117) with colours, and without (NO_COLOR). */
const COLOURED: Record<Look, string> = {
  plain: "",
  faint: "90",
  bold: "1",
  accent: "36",
  strong: "1;36",
  bad: "31",
  mention: "1;33",
  match: "7",
};
const COLOURLESS: Record<Look, string> = {
  plain: "",
  faint: "2",
  bold: "1",
  accent: "",
  strong: "1",
  bad: "4",
  mention: "1;4",
  match: "7",
};
/** Terminals agree on how wide these are. */
const SURE = /^[\x20-\x7e\u00a1-\u02ff\u2500-\u257f…]$/u;

export function span(text: string, look: Look = "plain"): Span {
  return { text, look };
}

/** `before`: the rows as they were painted last; returns those of this frame, and what to write. */
export function paint(
  before: readonly string[],
  frame: Frame,
  { columns, isColoured }: { readonly columns: number; readonly isColoured: boolean },
): { rows: readonly string[]; output: string } {
  const rows = frame.lines.map((line) => rowOf(line, columns, isColoured));
  let output = "";
  for (const [at, row] of rows.entries()) {
    if (row !== before[at]) output += `\x1b[${at + 1};1H${row}`;
  }
  if (before.length > rows.length) output += `\x1b[${rows.length + 1};1H\x1b[J`;
  const { row, column } = frame.cursor;
  // ?2026: shown at once, where the terminal knows how
  return { rows, output: `\x1b[?2026h${output}\x1b[${row + 1};${column + 1}H\x1b[?2026l` };
}

function rowOf(line: Line, columns: number, isColoured: boolean): string {
  const looks = isColoured ? COLOURED : COLOURLESS;
  let row = "";
  let taken = 0;
  for (const { text, look, isUnderlined = false } of line) {
    if (text === "") continue;
    const sgr = [looks[look], isUnderlined ? "4" : ""].filter((each) => each !== "").join(";");
    if (sgr !== "") row += `\x1b[${sgr}m`;
    for (const each of graphemes(text)) {
      const width = widthOf(each);
      if (taken + width > columns) break;
      row += each;
      taken += width;
      // where a terminal may count otherwise, the next column is named
      if (!SURE.test(each) && taken < columns) row += `\x1b[${taken + 1}G`;
    }
    if (sgr !== "") row += "\x1b[m";
  }
  return taken < columns ? `${row}\x1b[K` : row;
}
