/** Days and times as people read them, around midnight, changes of the clock, and the world. */
import { afterAll, expect, test } from "vitest";
import { clock, dayName, localeIn, shortDay, startOfDay } from "#tertulia/clients/view/days.js";
import { readOptions } from "#tertulia/clients/tui/options.js";
import { textsFor } from "#tertulia/clients/tui/language.js";

const own = process.env["TZ"];
const liveIn = (zone: string | undefined): void => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
};
afterAll(() => liveIn(own));

const words = { today: "Today", yesterday: "Yesterday" };
const named = (ts: string, now: string): string =>
  dayName(new Date(ts).getTime(), new Date(now).getTime(), words, "en-GB");

test.each<[what: string, zone: string, ts: string, now: string, name: string]>([
  ["the last second of a day", "Europe/Berlin", "2026-05-05T23:59:59", "2026-05-05T00:00", "Today"],
  ["a second later", "Europe/Berlin", "2026-05-05T23:59:59", "2026-05-06T00:00", "Yesterday"],
  ["a day of 23 hours", "Europe/Berlin", "2026-03-28T23:30", "2026-03-29T23:45", "Yesterday"],
  [
    "the day after it",
    "Europe/Berlin",
    "2026-03-28T23:30",
    "2026-03-30T00:15",
    "Saturday 28 March",
  ],
  ["… within 24 hours", "Europe/Berlin", "2026-03-29T00:10", "2026-03-30T00:15", "Yesterday"],
  ["a day of 25 hours", "Europe/Berlin", "2026-10-25T00:10", "2026-10-25T23:45", "Today"],
  ["… and before it", "Europe/Berlin", "2026-10-24T23:30", "2026-10-25T23:59", "Yesterday"],
  ["… and behind it", "Europe/Berlin", "2026-10-25T00:10", "2026-10-26T00:15", "Yesterday"],
  ["no midnight", "America/Santiago", "2026-09-05T12:00", "2026-09-06T01:10", "Yesterday"],
  ["midnight twice", "America/Havana", "2026-11-01T00:30", "2026-11-01T23:50", "Today"],
  ["the first of the year", "UTC", "2025-12-31T12:00", "2026-01-01T00:00", "Yesterday"],
  ["another year", "UTC", "2025-12-30T12:00", "2026-01-01T00:00", "Tuesday, 30 December 2025"],
  ["a clock that is slow", "UTC", "2026-05-06T00:10", "2026-05-05T23:59", "Wednesday 6 May"],
])("%s", (_, zone, ts, now, name) => {
  liveIn(zone);
  expect(named(ts, now)).toBe(name);
});

test.each(["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"])(
  "in %s every moment of a year belongs to the day of its date, and the day before is yesterday",
  (zone) => {
    liveIn(zone);
    for (let day = 1; day <= 366; day++) {
      const begin = startOfDay(new Date(2026, 0, day, 12).getTime());
      const next = startOfDay(begin, 1);
      expect(new Date(next - 1).toDateString()).toBe(new Date(2026, 0, day).toDateString());
      expect(new Date(next).toDateString()).toBe(new Date(2026, 0, day + 1).toDateString());
      expect(dayName(begin, next, words, "en")).toBe("Yesterday");
      expect(dayName(next - 1, next, words, "en")).toBe("Yesterday");
    }
  },
);

test.each<[language: string, reader: string, time: string, day: string]>([
  ["en", "en-GB", "14:05", "Tuesday 5 May"],
  ["en", "en-US", "2:05 PM", "Tuesday, May 5"],
  ["en", "en", "2:05 PM", "Tuesday, May 5"],
  ["en", "de", "14:05", "Tuesday, 5 May"],
  ["en", "pt-BR", "14:05", "Tuesday, 5 May"],
  ["es", "es-ES", "14:05", "martes, 5 de mayo"],
  ["es", "es-MX", "2:05 p.m.", "martes, 5 de mayo"],
])("in %s to a reader of %s it is %s on %s", (language, reader, time, day) => {
  liveIn("UTC");
  const locale = localeIn(language, reader);
  const ts = Date.UTC(2026, 4, 5, 14, 5);
  expect(clock(ts, locale).replaceAll(/\s/g, " ")).toBe(time);
  expect(dayName(ts, Date.UTC(2026, 5, 1), words, locale)).toBe(day);
  expect(shortDay(ts, Date.UTC(2027, 5, 1), locale)).toContain("2026");
});

test.each<[environment: Record<string, string>, day: string]>([
  [{ LANG: "en_GB.UTF-8" }, "Tuesday 5 May"],
  [{ LANG: "en_US.UTF-8" }, "Tuesday, May 5"],
  [{ LANG: "en_US.UTF-8", LC_TIME: "de_DE.UTF-8" }, "Tuesday, 5 May"],
  [{ LANG: "en_GB", LC_ALL: "es_ES.UTF-8", LC_TIME: "en_US" }, "martes, 5 de mayo"],
  [{ LANG: "C.UTF-8" }, "Tuesday, May 5"],
  [{ LANG: "POSIX" }, "Tuesday, May 5"],
  [{}, "Tuesday, May 5"],
])("the terminal takes the dates of %j", (environment, day) => {
  liveIn("UTC");
  const around = { environment, isInputTty: true, isOutputTty: true };
  const asked = readOptions(["--name", "ana"], around);
  if (asked.type !== "run") throw new Error("it does not run");
  const texts = textsFor(asked.options.locale, asked.options.dates);
  expect(dayName(Date.UTC(2026, 4, 5), Date.UTC(2026, 5, 1), texts, texts.locale)).toBe(day);
});
