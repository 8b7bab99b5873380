/** Overlays over the end of the conversation: help, users, one user, a note, options. Pure. */
import { peopleList } from "../view/lists.js";
import type { View } from "../view/model.js";
import { ownStatus } from "../view/do-not-disturb.js";
import { isModerator } from "../view/rights.js";
import { isOfModerators } from "./chat-commands.js";
import { sanitizeLine } from "./sanitize.js";
import { span, type Line, type Span } from "./paint.js";
import type { Screen, Overlay } from "./screen.js";
import { dot } from "./sidebar.js";
import type { Texts } from "./texts.js";
import { cut, fit, width, wrap } from "./width.js";

/** In fewer columns, help stands below what it is about. */
const BESIDE_FROM = 60;

export interface OverlayLines {
  readonly lines: readonly Line[];
  /** The first line that is seen; undefined: all are. */
  readonly from: number | undefined;
}

/** Below a rule with its title; no higher than `height`. */
export function overlayLines(
  { view, overlay, prompt, texts }: Screen,
  columns: number,
  height: number,
): OverlayLines {
  const found =
    prompt === undefined
      ? contents(view, overlay, texts, columns - 2)
      : { title: "", lines: wrap(prompt.text, columns - 2).map((text) => [span(text, "bold")]) };
  if (found === undefined || height < 2) return { lines: [], from: undefined };
  const { title, lines } = found;
  const over = Math.max(0, lines.length - (height - 1));
  const wanted = overlay !== undefined && "from" in overlay ? overlay.from : 0;
  const from = Math.max(0, Math.min(wanted, over));
  const shown = lines.slice(from, from + height - 1).map((line) => [span(" ")].concat(line));
  const hint = from < over ? `${texts.moreHint} · ${texts.escHint}` : texts.escHint;
  return { lines: [rule(title, hint, columns), ...shown], from: over > 0 ? from : undefined };
}

function contents(
  view: View,
  overlay: Overlay | undefined,
  texts: Texts,
  columns: number,
): { title: string; lines: Line[] } | undefined {
  if (overlay === undefined) return card(view, texts);
  switch (overlay.type) {
    case "help":
      return { title: texts.helpTitle, lines: help(view, texts, columns) };
    case "users":
      return { title: texts.usersTitle(view.count), lines: users(view, texts, columns) };
    case "answer": {
      const lines = overlay.lines.flatMap((line) => wrap(line, columns));
      return { title: overlay.title, lines: lines.map((text) => [span(text)]) };
    }
    case "note":
      return { title: "", lines: wrap(overlay.text, columns).map((text) => [span(text)]) };
    case "options":
      return { title: "", lines: [options(overlay, columns)] };
    default:
      return overlay satisfies never;
  }
}

function card(
  { card, me, people }: View,
  texts: Texts,
): { title: string; lines: Line[] } | undefined {
  if (card === undefined) return undefined;
  const { user } = card;
  // presence is newer than an answer that was requested once
  const status = people.get(user) ?? card.status;
  const isHere = status === "active" || status === "busy" || status === "inactive";
  const words = `${texts.status[status]}${texts.statusHint[status] === "" ? "" : ` · ${texts.statusHint[status]}`}`;
  const name = user === me ? sanitizeLine(me) : sanitizeLine(user);
  return {
    title: name,
    lines: [[...(isHere ? [dot(status)] : []), span(words)]],
  };
}

function help(view: View, texts: Texts, columns: number): Line[] {
  const words = Object.entries(texts.usage).flatMap(([word, usage]) =>
    isOfModerators(word) && !isModerator(view) ? [] : [usage],
  );
  const entries = [...words, ...texts.keys];
  if (columns < BESIDE_FROM) {
    return entries.flatMap(([form, about]) => [
      [span(cut(form, columns), form.startsWith("/") ? "accent" : "bold")],
      ...wrap(about, columns - 2).map((text) => [span(`  ${text}`, "faint")]),
    ]);
  }
  const first = Math.min(
    Math.max(...entries.map(([form]) => width(form))),
    Math.floor(columns / 2),
  );
  return entries.map(([form, about]) => [
    span(fit(form, first), form.startsWith("/") ? "accent" : "bold"),
    span("  "),
    span(cut(about, columns - first - 2), "faint"),
  ]);
}

function users(view: View, texts: Texts, columns: number): Line[] {
  const own = { name: view.me, status: ownStatus(view) };
  const cells = [own, ...peopleList(view)].map(({ name, status }): Span[] => [
    dot(status),
    span(cut(sanitizeLine(name), 24)),
    span(` ${texts.status[status]}`, "faint"),
  ]);
  const size = Math.max(...cells.map(sizeOf)) + 3;
  const across = Math.max(1, Math.floor((columns + 3) / size));
  const lines: Line[] = [];
  for (let at = 0; at < cells.length; at += across) {
    const row = cells.slice(at, at + across);
    lines.push(row.flatMap((cell) => cell.concat(span(" ".repeat(size - sizeOf(cell))))));
  }
  return view.isFull ? lines : [...lines, [span(texts.onlyWatched, "faint")]];
}

function options({ options, chosen }: Overlay & { type: "options" }, columns: number): Line {
  const line: Span[] = [];
  let left = columns;
  for (let at = chosen > 5 ? chosen - 5 : 0; at < options.length; at++) {
    const text = sanitizeLine(options[at]!).trim();
    left -= width(text) + 3;
    if (left < 0) return [...line, span("…", "faint")];
    line.push(span(text, at === chosen ? "strong" : "plain"), span("   "));
  }
  return line;
}

function sizeOf(spans: readonly Span[]): number {
  return spans.reduce((sum, { text }) => sum + width(text), 0);
}

function rule(title: string, right: string, columns: number): Line {
  const short = cut(title, Math.max(4, columns - width(right) - 7));
  const left =
    short === ""
      ? [span("──", "faint")]
      : [span("─ ", "faint"), span(short, "bold"), span(" ─", "faint")];
  const rest = columns - sizeOf(left);
  const end = ` ${right} ─`;
  if (rest < width(end)) return [...left, span("─".repeat(rest), "faint")];
  return [...left, span("─".repeat(rest - width(end)) + end, "faint")];
}
