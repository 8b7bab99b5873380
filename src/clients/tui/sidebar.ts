/** The column beside the conversation: conversations with what is unread in them, and who is here. Pure. */
import type { Status } from "../sdk/events.js";
import { conversationList, peopleList, type ConversationLine } from "../view/lists.js";
import type { View } from "../view/model.js";
import { hasUnreadMention } from "./bell.js";
import { sanitizeLine } from "./sanitize.js";
import { span, type Line, type Span } from "./paint.js";
import type { Texts } from "./texts.js";
import { fit, fitRight, width } from "./width.js";

export function sidebar(view: View, columns: number, height: number, texts: Texts): Line[] {
  const conversations = conversationList(view);
  const atMost = Math.max(3, Math.floor(height / 2) - 2);
  const lines: Line[] = [
    title(texts.conversations, "", columns),
    ...upToHeight(conversations, atMost, columns, texts, (line, at) =>
      conversationLine(line, at, columns, texts, line.peer === undefined && hasUnreadMention(view)),
    ),
    [],
    title(texts.people, view.count > 1 ? String(view.count - 1) : "", columns),
  ];
  const people = peopleList(view);
  if (!view.isFull) lines.push([span(` ${fit(texts.onlyWatched, columns - 1)}`, "faint")]);
  else if (people.length === 0)
    lines.push([span(` ${fit(texts.nobodyElse, columns - 1)}`, "faint")]);
  const rest = height - lines.length;
  lines.push(
    ...upToHeight(people, rest, columns, texts, ({ name, status }) => [
      span(" "),
      dot(status),
      ...nameAndStatus(sanitizeLine(name), status, columns - 3, texts),
    ]),
  );
  return lines;
}

/** Shapes that can be told apart without colours. */
export function dot(status: Status | undefined): Span {
  switch (status) {
    case "active":
      return span("● ", "accent");
    case "busy":
      return span("◐ ");
    case "inactive":
      return span("○ ", "faint");
    case undefined:
      return span("  ");
    default:
      return status satisfies never;
  }
}

function title(text: string, count: string, columns: number): Line {
  return [span(` ${fit(text, columns - 2 - count.length)}${count} `, "faint")];
}

function conversationLine(
  { peer, unread, isOpen, hasFailed, draft, status }: ConversationLine,
  at: number,
  columns: number,
  texts: Texts,
  isMentioned: boolean,
): Line {
  const number = at < 9 ? String(at + 1) : " ";
  const mark = hasFailed
    ? "!"
    : unread > 0
      ? `${isMentioned ? "@" : ""}${Math.min(unread, 9_999)}`
      : draft !== "" && !isOpen
        ? "…"
        : "";
  const name = fit(
    peer === undefined ? texts.everybody : sanitizeLine(peer),
    columns - 8 - mark.length,
  );
  return [
    span(isOpen ? "▌" : " ", "accent"),
    span(`${number} `, "faint"),
    span(name, isOpen ? "strong" : unread > 0 ? "bold" : "plain"),
    span(" "),
    peer === undefined ? span("  ") : dot(status),
    span(" "),
    span(mark, hasFailed ? "bad" : unread > 0 ? "strong" : "faint"),
    span(" "),
  ];
}

function nameAndStatus(name: string, status: Status, columns: number, texts: Texts): Line {
  if (status === "active") return [span(fit(name, columns))];
  const word = texts.status[status];
  const room = columns - width(word) - 2;
  const look = status === "inactive" ? "faint" : "plain";
  if (room < 4 || width(name) > room) return [span(fit(name, columns), look)];
  return [span(fit(name, room), look), span(` ${fitRight(word, width(word))} `, "faint")];
}

function upToHeight<T>(
  all: readonly T[],
  height: number,
  columns: number,
  texts: Texts,
  line: (each: T, at: number) => Line,
): Line[] {
  if (all.length <= height) return all.map(line);
  const shown = Math.max(0, height - 1);
  const more = span(` ${fit(texts.more(all.length - shown), columns - 1)}`, "faint");
  return [...all.slice(0, shown).map(line), [more]];
}
