/** The full screen: a state to lines and a cursor. Pure. */
import { typingIn, secondsToRetry, unreadTotal } from "../view/lists.js";
import { EVERYBODY, type View } from "../view/model.js";
import { unreadCount } from "../view/conversation.js";
import { conversationIn } from "../view/accessors.js";
import { heldCount, ownStatus, shownUpTo } from "../view/do-not-disturb.js";
import { sanitizeLine } from "./sanitize.js";
import type { Editor } from "./editor.js";
import { shownAnswer } from "./prompt.js";
import { span, type Frame, type Line, type Span } from "./paint.js";
import type { Screen } from "./screen.js";
import { overlayLines, type OverlayLines } from "./overlays.js";
import { dot, sidebar } from "./sidebar.js";
import { hits } from "./search.js";
import { visibleRange, transcriptLines, type TranscriptLine } from "./transcript.js";
import { closedText, type Texts } from "./texts.js";
import { cut, fit, graphemes, width, widthOf } from "./width.js";

const SIDEBAR_MAX_COLUMNS = 26;
const SIDEBAR_MIN_SCREEN = 72;
const INPUT_MAX_ROWS = 5;
const PROMPT = " › ";

/** The layout of the screen, for drawing and for scrolling. */
export interface Layout {
  readonly sidebarColumns: number;
  readonly transcriptColumns: number;
  readonly transcriptRows: number;
  readonly overlay: OverlayLines;
  readonly banner: Line | undefined;
  readonly lines: readonly TranscriptLine[];
}

export function layOut(screen: Screen): Layout {
  const { view, columns, rows, texts, today, nowMs } = screen;
  const sidebarColumns =
    columns < SIDEBAR_MIN_SCREEN ? 0 : Math.min(SIDEBAR_MAX_COLUMNS, Math.floor(columns / 4));
  const transcriptColumns = sidebarColumns === 0 ? columns : columns - sidebarColumns - 1;
  const banner = bannerOf(view, columns, texts, nowMs);
  const fixed = 1 + (banner ? 1 : 0) + 1 + inputOf(shownEditor(screen), columns, rows).rows.length;
  const overlay = overlayLines(screen, transcriptColumns, Math.max(0, rows - fixed - 2));
  const transcriptRows = Math.max(0, rows - fixed - overlay.lines.length);
  const lines = transcriptLines(view, transcriptColumns, texts, today, screen.search);
  return { sidebarColumns, transcriptColumns, transcriptRows, overlay, banner, lines };
}

export function render(screen: Screen): Frame {
  const { view, columns, rows, texts, anchor } = screen;
  if (rows < 8 || columns < 24) {
    const line = [span(cut(texts.tooSmall, columns))];
    return { lines: [line], cursor: { row: 0, column: 0 } };
  }
  const { sidebarColumns, transcriptColumns, transcriptRows, overlay, banner, lines } =
    layOut(screen);
  const { from, until } = visibleRange(lines, anchor, transcriptRows);
  const transcript = lines.slice(from, until).map(({ spans }) => spans);
  const above: Line[] = Array.from({ length: transcriptRows - transcript.length }, () => []);
  const body = [...above, ...transcript, ...overlay.lines];
  const side = sidebarColumns === 0 ? [] : sidebar(view, sidebarColumns, body.length, texts);
  const input = inputOf(shownEditor(screen), columns, rows);
  const head = [underlined(fitted(header(screen), columns)), ...(banner ? [banner] : [])];
  const foot = footer(screen, sidebarColumns);
  const middle = body.map((line, at) =>
    joined(side[at] ?? [], line, sidebarColumns, transcriptColumns),
  );
  return {
    lines: [...head, ...middle, foot, ...inputLines(input.rows, screen)],
    cursor: {
      row: head.length + middle.length + 1 + input.row,
      column: Math.min(columns - 1, PROMPT.length + input.column),
    },
  };
}

function header({ view, url, columns, texts }: Screen): Line {
  const { me, connection, open } = view;
  const isSmall = columns < SIDEBAR_MIN_SCREEN;
  const title = open === EVERYBODY ? texts.everybody : sanitizeLine(open.slice(1));
  const status = ownStatus(view);
  const right =
    connection.name === "open"
      ? [
          dot(status),
          span(cut(sanitizeLine(me), 20), "accent"),
          span(` ${texts.status[status]} `, "faint"),
        ]
      : [
          span("· ", "faint"),
          span(cut(sanitizeLine(me), 20)),
          span(` ${texts.status.disconnected} `, "faint"),
        ];
  const unread = unreadTotal(view);
  const news = isSmall && unread > 0 ? `  ${texts.unread(unread)}` : "";
  // on a narrow screen the title gets what is left, and at least 8 columns
  const room = Math.max(8, columns - sizeOf(right) - width(news) - 2);
  const left: Span[] = isSmall
    ? [span(" "), span(cut(title, room), "strong"), span(news)]
    : [span(" tertulia", "strong"), span(`  ${cut(url, columns - 50)}`, "faint")];
  const gap = columns - sizeOf(left) - sizeOf(right);
  return gap < 1 ? left : [...left, span(" ".repeat(gap)), ...right];
}

