/** The open conversation as lines for a terminal, and the part of them that is seen. Pure. */
import type { Message } from "../sdk/events.js";
import { EVERYBODY, type Outgoing, type View } from "../view/model.js";
import { dayName } from "../view/days.js";
import { standing } from "../view/parts.js";
import { rows, type Row } from "../view/rows.js";
import { clean, cleanLine } from "./clean.js";
import { span, type Line, type Look, type Span } from "./paint.js";
import type { Anchor } from "./screen.js";
import type { Texts } from "./texts.js";
import { cut, fitRight, width, wrap } from "./width.js";

export interface TalkLine extends Anchor {
  readonly spans: Line;
  /** Before this number messages are missing here that can be had. */
  readonly missingBefore: number | undefined;
}

interface Sizes {
  readonly columns: number;
  readonly name: number;
  readonly text: number;
}

const TIME = 5;
const NAMES_AT_MOST = 14;

export function talk(view: View, columns: number, texts: Texts, today: number): TalkLine[] {
  const shown = rows(view);
  const sizes = sizesFor(shown, view.me, columns);
  const lines = [...top(view, shown, sizes, texts)];
  for (const row of shown) {
    const spans = linesOf(row, view, sizes, texts, today);
    const missingBefore = row.type === "gap" && !row.isGone ? row.before : undefined;
    lines.push(...spans.map((each, line) => ({ key: row.key, line, spans: each, missingBefore })));
  }
  return lines;
}

/** The lines that fit; at least as many as there are, if there are enough. */
export function seen(
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

/** Where one is after scrolling by so many lines; undefined: at the end. */
export function scrolled(
  lines: readonly Anchor[],
  anchor: Anchor | undefined,
  height: number,
  by: number,
): Anchor | undefined {
  const { until } = seen(lines, anchor, height);
  const next = Math.max(until + by, Math.min(height, lines.length));
  const last = lines[next - 1];
  return next >= lines.length || last === undefined
    ? undefined
    : { key: last.key, line: last.line };
}

/** As wide as the names are, within bounds, so that texts stand in one column. */
function sizesFor(shown: readonly Row[], me: string, columns: number): Sizes {
  let name = 4;
  for (const row of shown) {
    if (row.type === "message") name = Math.max(name, width(cleanLine(row.message.from)));
    if (row.type === "outgoing") name = Math.max(name, width(me));
  }
  name = Math.min(name, NAMES_AT_MOST, Math.floor(columns / 5));
  return { columns, name, text: columns - TIME - name - 5 };
}

function linesOf(row: Row, view: View, sizes: Sizes, texts: Texts, today: number): Line[] {
  switch (row.type) {
    case "day":
      return [[], centered(dayName(row.ts, today, texts, texts.locale), "faint", sizes)];
    case "new":
      return [ruled(texts.newLine, sizes)];
    case "gap": {
      const isLoading = standing(view, view.open).loading !== undefined;
      const text = row.isGone ? texts.gone : isLoading ? texts.loading : texts.loadOlder;
      return [centered(text, "faint", sizes)];
    }
    case "message": {
      const { message, isOwn, isRun } = row;
      const who = span(cleanLine(message.from), isOwn ? "accent" : "bold");
      const body = wrapped(message, sizes.text).map((text) => [span(text)]);
      return [
        ...(isRun ? [] : [[]]),
        ...beside(isRun ? undefined : { who, ts: message.ts }, body, sizes),
      ];
    }
    case "outgoing": {
      const who = { who: span(cleanLine(view.me), "accent"), ts: row.outgoing.ts };
      return [[], ...beside(who, outgoingLines(row.outgoing, sizes, texts), sizes)];
    }
    default:
      return row satisfies never;
  }
}

function outgoingLines(outgoing: Outgoing, { text: columns }: Sizes, texts: Texts): Line[] {
  const { state, problem } = outgoing;
  const body = wrap(clean(outgoing.text), columns - 2);
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
function beside(
  head: { readonly who: Span; readonly ts: number } | undefined,
  body: readonly Line[],
  { name }: Sizes,
): Line[] {
  return body.map((line, at): Line => {
    if (head === undefined || at > 0) return [span(" ".repeat(TIME + name + 5)), ...line];
    const { who, ts } = head;
    const time = new Date(ts).toTimeString().slice(0, TIME); // 24 hours, as terminals have it
    return [
      span(` ${time}  `, "faint"),
      span(fitRight(who.text, name), who.look),
      span("  "),
      ...line,
    ];
  });
}

function top(view: View, shown: readonly Row[], sizes: Sizes, texts: Texts): TalkLine[] {
  const { isLoaded, floor, loading } = standing(view, view.open);
  if (shown[0]?.type === "gap" && shown[0].after === 0) return [];
  const peer = view.open === EVERYBODY ? undefined : cleanLine(view.open.slice(1));
  let text = "";
  if (!isLoaded) text = loading === undefined ? "" : texts.loading;
  else if (floor > 1) text = texts.gone;
  else if (shown.some(({ type }) => type === "message")) text = texts.beginning;
  else text = peer === undefined ? texts.emptyAll : texts.emptyPrivate(peer);
  const spans = [[], centered(text, "faint", sizes)];
  return spans.map((each, line) => ({ key: "top", line, spans: each, missingBefore: undefined }));
}

function centered(text: string, look: Look, { columns }: Sizes): Line {
  const short = cut(text, columns);
  const before = Math.max(0, Math.floor((columns - width(short)) / 2));
  return [span(" ".repeat(before)), span(short, look)];
}

function ruled(text: string, { columns }: Sizes): Line {
  const rest = Math.max(0, columns - width(text) - 4);
  const before = Math.floor(rest / 2);
  return [span(` ${"─".repeat(before)} ${text} ${"─".repeat(rest - before)}`, "accent")];
}

const wrappings = new WeakMap<Message, { readonly columns: number; readonly lines: string[] }>();

function wrapped(message: Message, columns: number): string[] {
  const known = wrappings.get(message);
  if (known?.columns === columns) return known.lines;
  const lines = wrap(clean(message.text), columns);
  wrappings.set(message, { columns, lines });
  return lines;
}
