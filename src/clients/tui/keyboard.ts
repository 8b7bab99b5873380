/**
 * Parses a terminal's input into keys and pastes. Has no clock: its caller calls `silent` when nothing came for
 * `waitMs`, which ends a lone Escape, a sequence that was cut off and a paste without an end.
 */

/* oxlint-disable no-control-regex -- escape sequences are what this file is about */
import { keyOf, type Input } from "./keys.js";

type State =
  | { readonly name: "between" }
  /** In an escape sequence. */
  | { readonly name: "sequence"; readonly begun: string }
  /** In a paste. `tail` may be the beginning of its end mark. `isLate`: nothing has come for a while. */
  | {
      readonly name: "paste";
      readonly pieces: string[];
      readonly tail: string;
      readonly isLate: boolean;
    };

const BETWEEN: State = { name: "between" };
const PASTE_BEGIN = "\x1b[200~";
const PASTE_END = "\x1b[201~";
/** CSI (ECMA-48 §5.4; of the Linux console; of rxvt), SS3, or Escape with what Alt may be pressed with. */
const SEQUENCE =
  /\x1b\x1b?(?:\[\[[A-E]|\[\d+\$|\[[0-?]*[ -/]*[@-Z\\-~]|O[\d;]*[A-Za-z])|\x1b[^\x00-\x07\x0b\x0c\x0e-\x1fO[]/uy;
const BEGUN_SEQUENCE = /\x1b\x1b?(?:\[\[|\[[0-?]*[ -/]*|O[\d;]*)?/y;
const LETTERS = /[^\x00-\x1f\x7f-\x9f]+/y;
/** A line end may come in two parts, as the end of the paste may. */
const TAIL = /(?:\r|\x1b(?:\[(?:2(?:01?)?)?)?)$/;

/** Two keys of a person do not come so close to each other; parts of a sequence do. */
const ESCAPE_MS = 100;
const SILENCE_MS = 1_000;

export class Keyboard {
  #state: State = BETWEEN;

  /** After which silence `silent` must be called; undefined: never. */
  get waitMs(): number | undefined {
    switch (this.#state.name) {
      case "between":
        return undefined;
      case "sequence":
        return isPressable(this.#state.begun) ? ESCAPE_MS : SILENCE_MS;
      case "paste":
        return this.#state.isLate ? undefined : SILENCE_MS;
      default:
        return this.#state satisfies never;
    }
  }

  feed(text: string): Input[] {
    const found: Input[] = [];
    let rest: string | undefined = text;
    while (rest !== undefined) {
      rest = this.#state.name === "paste" ? this.#paste(rest, found) : this.#keys(rest, found);
    }
    return found;
  }

  /** Nothing came for a while. What was pasted so far is returned; the end of the paste may still come. */
  silent(): Input[] {
    const state = this.#state;
    switch (state.name) {
      case "between":
        return [];
      case "sequence":
        this.#state = BETWEEN;
        return isPressable(state.begun) ? [keyInput(state.begun)] : [];
      case "paste":
        this.#state = { ...state, pieces: [], isLate: true };
        return pasteInput(state.pieces.join(""));
      default:
        return state satisfies never;
    }
  }

  /** Returns what follows the begin mark of a paste. */
  #keys(text: string, found: Input[]): string | undefined {
    const all = this.#state.name === "sequence" ? this.#state.begun + text : text;
    this.#state = BETWEEN;
    for (let at = 0; at < all.length;) {
      const part = partAt(all, at);
      if (part?.endsWith(PASTE_BEGIN) === true) {
        if (part !== PASTE_BEGIN) found.push(keyInput("\x1b"));
        this.#state = { name: "paste", pieces: [], tail: "", isLate: false };
        return all.slice(at + part.length);
      }
      if (part === undefined) {
        const begun = matchAt(BEGUN_SEQUENCE, all, at)!;
        if (at + begun.length === all.length) {
          this.#state = { name: "sequence", begun };
          return undefined;
        }
        // what follows is not part of it: Ctrl-C within half a sequence is Ctrl-C;
        // of two Escapes the second one may be the Alt of what follows
        const isTwice = begun === "\x1b\x1b";
        if (isPressable(begun)) found.push(keyInput(isTwice ? "\x1b" : begun));
        at += isTwice ? 1 : begun.length;
        continue;
      }
      found.push(keyInput(part));
      at += part.length;
    }
    return undefined;
  }

  /** Returns what follows the end mark of the paste. */
  #paste(text: string, found: Input[]): string | undefined {
    const { pieces, tail, isLate } = this.#state as State & { name: "paste" };
    const all = tail + text;
    const end = all.indexOf(PASTE_END);
    if (end === -1 && isLate && isOneKey(text)) {
      // somebody presses keys: the end of the paste was lost
      this.#state = BETWEEN;
      found.push(...pasteInput(tail));
      return text;
    }
    if (end === -1) {
      const open = TAIL.exec(all.slice(-PASTE_END.length))?.[0] ?? "";
      pieces.push(all.slice(0, all.length - open.length));
      this.#state = { name: "paste", pieces, tail: open, isLate: false };
      return undefined;
    }
    this.#state = BETWEEN;
    found.push(...pasteInput(pieces.join("") + all.slice(0, end)));
    return all.slice(end + PASTE_END.length);
  }
}

/** The key, or the letters, at a place; undefined: an escape sequence that is not whole. */
function partAt(text: string, at: number): string | undefined {
  if (text[at] === "\x1b") return matchAt(SEQUENCE, text, at);
  return matchAt(LETTERS, text, at) ?? text[at];
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

function isOneKey(text: string): boolean {
  if (text.startsWith("\x1b")) return text === "\x1b" || partAt(text, 0) === text;
  return Array.from(text).length === 1;
}

/** Whether a person may have pressed it: Escape, Alt-[ or Alt-O. */
function isPressable(sequence: string): boolean {
  return /^\x1b[\x1b[O]?$/.test(sequence);
}

function keyInput(part: string): Input {
  return { type: "key", text: part.startsWith("\x1b") ? undefined : part, key: keyOf(part) };
}

function pasteInput(text: string): Input[] {
  return text === "" ? [] : [{ type: "paste", text }];
}