function bannerOf(view: View, columns: number, texts: Texts, nowMs: number): Line | undefined {
  const { connection, problem } = view;
  const line = (text: string, look: "bad" | "accent" = "bad"): Line => [
    span(" ▌ ", look),
    span(cut(text, columns - 4), look === "bad" ? "bold" : "plain"),
  ];
  switch (connection.name) {
    case "away":
      return line(texts.away, "accent");
    case "connecting":
      return connection.wasOpen ? line(texts.reconnecting) : line(texts.connecting, "accent");
    case "waiting": {
      const seconds = secondsToRetry(view, nowMs) ?? 0;
      return line(connection.wasOpen ? texts.lost(seconds) : texts.unreached(seconds));
    }
    case "closed":
      return line(`${closedText(texts, connection)} ${texts.away}`);
    case "open":
      if (problem === "too_large") return line(texts.tooLong(view.maxChars));
      if (problem !== undefined) return line(texts.problem[problem]);
      return view.doNotDisturb === undefined
        ? undefined
        : line(texts.held(heldCount(view)), "accent");
    default:
      return connection satisfies never;
  }
}

/** The line above the input: who is typing, and the scroll position or the search; otherwise hints. */
function footer(screen: Screen, sidebarColumns: number): Line {
  const { view, texts, columns } = screen;
  const names = typingIn(view, view.open).map(sanitizeLine);
  const typing = names.length === 0 ? "" : cut(texts.typing(names), Math.floor(columns / 2));
  const start = sidebarColumns === 0 ? "──" : `${"─".repeat(sidebarColumns)}┴─`;
  const left = typing === "" ? [] : [span(" "), span(typing, "accent"), span(" ")];
  const place = scrollPosition(screen);
  const right = place === undefined ? [] : [span(" "), place, span(" "), span("──", "faint")];
  const rest = Math.max(0, columns - start.length - sizeOf(left) - sizeOf(right));
  const hint = typing === "" && place === undefined ? hintOf(texts, rest - 2) : "";
  const rule = (hint === "" ? "" : ` ${hint} `) + "─".repeat(rest);
  return [span(start, "faint"), ...left, span(rule.slice(0, rest), "faint"), ...right];
}

/** The scroll position in the conversation; undefined: its end. */
function scrollPosition({ view, anchor, search, texts }: Screen): Span | undefined {
  if (search !== undefined) {
    const found = hits(view, search.text);
    const text = cut(sanitizeLine(search.text), 16);
    return span(texts.searching(text, found.indexOf(search.key) + 1, found.length), "strong");
  }
  if (anchor === undefined) return undefined;
  const unread = unreadCount(conversationIn(view, view.open), view.me, shownUpTo(view, view.open));
  return span(`↓ ${texts.below(unread)}`, unread > 0 ? "strong" : "plain");
}

/** As many hints as there is room for. */
function hintOf({ hints }: Texts, columns: number): string {
  let shown = "";
  for (const each of hints) {
    const next = shown === "" ? each : `${shown} · ${each}`;
    if (width(next) > columns) break;
    shown = next;
  }
  return shown;
}

interface Input {
  readonly rows: readonly string[];
  /** Of the cursor, within the rows. */
  readonly row: number;
  readonly column: number;
}

/** The written text in rows; of many, those around the cursor. */
function inputOf({ text, at }: Editor, columns: number, ofRows: number): Input {
  const atMost = Math.max(1, Math.min(INPUT_MAX_ROWS, ofRows - 5));
  const room = columns - PROMPT.length - 1;
  const rows = [""];
  let taken = 0;
  let read = 0;
  let cursor = { row: 0, column: 0 };
  for (const each of graphemes(text)) {
    const size = widthOf(each);
    if (each !== "\n" && taken + size > room) {
      rows.push("");
      taken = 0;
    }
    if (read === at) cursor = { row: rows.length - 1, column: taken };
    read += each.length;
    if (each === "\n") {
      rows.push("");
      taken = 0;
    } else {
      rows[rows.length - 1] += each;
      taken += size;
    }
  }
  if (read === at) cursor = { row: rows.length - 1, column: taken };
  const from = Math.max(0, Math.min(cursor.row - atMost + 1, rows.length - atMost));
  return {
    rows: rows.slice(from, from + atMost),
    row: cursor.row - from,
    column: cursor.column,
  };
}

function shownEditor({ editor, prompt }: Screen): Editor {
  return prompt === undefined ? editor : shownAnswer(prompt);
}

function inputLines(rows: readonly string[], screen: Screen): Line[] {
  if (shownEditor(screen).text === "") {
    const placeholder = cut(placeholderOf(screen), screen.columns - 5);
    return [[span(PROMPT, "strong"), span(placeholder, "faint")]];
  }
  return rows.map((row, at) => [
    span(at === 0 ? PROMPT : "   ", "strong"),
    span(sanitizeLine(row)),
  ]);
}

function placeholderOf({ view: { open }, prompt, texts }: Screen): string {
  if (prompt !== undefined) return texts.answerHint;
  return texts.write(open === EVERYBODY ? undefined : sanitizeLine(open.slice(1)));
}

function joined(beside: Line, line: Line, sidebarColumns: number, transcriptColumns: number): Line {
  if (sidebarColumns === 0) return fitted(line, transcriptColumns);
  return [
    ...fitted(beside, sidebarColumns),
    span("│", "faint"),
    ...fitted(line, transcriptColumns),
  ];
}

/** Exactly so many columns. */
function fitted(line: Line, columns: number): Line {
  const size = sizeOf(line);
  if (size <= columns) return [...line, span(" ".repeat(columns - size))];
  let left = columns;
  return line.map(({ text, look }) => {
    const kept = left <= 0 ? "" : width(text) <= left ? text : fit(text, left);
    left -= width(kept);
    return { text: kept, look };
  });
}

function underlined(line: Line): Line {
  return line.map(({ text, look }) => ({ text, look, isUnderlined: true }));
}

function sizeOf(line: Line): number {
  return line.reduce((sum, { text }) => sum + width(text), 0);
}
