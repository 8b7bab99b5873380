/** Days and times on the page. What depends on today's date is rendered again at midnight. */
import { createContext, type ComponentChildren } from "preact";
import { useContext } from "preact/hooks";
import {
  clock as clockOf,
  dayName,
  fullTime,
  localeIn,
  shortDay,
  startOfDay,
} from "../view/days.js";
import { useActions } from "./chat-session.js";
import type { Texts } from "./texts.js";

/** When today began. */
export const TodayContext = createContext(startOfDay(Date.now()));

/** The day of a message, as a heading. */
export function Day({ ts }: { readonly ts: number }): ComponentChildren {
  const { t } = useActions();
  return dayName(ts, useContext(TodayContext), t, localeOf(t));
}

/** `14:05` of today; `4 May` of another day. */
export function ShortTime({ ts }: { readonly ts: number }): ComponentChildren {
  const { t } = useActions();
  const today = useContext(TodayContext);
  const text = startOfDay(ts) === today ? clock(ts, t) : shortDay(ts, today, localeOf(t));
  return <time dateTime={new Date(ts).toISOString()}>{text}</time>;
}

/** `14:05` */
export function clock(ts: number, t: Texts): string {
  return clockOf(ts, localeOf(t));
}

export function longTime(ts: number, t: Texts): string {
  return fullTime(ts, localeOf(t));
}

const locales = new Map<string, string>();

function localeOf({ locale: language }: Texts): string {
  const known = locales.get(language) ?? localeIn(language, navigator.languages[0] ?? language);
  locales.set(language, known);
  return known;
}
