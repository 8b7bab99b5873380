/** Which key an escape sequence or a control character is, and what a key means. Pure. */
/* oxlint-disable no-control-regex -- control characters are what this file is about */
import { sanitizePaste } from "./sanitize.js";
import type { Edit, Target } from "./editor.js";

/** Several letters that came at once are one input. */
export type Input =
  /** `text`: what it writes, if it writes something. */
  | { readonly type: "key"; readonly text: string | undefined; readonly key: Key }
  /** As it came: with whatever line ends and escape sequences are in it. */
  | { readonly type: "paste"; readonly text: string };

export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
  readonly shift?: boolean | undefined;
}

export type InputAction =
  | { readonly type: "edit"; readonly edit: Edit }
  | { readonly type: "enter" }
  | { readonly type: "complete"; readonly by: 1 | -1 }
  | { readonly type: "scroll"; readonly by: "page" | "line" | "all"; readonly to: 1 | -1 }
  /** To the next or previous conversation. */
  | { readonly type: "turn"; readonly by: 1 | -1 }
  /** To the conversation with this number, from 1. */
  | { readonly type: "go"; readonly to: number }
  | { readonly type: "reconnect" }
  | { readonly type: "escape" }
  | { readonly type: "redraw" }
  | { readonly type: "suspend" }
  | { readonly type: "quit" }
  | { readonly type: "focus"; readonly isHere: boolean };

/** By the last character of a sequence (xterm); with Shift or Ctrl, rxvt has others. */
const BY_FINAL: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  F: "end",
  H: "home",
  M: "enter",
  Z: "tab",
};
/** By the number before `~` (VT220, rxvt). */
const BY_NUMBER: Readonly<Record<string, string>> = {
  1: "home",
  3: "delete",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
};
const BY_CHARACTER: Readonly<Record<string, string>> = {
  "\r": "return",
  "\n": "enter",
  "\t": "tab",
  "\b": "backspace",
  "\x7f": "backspace",
  "\x1b": "escape",
};

