/** Splits JavaScript and Lua into tokens: spaces, comments and kinds of quotes do not matter to a comparison. Pure. */

export type Language = "js" | "lua";

export interface Token {
  /** As it is written; of a string, `"` and its content. */
  readonly text: string;
  /** Where it begins and ends in the source. */
  readonly start: number;
  readonly end: number;
}

const NO_TOKEN = {
  js: /\s+|\/\/[^\n]*|\/\*[^]*?\*\//y,
  lua: /\s+|--\[\[[^]*?\]\]|--[^\n]*/y,
};
/** In Lua `#` is an operator, in JavaScript a part of a private name. */
const WORD = { js: /[#@]?[\w$]+/y, lua: /\w+/y };
const STRING = /"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'/y;
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** After these tokens a slash begins a regular expression; after others it divides. */
const BEFORE_EXPRESSION = new Set(
  "( , = : [ ! & | ? { } ; + - * % < > ~ ^ return case typeof await".split(" "),
);

export function tokensOf(source: string, language: Language): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const lengthOf = (pattern: RegExp): number => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0].length ?? 0;
  };
  while (at < source.length) {
    const skipped = lengthOf(NO_TOKEN[language]);
    at += skipped;
    if (skipped > 0) continue;
    const string = lengthOf(STRING);
    const before = tokens.at(-1)?.text;
    const isExpression = before === undefined || BEFORE_EXPRESSION.has(before);
    const length =
      string ||
      lengthOf(WORD[language]) ||
      (language === "js" && source[at] === "`" && templateLength(source, at)) ||
      (language === "js" && isExpression && lengthOf(REGULAR_EXPRESSION)) ||
      1;
    const written = source.slice(at, at + length);
    const text = string > 0 ? `"${written.slice(1, -1)}` : written;
    tokens.push({ text, start: at, end: at + length });
    at += length;
  }
  return tokens;
}

/** The length of a template literal, with all that is nested in it. */
function templateLength(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== "`") {
    if (source[at] === "\\") at += 2;
    else if (source.startsWith("${", at)) at = endOfPlaceholder(source, at + 2);
    else at++;
  }
  return at + 1 - start;
}

function endOfPlaceholder(source: string, start: number): number {
  let [at, depth] = [start, 1];
  while (at < source.length && depth > 0) {
    if (source[at] === "`") at += templateLength(source, at);
    else {
      if (source[at] === "{") depth++;
      if (source[at] === "}") depth--;
      at++;
    }
  }
  return at;
}
