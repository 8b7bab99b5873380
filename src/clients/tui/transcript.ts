/** The transcript: the open conversation as lines for a terminal, and the range of them that is visible. Pure. */
import type { Message } from "../sdk/events.js";
import { emoteOf } from "../view/emote.js";
import { EVERYBODY, type Outgoing, type View } from "../view/model.js";
import { dayName } from "../view/days.js";
import { conversationIn } from "../view/accessors.js";
import { timelineRows, type Row } from "../view/timeline.js";
import { sanitize, sanitizeLine } from "./sanitize.js";
import { highlighted, occurrences, type Highlight, type Range } from "./highlights.js";
import { mentions } from "./mentions.js";
import { span, type Line, type Look, type Span } from "./paint.js";
import type { Anchor, Search } from "./screen.js";
import type { Texts } from "./texts.js";
import { cut, fitRight, width, wrap } from "./width.js";

export interface TranscriptLine extends Anchor {
  readonly spans: Line;
  /** Before this number, messages are missing that can be requested. */
  readonly missingBefore: number | undefined;
}

/** What the lines depend on beside the rows. */
interface LayoutContext {
  readonly view: View;
  readonly texts: Texts;
  readonly today: number;
  readonly search: Search | undefined;
  readonly columns: number;
  readonly name: number;
  readonly text: number;
}

const TIME = 5;
const NAMES_AT_MOST = 14;

export function transcriptLines(
  view: View,
  columns: number,
  texts: Texts,
  today: number,
  search?: Search,
): TranscriptLine[] {
  const shown = timelineRows(view);
  const name = nameColumns(shown, view.me, texts, columns);
  const text = columns - indent(name);
  const context = { view, texts, today, search, columns, name, text };
  const lines = topLine(shown, context);
  for (const row of shown) {
    const spans = linesOf(row, context);
    const missingBefore = row.type === "gap" && !row.isGone ? row.before : undefined;
    lines.push(...spans.map((each, line) => ({ key: row.key, line, spans: each, missingBefore })));
  }
  return lines;
}

/** The visible lines: as many as fit. */
export function visibleRange(
  lines: readonly Anchor[],
  anchor: Anchor | undefined,
  height: number,
): { from: number; until: number } {
  const found =
    anchor === undefined
      ? -1
      : lines.findLastIndex(({ key, line }) => key === anchor.key && line <= anchor.line);
  const until = found === -1 ? lines.length : Math.min(lines.length, Math.max(found + 1, height));
  return { from: Math.max(0, until - height), until };
}

/** The anchor after scrolling by so many lines; undefined: the end. */
export function scrollBy(
  lines: readonly Anchor[],
  anchor: Anchor | undefined,
  height: number,
  by: number,
): Anchor | undefined {
  const { until } = visibleRange(lines, anchor, height);
  const next = Math.max(until + by, Math.min(height, lines.length));
  const last = lines[next - 1];
  return next >= lines.length || last === undefined
    ? undefined
    : { key: last.key, line: last.line };
}

/** The width of the column of names: as wide as the longest one, within bounds. */
function nameColumns(shown: readonly Row[], me: string, texts: Texts, columns: number): number {
  let name = 4;
  for (const row of shown) {
    if (row.type === "message") name = Math.max(name, width(authorOf(row.message, texts)));
    if (row.type === "outgoing") name = Math.max(name, width(sanitizeLine(me)));
  }
  return Math.min(name, NAMES_AT_MOST, Math.floor(columns / 5));
}

/** Time and name with the blanks around them: ` 12:05  bob  `. */
function indent(name: number): number {
  return TIME + name + 4;
}

function linesOf(row: Row, context: LayoutContext): Line[] {
  const { view, texts, today, columns } = context;
  switch (row.type) {
    case "day":
      return [ruled(dayName(row.ts, today, texts, texts.locale), "faint", columns)];
    case "new":
      return [ruled(texts.newLine, "accent", columns)];
    case "gap": {
      const isLoading = conversationIn(view, view.open).loading !== undefined;
      const text = row.isGone ? texts.gone : isLoading ? texts.loading : texts.loadOlder;
      return [centered(text, "faint", columns)];
    }
    case "message":
      return messageLines(row, context);
    case "outgoing": {
      const { text, ts } = row.outgoing;
      const isAction = emoteOf(text) !== undefined;
      const who = span(isAction ? "*" : sanitizeLine(view.me), "accent");
      return withTimeAndName(
        who,
        ts,
        outgoingLines(row.outgoing, context),
        context,
        isSearchHit(row, context),
      );
    }
    default:
      return row satisfies never;
  }
}

function isSearchHit({ key }: Row, { search }: LayoutContext): boolean {
  return search?.key === key;
}