/** The key of an escape sequence, a control character or a letter, as `Keyboard` takes them apart. */
export function keyOf(sequence: string): Key {
  const [, kind, parameters = "", final = ""] =
    /^\x1b{1,2}(\[\[?|O)([\d;]*)([^\d;]+)$/.exec(sequence) ?? [];
  if (kind === "[[") return { sequence }; // F1 … F5 of the Linux console
  if (kind !== undefined) return functionKey(sequence, kind, parameters.split(";"), final);
  const meta = sequence.length > 1 && sequence.startsWith("\x1b");
  const pressed = meta ? sequence.slice(1) : sequence;
  const named = BY_CHARACTER[pressed];
  if (named !== undefined) return { name: named, sequence, meta };
  if (/^[\x01-\x1a]$/.test(pressed)) {
    const name = String.fromCharCode(pressed.charCodeAt(0) + 0x60);
    return { name, sequence, meta, ctrl: true };
  }
  if (!/^[a-z\d]$/i.test(pressed)) return { sequence, meta };
  return { name: pressed.toLowerCase(), sequence, meta, shift: /[A-Z]/.test(pressed) };
}

function functionKey(sequence: string, kind: string, parameters: string[], final: string): Key {
  const isNumbered = /^[~^$@]$/.test(final);
  const isOfRxvt = /^[a-d]$/.test(final);
  const name = isNumbered
    ? BY_NUMBER[parameters[0]!]
    : BY_FINAL[isOfRxvt ? final.toUpperCase() : final];
  const modifiers = Math.max(0, Number(parameters.at(isNumbered ? 1 : -1) ?? 1) - 1);
  return {
    name,
    sequence,
    shift: (modifiers & 1) > 0 || final === "Z" || /[$@]/.test(final) || (isOfRxvt && kind === "["),
    meta: (modifiers & 0b1010) > 0 || sequence.startsWith("\x1b\x1b"),
    ctrl: (modifiers & 4) > 0 || /[\^@]/.test(final) || (isOfRxvt && kind === "O"),
  };
}

/** By name, with `^` for Ctrl, `!` for Alt, `+` for Shift before it. */
const MEANINGS: Readonly<Record<string, InputAction>> = {
  return: { type: "enter" },
  enter: { type: "enter" },
  "!return": insert("\n"),
  "!enter": insert("\n"),
  tab: { type: "complete", by: 1 },
  "+tab": { type: "complete", by: -1 },
  escape: { type: "escape" },
  "!escape": { type: "escape" },
  left: move("left"),
  right: move("right"),
  "^b": move("left"),
  "^f": move("right"),
  home: move("home"),
  end: move("end"),
  "^a": move("home"),
  "^e": move("end"),
  "^left": move("word left"),
  "^right": move("word right"),
  "!left": move("word left"),
  "!right": move("word right"),
  "!b": move("word left"),
  "!f": move("word right"),
  backspace: erase("left"),
  "^h": erase("left"),
  delete: erase("right"),
  "^k": erase("end"),
  "^u": erase("home"),
  "^w": erase("word left"),
  "!backspace": erase("word left"),
  "^backspace": erase("word left"),
  "!d": erase("word right"),
  "^y": { type: "edit", edit: { type: "yank" } },
  up: { type: "edit", edit: { type: "history", by: -1 } },
  down: { type: "edit", edit: { type: "history", by: 1 } },
  pageup: { type: "scroll", by: "page", to: -1 },
  pagedown: { type: "scroll", by: "page", to: 1 },
  "+up": { type: "scroll", by: "line", to: -1 },
  "+down": { type: "scroll", by: "line", to: 1 },
  "^home": { type: "scroll", by: "all", to: -1 },
  "^end": { type: "scroll", by: "all", to: 1 },
  "^n": { type: "turn", by: 1 },
  "^p": { type: "turn", by: -1 },
  "!down": { type: "turn", by: 1 },
  "!up": { type: "turn", by: -1 },
  "^r": { type: "reconnect" },
  "^l": { type: "redraw" },
  "^z": { type: "suspend" },
  "^c": { type: "quit" },
};

/** Undefined: nothing. `isEmpty`: nothing is written yet, so Ctrl-D quits. */
export function actionOfInput(input: Input, isEmpty: boolean): InputAction | undefined {
  return input.type === "paste"
    ? insert(sanitizePaste(input.text))
    : actionOf(input.text, input.key, isEmpty);
}

function actionOf(text: string | undefined, key: Key, isEmpty: boolean): InputAction | undefined {
  if (key.sequence === "\x1b[I") return { type: "focus", isHere: true };
  if (key.sequence === "\x1b[O") return { type: "focus", isHere: false };
  if (key.ctrl === true && key.name === "d") return isEmpty ? { type: "quit" } : erase("right");
  if (key.meta === true && /^[1-9]$/.test(key.name ?? "")) {
    return { type: "go", to: Number(key.name) };
  }
  const isLetter = text !== undefined && key.ctrl !== true && key.meta !== true && isPrinted(text);
  if (isLetter) return insert(text);
  const modifiers =
    (key.ctrl === true ? "^" : "") +
    (key.meta === true ? "!" : "") +
    (key.shift === true ? "+" : "");
  return MEANINGS[modifiers + (key.name ?? "")] ?? afterEscape(key);
}

/** Escape quickly followed by a letter looks like Alt and that letter: the letter is not lost. */
function afterEscape({ meta, sequence = "" }: Key): InputAction | undefined {
  const letter = sequence.slice(1);
  return meta === true && /^\P{Cc}$/u.test(letter) ? insert(letter) : undefined;
}

function isPrinted(text: string): boolean {
  return /^[^\p{Cc}]/u.test(text);
}

export function insert(text: string): InputAction & { type: "edit" } {
  return { type: "edit", edit: { type: "insert", text } };
}

function move(to: Target): InputAction {
  return { type: "edit", edit: { type: "move", to } };
}

function erase(to: Target): InputAction {
  return { type: "edit", edit: { type: "erase", to } };
}
