/** A change to a function: finds the function by its name, and code in it by its tokens. Pure. */
import { bodyOf } from "./functions.js";
import { tokensOf, type Language, type Token } from "./tokens.js";

export interface Change {
  /** A file of `src/`. */
  readonly file: string;
  /** `Class.method`, `Class.#method`, or a function, a constant or a Lua function by its name. */
  readonly inside: string;
  /** It must be there exactly once. Undefined: the start of the function. */
  readonly code: string | undefined;
  readonly by: string;
}

/** Replaces code, given without types, by other code. */
export function replace(file: string, inside: string, code: string, by: string): Change {
  return { file, inside, code, by };
}

/** Adds code at the start of the function. */
export function atStart(file: string, inside: string, by: string): Change {
  return { file, inside, code: undefined, by };
}

/**
 * Applies changes to the compiled source of a file. All are looked for in the unchanged source.
 * @throws Error that names the bug, the file, the function and the code, if a change does not fit exactly once.
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
