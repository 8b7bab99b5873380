/** Days and times as people read them, by language and region. Pure, except for the time zone. */

export interface DayWords {
  readonly today: string;
  readonly yesterday: string;
}

/** The moment at which a day of the calendar begins: 23, 24 or 25 hours after the one before. */
export function startOfDay(ts: number, daysLater = 0): number {
  const day = new Date(ts);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysLater).getTime();
}

/** `Today`, `Yesterday`, `Tuesday 5 May`; of another year, with the year. */
export function dayName(ts: number, nowMs: number, words: DayWords, locale: string): string {
  const day = startOfDay(ts);
  if (day === startOfDay(nowMs)) return words.today;
  if (day === startOfDay(nowMs, -1)) return words.yesterday;
  return format(locale, { weekday: "long", month: "long", ...dayAndYear(ts, nowMs) }).format(ts);
}

/** `5 May`; of another year, with the year. */
export function shortDay(ts: number, nowMs: number, locale: string): string {
  return format(locale, { month: "short", ...dayAndYear(ts, nowMs) }).format(ts);
}

/** `14:05` */
export function clock(ts: number, locale: string): string {
  return format(locale, { timeStyle: "short" }).format(ts);
}

/** Everything, to the second. */
export function fullTime(ts: number, locale: string): string {
  return format(locale, { dateStyle: "full", timeStyle: "medium" }).format(ts);
}

/**
 * A locale for the language that the texts are in, with the habits of where the reader lives: to a
 * German who reads English it is Tuesday, 5 May at 14:05, not May 5 at 2:05 PM.
 * @param reader The locale that the reader prefers: `en-GB`, `de`.
 */
export function localeIn(language: string, reader: string): string {
  const { region } = new Intl.Locale(reader).maximize();
  const { hourCycle } = new Intl.DateTimeFormat(reader, { hour: "numeric" }).resolvedOptions();
  let { locale } = new Intl.DateTimeFormat(`${language}-${region}`).resolvedOptions();
  if (locale === "en" && region !== "US") locale = "en-001"; // of the world
  return `${locale}-u-hc-${hourCycle}`;
}

function dayAndYear(ts: number, nowMs: number): Intl.DateTimeFormatOptions {
  const isThisYear = new Date(ts).getFullYear() === new Date(nowMs).getFullYear();
  return { day: "numeric", ...(!isThisYear && { year: "numeric" }) };
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Cached: creating a formatter takes a browser as long as a hundred uses. */
function format(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale + JSON.stringify(options);
  const known = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, known);
  return known;
}
