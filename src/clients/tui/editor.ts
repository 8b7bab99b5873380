/** The line editor: text, cursor, kill buffer and history. Pure. */
import { graphemes } from "./width.js";

export interface Editor {
  readonly text: string;
  /** The cursor is before this UTF-16 unit, never within a grapheme cluster. */
  readonly at: number;
  /** The kill buffer: the last text erased, except single letters. */
  readonly killed: string;
  /** Lines sent before, the latest last. */
  readonly history: readonly string[];
  /** How far back in the history; 0: at the line that is being written. */
  readonly historyIndex: number;
  /** The line that was being written, while an older one is shown. */
  readonly unsent: string;
}

/** `home`, `end`: of the line; there already, of the text. */
export type Target = "left" | "right" | "word left" | "word right" | "home" | "end";

export type Edit =
  | { readonly type: "insert"; readonly text: string }
  | { readonly type: "move"; readonly to: Target }
  /** From the cursor to there. */
  | { readonly type: "erase"; readonly to: Target }
  | { readonly type: "yank" }
  | { readonly type: "history"; readonly by: 1 | -1 };

const HISTORY_LINES = 100;

export const EMPTY: Editor = {
  text: "",
  at: 0,
  killed: "",
  history: [],
  historyIndex: 0,
  unsent: "",
};

export function edit(editor: Editor, change: Edit): Editor {
  switch (change.type) {
    case "insert":
      return spliced(editor, editor.at, editor.at, change.text);
    case "move":
      return { ...editor, at: targetOf(editor, change.to) };
    case "erase": {
      const to = targetOf(editor, change.to);
      const [from, until] = to < editor.at ? [to, editor.at] : [editor.at, to];
      const isLetter = change.to === "left" || change.to === "right" || from === until;
      const killed = isLetter ? editor.killed : editor.text.slice(from, until);
      return { ...spliced(editor, from, until, ""), killed };
    }
    case "yank":
      return spliced(editor, editor.at, editor.at, editor.killed);
    case "history": {
      const historyIndex = editor.historyIndex - change.by;
      if (historyIndex < 0 || historyIndex > editor.history.length) return editor;
      const unsent = editor.historyIndex === 0 ? editor.text : editor.unsent;
      const text = historyIndex === 0 ? unsent : editor.history.at(-historyIndex)!;
      return { ...editor, text, at: text.length, historyIndex, unsent };
    }
    default:
      return change satisfies never;
  }
}

/** Another text, with the cursor at its end. */
export function withText(editor: Editor, text: string): Editor {
  return { ...editor, text, at: text.length, historyIndex: 0, unsent: "" };
}

/** Adds the line to the history and empties it. */
export function withoutSentLine(editor: Editor): Editor {
  const { text, history } = editor;
  const next =
    history.at(-1) === text || text === "" ? history : [...history, text].slice(-HISTORY_LINES);
  return { ...withText(editor, ""), history: next };
}

function spliced(editor: Editor, from: number, until: number, text: string): Editor {
  const next = editor.text.slice(0, from) + text + editor.text.slice(until);
  return { ...editor, text: next, at: from + text.length };
}

function targetOf({ text, at }: Editor, place: Target): number {
  const before = text.slice(0, at);
  const after = text.slice(at);
  switch (place) {
    case "home": {
      const start = before.lastIndexOf("\n") + 1;
      return start === at ? 0 : start;
    }
    case "end": {
      const length = after.indexOf("\n");
      return length > 0 ? at + length : text.length;
    }
    // what is before, or after, a line end does not matter
    case "left": {
      const line = before.slice(before.lastIndexOf("\n", at - 2) + 1);
      return at - (graphemes(line).at(-1)?.length ?? 0);
    }
    case "right": {
      const line = /^[^\n]*\n?/.exec(after)![0];
      return at + (graphemes(line)[0]?.length ?? 0);
    }
    case "word left": {
      let start = before.trimEnd().length;
      while (start > 0 && !/\s/.test(before[start - 1]!)) start--;
      return start;
    }
    case "word right":
      return at + /^\s*\S*/u.exec(after)![0].length;
    default:
      return place satisfies never;
  }
}
