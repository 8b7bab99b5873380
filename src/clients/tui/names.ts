/**
 * Names within a command: one writer and one reader, who agree about every name. Pure.
 *
 * A bare name ends at a blank of ASCII. A name in quotes ends at the next quote; in it, `\"` is a quote and
 * `\\` a backslash, and any other backslash stands for itself. An `@` before either is left out.
 */

/** `"` without an end, or with something right behind its end: nobody is meant until it is mended. */
export type ReadName =
  | {
      readonly type: "name";
      readonly name: string;
      readonly isQuoted: boolean;
      /** What follows it, without the blanks between. */
      readonly rest: string;
    }
  | { readonly type: "none" }
  | { readonly type: "broken" };

/** The name as a command takes it. In quotes wherever a reader could doubt where it ends. */
export function writeName(name: string): string {
  const isDoubtful = name === "" || /[\s"\\]|^@|^wss?:\/\//iu.test(name);
  return isDoubtful ? `"${name.replaceAll(/["\\]/g, "\\$&")}"` : name;
}

/** The name at the beginning of a text. */
export function readName(text: string): ReadName {
  const from = /^[ \t\n]*@?/.exec(text)![0].length;
  if (text[from] === '"') {
    const { name, end } = quoted(text, from + 1);
    const isWhole = end !== undefined && /^$|^[ \t\n]/.test(text.slice(end));
    if (!isWhole) return { type: "broken" };
    return { type: "name", name, isQuoted: true, rest: restAfter(text, end) };
  }
  const name = /^[^ \t\n]*/.exec(text.slice(from))![0];
  if (name === "") return { type: "none" };
  return { type: "name", name, isQuoted: false, rest: restAfter(text, from + name.length) };
}

/** The name that is being written at the end of a text, perhaps without its closing quote. */
export function unfinishedName(text: string): string | undefined {
  const from = text.startsWith("@") ? 1 : 0;
  if (text[from] !== '"') return /[ \t\n]/.test(text) ? undefined : text.slice(from);
  const { name, end } = quoted(text, from + 1);
  return end === undefined || end === text.length ? name : undefined;
}

/** From behind the opening quote; `end`: behind the closing one. */
function quoted(text: string, from: number): { name: string; end: number | undefined } {
  let name = "";
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') return { name, end: at + 1 };
    // a backslash at the very end: the escaped character is not written yet
    if (text[at] === "\\" && /^(?:["\\]|$)/.test(text.slice(at + 1, at + 2))) at++;
    name += text[at] ?? "";
  }
  return { name, end: undefined };
}

function restAfter(text: string, at: number): string {
  return text.slice(at).replace(/^[ \t\n]+/, "");
}
