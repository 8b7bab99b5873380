/** Tab: commands, names and statuses that go on from what is written; again, the next one. Pure. */
import { fold } from "../view/search.js";
import { STATUSES, WORDS, wordOf, type Word } from "./commands.js";
import type { Editor } from "./editor.js";
import { begunName, writeName } from "./names.js";

/** Where one is among several; kept as long as nothing but Tab is pressed. */
export interface Cycle {
  readonly options: readonly string[];
  readonly chosen: number;
  readonly from: number;
}

export interface Known {
  readonly names: readonly string[];
  readonly language: "en" | "es";
}

const TAKE_NAMES: ReadonlySet<Word | undefined> = new Set<Word>(["info", "msg", "history", "to"]);

export function complete(
  editor: Editor,
  cycle: Cycle | undefined,
  by: 1 | -1,
  known: Known,
): { editor: Editor; cycle: Cycle | undefined } {
  const next = cycle === undefined ? begun(editor, known) : turned(cycle, by);
  const option = next?.options[next.chosen];
  if (next === undefined || option === undefined) return { editor, cycle: undefined };
  const text = editor.text.slice(0, next.from) + option + editor.text.slice(editor.at);
  return { editor: { ...editor, text, at: next.from + option.length }, cycle: next };
}

function turned(cycle: Cycle, by: 1 | -1): Cycle {
  const count = cycle.options.length;
  return { ...cycle, chosen: (cycle.chosen + by + count) % count };
}

function begun({ text, at }: Editor, known: Known): Cycle | undefined {
  const before = text.slice(0, at);
  const command = /^\/(\S*)$/.exec(before);
  if (command) {
    const language = known.language === "es" ? 1 : 0;
    const words = Object.values(WORDS).map((names) => names[language] ?? names[0]);
    const written = (word: string): string => `${word} `;
    const aliases = [...new Set(Object.values(WORDS).flat())];
    return cycleOf(words, command[1]!, 1, written) ?? cycleOf(aliases, command[1]!, 1, written);
  }
  const [, written = "", argument] = /^\/(\S+)\s+([^]*)$/.exec(before) ?? [];
  const word = wordOf(written);
  if (argument !== undefined && word === "status") {
    const own = [...STATUSES.keys()].slice(...(known.language === "es" ? [3, 6] : [0, 3]));
    return cycleOf(own, argument, at - argument.length, (status) => status);
  }
  const name = argument !== undefined && TAKE_NAMES.has(word) ? begunName(argument) : undefined;
  if (name !== undefined) {
    return cycleOf(known.names, name, at - argument!.length, (each) => `${writeName(each)} `);
  }
  if (text.startsWith("/") && word !== undefined && word !== "msg" && word !== "all")
    return undefined;
  const start = /(?:^|\s)@?([^\s@]+)$/.exec(before)?.[1];
  if (start === undefined) return undefined;
  const from = at - start.length;
  return cycleOf(known.names, start, from, (name) => (from === 0 ? `${name}: ` : `${name} `));
}

function cycleOf(
  words: readonly string[],
  start: string,
  from: number,
  written: (word: string) => string,
): Cycle | undefined {
  const wanted = fold(start);
  const options = words.filter((word) => fold(word).startsWith(wanted)).map(written);
  return options.length === 0 ? undefined : { options, chosen: 0, from };
}
