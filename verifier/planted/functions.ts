/** Finds a function by its name: `RedisFeed.#hear`, `dialectOf`, or in Lua `append`. Pure. */
import type { Language, Token } from "./tokens.js";

/**
 * The tokens of a function's body, without the braces; of a field or a constant, the tokens of its value.
 * @throws Error unless there is exactly one function of this name.
 */
export function bodyOf(tokens: readonly Token[], name: string, language: Language): Token[] {
  const bodies = language === "lua" ? luaBodies(tokens, name) : jsBodies(tokens, name);
  const [body] = bodies;
  if (body === undefined || bodies.length > 1) {
    throw new Error(`has ${bodies.length} functions named ${name}`);
  }
  return [...body];
}

type Bodies = (readonly Token[])[];

function jsBodies(tokens: readonly Token[], name: string): Bodies {
  const [first, member] = name.split(".") as [string, string?];
  if (member === undefined)
    return [...declaredFunctions(tokens, first), ...assigned(tokens, first)];
  return classes(tokens, first).flatMap((body) =>
    methods(body, member).concat(assigned(body, member)),
  );
}

function classes(tokens: readonly Token[], name: string): Bodies {
  return outermost(tokens).flatMap((i) => {
    if (tokens[i]!.text !== "class" || tokens[i + 1]?.text !== name) return [];
    return [enclosed(tokens, indexOf(tokens, "{", i))];
  });
}

function declaredFunctions(tokens: readonly Token[], name: string): Bodies {
  return outermost(tokens).flatMap((i) =>
    tokens[i]!.text === "function" ? bodiesBehind(tokens, indexOf(tokens, name, i, i + 3)) : [],
  );
}

function methods(tokens: readonly Token[], name: string): Bodies {
  return outermost(tokens).flatMap((i) =>
    tokens[i]!.text === name ? bodiesBehind(tokens, i) : [],
  );
}

/** The body of `name (parameters) { body }`; none if that does not follow. */
function bodiesBehind(tokens: readonly Token[], i: number): Bodies {
  if (i < 0 || tokens[i + 1]?.text !== "(") return [];
  const brace = i + 1 + enclosed(tokens, i + 1).length + 2;
  return tokens[brace]?.text === "{" ? [enclosed(tokens, brace)] : [];
}

/** `name = …;` */
function assigned(tokens: readonly Token[], name: string): Bodies {
  const places = outermost(tokens);
  return places.flatMap((i) => {
    if (tokens[i]!.text !== name || tokens[i + 1]?.text !== "=") return [];
    const end = places.find((each) => each > i && tokens[each]!.text === ";");
    return [tokens.slice(i + 2, end)];
  });
}

const OPENS = new Set("([{");
const CLOSES = new Set(")]}");

/** The indexes of the tokens that are in no brackets; the outermost brackets are included. */
function outermost(tokens: readonly Token[]): number[] {
  const places: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    places.push(i);
    if (OPENS.has(tokens[i]!.text)) i += enclosed(tokens, i).length;
  }
  return places;
}

/** The tokens between the bracket at this index and the one that closes it. */
function enclosed(tokens: readonly Token[], open: number): readonly Token[] {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    const { text } = tokens[i]!;
    if (OPENS.has(text)) depth++;
    if (CLOSES.has(text) && --depth === 0) return tokens.slice(open + 1, i);
  }
  throw new Error("a bracket is not closed");
}

const LUA_OPENS = new Set(["function", "if", "do", "repeat"]);
const LUA_CLOSES = new Set(["end", "until"]);

function luaBodies(tokens: readonly Token[], name: string): Bodies {
  const bodies: Bodies = [];
  for (const [i, { text }] of tokens.entries()) {
    if (text !== "function" || tokens[i + 1]?.text !== name) continue;
    const start = i + 2 + enclosed(tokens, i + 2).length + 2;
    let depth = 1;
    let end = start;
    for (; depth > 0; end++) {
      const word = tokens[end]?.text;
      if (word === undefined) throw new Error(`the function ${name} has no end`);
      if (LUA_OPENS.has(word)) depth++;
      if (LUA_CLOSES.has(word)) depth--;
    }
    bodies.push(tokens.slice(start, end - 1));
  }
  return bodies;
}

function indexOf(tokens: readonly Token[], text: string, from: number, to = Infinity): number {
  return tokens.findIndex((token, i) => i >= from && i < to && token.text === text);
}
