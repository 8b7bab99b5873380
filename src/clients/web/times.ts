/** Times as people read them. */
import type { Texts } from "./texts.js";

const formats = new Map<string, Intl.DateTimeFormat>();

/** `14:05` */
export function clock(ts: number, { locale }: Texts): string {
  return format(locale, "clock", { timeStyle: "short" }).format(ts);
}

/** `14:05` of today; `4 May` of another day. */
export function shortTime(ts: number, t: Texts, nowMs = Date.now()): string {
  if (isSameDay(ts, nowMs)) return clock(ts, t);
  return format(t.locale, "short", { day: "numeric", month: "short" }).format(ts);
}

/** `Today`, `Yesterday`, `Tuesday, 5 May`. */
export function dayName(ts: number, t: Texts, nowMs = Date.now()): string {
  if (isSameDay(ts, nowMs)) return t.today;
  const yesterday = new Date(nowMs);
  yesterday.setDate(yesterday.getDate() - 1);
  if (isSameDay(ts, yesterday.getTime())) return t.yesterday;
  return format(t.locale, "day", { weekday: "long", day: "numeric", month: "long" }).format(ts);
}

export function fullTime(ts: number, { locale }: Texts): string {
  return format(locale, "full", { dateStyle: "full", timeStyle: "medium" }).format(ts);
}

function format(
  locale: string,
  name: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `${locale} ${name}`;
  const known = formats.get(key) ?? new Intl.DateTimeFormat(localeOf(locale), options);
  formats.set(key, known);
  return known;
}

/** The reader's own variant of the language, if the browser names one. */
function localeOf(language: string): string {
  return navigator.languages.find((each) => each.startsWith(language)) ?? language;
}

function isSameDay(one: number, other: number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}
