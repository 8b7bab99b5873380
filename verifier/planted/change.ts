/** A change to one function of a file, found by its name and by its tokens: not by lines, spaces or comments. Pure. */
import { bodyOf } from "./functions.js";
import { tokensOf, type Language, type Token } from "./tokens.js";

export interface Change {
  /** Of src. */
  readonly file: string;
  /** `Class.method`, `Class.#method`, or a function, a constant or a Lua function by its name. */
  readonly inside: string;
  /** Stands there exactly once; undefined: before all that the function does. */
  readonly code: string | undefined;
  readonly by: string;
}

/** Code without types, and what takes its place. It is compared token by token. */
export function replace(file: string, inside: string, code: string, by: string): Change {
  return { file, inside, code, by };
}

/** What is done before all that the function does. */
export function atStart(file: string, inside: string, by: string): Change {
  return { file, inside, code: undefined, by };
}

/**
 * The compiled source of a file with these changes. All are looked for in the source as it was.
 * @throws Error that names the bug, the file, the function and the code, if one does not fit exactly once.
 */
export function changed(source: string, changes: readonly Change[], bug: string): string {
  const edits = changes.map((change) => {
    try {
      return editOf(source, change);
    } catch (error) {
      throw new Error(`${bug}: ${change.file} ${(error as Error).message}`, { cause: error });
    }
  });
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end, by }) => text.slice(0, start) + by + text.slice(end), source);
}

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

function editOf(source: string, { file, inside, code, by }: Change): Edit {
  const language: Language = file.endsWith(".lua") ? "lua" : "js";
  const body = bodyOf(tokensOf(source, language), inside, language);
  if (code === undefined) {
    const start = body[0]?.start;
    if (start === undefined) throw new Error(`has nothing in ${inside}`);
    return { start, end: start, by: `${by} ` };
  }
  const wanted = tokensOf(code, language);
  const places = [...body.keys()].filter((i) => isAt(body, i, wanted));
  const [first] = places;
  if (first === undefined || places.length > 1) {
    throw new Error(`has in ${inside} ${places.length} times: ${code}`);
  }
  const [start, end] = [body[first]!.start, body[first + wanted.length - 1]!.end];
  return { start, end, by };
}

function isAt(tokens: readonly Token[], at: number, wanted: readonly Token[]): boolean {
  return wanted.every(({ text }, i) => tokens[at + i]?.text === text);
}
