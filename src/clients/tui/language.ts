/** The language of a terminal: its texts, and its way to write dates. */
import { localeIn } from "../view/days.js";
import { english } from "./texts-en.js";
import { spanish } from "./texts-es.js";
import type { Texts } from "./texts.js";

/**
 * @param language The value of `LC_ALL`, `LC_MESSAGES` or `LANG`.
 * @param dates Of `LC_ALL`, `LC_TIME` or `LANG`: one may read English and live where the day comes first.
 */
export function textsFor(language: string, dates = language): Texts {
  const texts = /^es\b|^es_/i.test(language) ? spanish : english;
  const [, tongue, region] = /^([a-z]{2,3})_([a-z]{2})\b/i.exec(dates) ?? []; // neither `C` nor `POSIX`
  const reader = tongue === undefined ? texts.language : `${tongue}-${region}`;
  return { ...texts, locale: localeIn(texts.language, reader) };
}