/** An action (`/me waves`) has a star in place of the name, and the name before the text. */
function messageLines(row: Row & { type: "message" }, context: LayoutContext): Line[] {
  const { message, isOwn } = row;
  const { search, texts } = context;
  if (message.removed === true) {
    const gone = span(cut(texts.removed, context.text), "faint");
    const author = span(authorOf(message, texts), isOwn ? "accent" : "bold");
    return withTimeAndName(author, message.ts, [[gone]], context, false);
  }
  const { text, lines, ...found } = wrapped(message, context);
  const from = authorOf(message, texts);
  const isAction = emoteOf(message.text) !== undefined;
  const nameEnd = isAction ? from.length : 0;
  const said = (places: readonly Range[]): Range[] =>
    places.filter(({ from: at }) => at >= nameEnd);
  const own = said(found.own);
  const look: Look = own.length > 0 ? "mention" : isOwn ? "accent" : "bold";
  const highlights: Highlight[] = [
    ...said(search === undefined ? [] : occurrences(text, search.text)).map(toHighlight("match")),
    ...own.map(toHighlight("mention")),
    { from: 0, to: nameEnd, look },
  ];
  const who = span(isAction ? "*" : from, look);
  const body = highlighted(text, lines, highlights);
  return withTimeAndName(who, message.ts, body, context, isSearchHit(row, context));
}

function toHighlight(look: Look): (place: Range) => Highlight {
  return (place) => ({ ...place, look });
}

function outgoingLines(outgoing: Outgoing, { text: columns, texts, view }: LayoutContext): Line[] {
  const { state, problem } = outgoing;
  const body = wrap(shownText(outgoing.text, sanitizeLine(view.me)), columns - 2);
  const mark = { pending: "…", sent: "✓", failed: "!" }[state];
  const look: Look = state === "sent" ? "plain" : state === "failed" ? "bad" : "faint";
  const lines = body.map((text, at): Span[] =>
    at === body.length - 1 ? [span(text, look), span(` ${mark}`, look)] : [span(text, look)],
  );
  if (state !== "failed") return lines;
  const why = `${texts.failed}: ${texts.problem[problem ?? "unknown"]}`;
  return [
    ...lines,
    ...wrap(why, columns).map((text) => [span(text, "bad")]),
    [span(cut(texts.failedHint, columns), "faint")],
  ];
}

/** Time and name on the first line, the text beside them. */
function withTimeAndName(
  who: Span,
  ts: number,
  body: readonly Line[],
  { name }: LayoutContext,
  isHit: boolean,
): Line[] {
  return body.map((line, at): Line => {
    if (at > 0) return [span(" ".repeat(indent(name))), ...line];
    const time = new Date(ts).toTimeString().slice(0, TIME); // 24 hours, as terminals have it
    return [
      span(isHit ? "▌" : " ", "accent"),
      span(`${time} `, "faint"),
      span(fitRight(who.text, name), who.look),
      span("  "),
      ...line,
    ];
  });
}

function topLine(shown: readonly Row[], { view, texts, columns }: LayoutContext): TranscriptLine[] {
  const { isLoaded, floor, loading } = conversationIn(view, view.open);
  if (shown[0]?.type === "gap" && shown[0].after === 0) return [];
  const peer = view.open === EVERYBODY ? undefined : sanitizeLine(view.open.slice(1));
  let text = "";
  if (!isLoaded) text = loading === undefined ? "" : texts.loading;
  else if (floor > 1) text = texts.gone;
  else if (shown.some(({ type }) => type === "message")) text = texts.beginning;
  else text = peer === undefined ? texts.emptyAll : texts.emptyPrivate(peer);
  const spans = centered(text, "faint", columns);
  return [{ key: "top", line: 0, spans, missingBefore: undefined }];
}

function centered(text: string, look: Look, columns: number): Line {
  const short = cut(text, columns);
  const before = Math.max(0, Math.floor((columns - width(short)) / 2));
  return [span(" ".repeat(before)), span(short, look)];
}

function ruled(text: string, look: Look, columns: number): Line {
  const short = cut(text, columns - 4);
  const rest = Math.max(0, columns - width(short) - 4);
  const before = Math.floor(rest / 2);
  return [span(` ${"─".repeat(before)} ${short} ${"─".repeat(rest - before)}`, look)];
}

interface Wrapped {
  readonly columns: number;
  readonly text: string;
  readonly lines: readonly string[];
  /** Where it mentions the user. */
  readonly own: readonly Range[];
}

const wrappings = new WeakMap<Message, Wrapped & { readonly me: string }>();

/** Who has left for good has no name any more. */
function authorOf({ from }: Message, texts: Texts): string {
  return from === EVERYBODY ? texts.leftForGood : sanitizeLine(from);
}

function wrapped(message: Message, { view: { me }, texts, text: columns }: LayoutContext): Wrapped {
  const known = wrappings.get(message);
  if (known?.columns === columns && known.me === me) return known;
  const text = shownText(message.text, authorOf(message, texts));
  const own = message.from === me ? [] : mentions(text, me);
  const next = { columns, me, text, lines: wrap(text, columns), own };
  wrappings.set(message, next);
  return next;
}

function shownText(text: string, author: string): string {
  const action = emoteOf(text);
  return sanitize(action === undefined ? text : `${author} ${action}`);
}
