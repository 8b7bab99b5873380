/** What a key means. Pure; keys as `readline.emitKeypressEvents` tells them. */
import type { Edit, Place } from "./editor.js";

export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
  readonly shift?: boolean | undefined;
}

export type Action =
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
  | { readonly type: "focus"; readonly isHere: boolean }
  | { readonly type: "paste"; readonly isBegun: boolean };

/** By name, with `^` for Ctrl, `!` for Alt, `+` for Shift before it. */
const MEANINGS: Readonly<Record<string, Action>> = {
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
  up: { type: "edit", edit: { type: "past", by: -1 } },
  down: { type: "edit", edit: { type: "past", by: 1 } },
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
  "paste-start": { type: "paste", isBegun: true },
  "paste-end": { type: "paste", isBegun: false },
};

/** Undefined: nothing. `isEmpty`: nothing is written yet, so that Ctrl-D means goodbye. */
export function actionOf(
  text: string | undefined,
  key: Key,
  { isEmpty, isPasting }: { readonly isEmpty: boolean; readonly isPasting: boolean },
): Action | undefined {
  if (isPasting && key.name !== "paste-end") return pasted(text, key);
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

/** Escape and then, soon, a letter cannot be told from Alt and that letter: it is not to be lost. */
function afterEscape({ meta, sequence = "" }: Key): Action | undefined {
  const letter = sequence.slice(1);
  return meta === true && /^\P{Cc}$/u.test(letter) ? insert(letter) : undefined;
}

/** Nothing that is pasted is a command: line ends stay in the text. */
function pasted(text: string | undefined, key: Key): Action | undefined {
  if (key.name === "return" || key.name === "enter") return insert("\n");
  if (key.name === "tab") return insert("  ");
  return text !== undefined && isPrinted(text) ? insert(text) : undefined;
}

function isPrinted(text: string): boolean {
  return /^[^\p{Cc}]/u.test(text);
}

function insert(text: string): Action {
  return { type: "edit", edit: { type: "insert", text } };
}

function move(to: Place): Action {
  return { type: "edit", edit: { type: "move", to } };
}

function erase(to: Place): Action {
  return { type: "edit", edit: { type: "erase", to } };
}
