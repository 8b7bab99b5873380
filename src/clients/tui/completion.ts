/** Tab completion of commands, names and statuses; Tab again takes the next option. Pure. */
import { fold } from "../view/search.js";
import { isOfModerators } from "./chat-commands.js";
import { STATUSES, WORDS, wordOf, type Word } from "./commands.js";
import type { Editor } from "./editor.js";
import { unfinishedName, writeName } from "./names.js";

/** The options and the chosen one; kept as long as only Tab is pressed. */
export interface Completion {
  readonly options: readonly string[];
  readonly chosen: number;
  readonly from: number;
}

export interface Candidates {
  readonly names: readonly string[];
  readonly language: "en" | "es";
  readonly isModerator: boolean;
}

const TAKE_NAMES: ReadonlySet<Word | undefined> = new Set<Word>([
  ...(["info", "msg", "history", "to", "block", "unblock", "remove"] as const),
  ...(["kick", "ban", "unban", "mute", "unmute"] as const),
]);

export function complete(
  editor: Editor,
  completion: Completion | undefined,
  by: 1 | -1,
  candidates: Candidates,
): { editor: Editor; cycle: Completion | undefined } {
  const next =
    completion === undefined ? newCompletion(editor, candidates) : nextOption(completion, by);
  const option = next?.options[next.chosen];
  if (next === undefined || option === undefined) return { editor, cycle: undefined };
  const text = editor.text.slice(0, next.from) + option + editor.text.slice(editor.at);
  return { editor: { ...editor, text, at: next.from + option.length }, cycle: next };
}

function nextOption(completion: Completion, by: 1 | -1): Completion {
  const count = completion.options.length;
  return { ...completion, chosen: (completion.chosen + by + count) % count };
}

function newCompletion({ text, at }: Editor, candidates: Candidates): Completion | undefined {
  const before = text.slice(0, at);
  const command = /^\/(\S*)$/.exec(before);
  if (command) {
    const language = candidates.language === "es" ? 1 : 0;
    const known = Object.entries(WORDS).flatMap(([word, names]) =>
      isOfModerators(word) && !candidates.isModerator ? [] : [names],
    );
    const words = known.map((names) => names[language] ?? names[0]);
    const written = (word: string): string => `${word} `;
    const aliases = [...new Set(known.flat())];
    return (
      completionOf(words, command[1]!, 1, written) ?? completionOf(aliases, command[1]!, 1, written)
    );
  }
  const [, written = "", argument] = /^\/(\S+)\s+([^]*)$/.exec(before) ?? [];
  const word = wordOf(written);
  if (argument !== undefined && word === "status") {
    const own = [...STATUSES.keys()].slice(...(candidates.language === "es" ? [3, 6] : [0, 3]));
    return completionOf(own, argument, at - argument.length, (status) => status);
  }
  const name =
    argument !== undefined && TAKE_NAMES.has(word) ? unfinishedName(argument) : undefined;
  if (name !== undefined) {
    return completionOf(
      candidates.names,
      name,
      at - argument!.length,
      (each) => `${writeName(each)} `,
    );
  }
  if (text.startsWith("/") && word !== undefined && word !== "msg" && word !== "all")
    return undefined;
  const start = /(?:^|\s)@?([^\s@]+)$/.exec(before)?.[1];
  if (start === undefined) return undefined;
  const from = at - start.length;
  return completionOf(candidates.names, start, from, (name) =>
    from === 0 ? `${name}: ` : `${name} `,
  );
}

function completionOf(
  words: readonly string[],
  start: string,
  from: number,
  written: (word: string) => string,
): Completion | undefined {
  const wanted = fold(start);
  const options = words.filter((word) => fold(word).startsWith(wanted)).map(written);
  return options.length === 0 ? undefined : { options, chosen: 0, from };
}
