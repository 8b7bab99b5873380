/** A question on the input line. Its answer is apart from what is being written: in no draft, history or kill buffer. Pure. */
import { EMPTY, edit, type Edit, type Editor } from "./editor.js";
import { graphemes } from "./width.js";

export interface Question {
  readonly text: string;
  /** Dots are shown instead of what is typed. */
  readonly isSecret?: boolean;
}

export interface Prompt extends Question {
  readonly editor: Editor;
}

export function begin(question: Question): Prompt {
  return { ...question, editor: EMPTY };
}

/** An answer is one line. */
export function editAnswer(prompt: Prompt, change: Edit): Prompt {
  const oneLine =
    change.type === "insert" ? { ...change, text: change.text.replaceAll("\n", "") } : change;
  return { ...prompt, editor: edit(prompt.editor, oneLine) };
}

/** What is seen of the answer. */
export function shownAnswer({ editor, isSecret }: Prompt): Editor {
  if (isSecret !== true) return editor;
  const dots = (text: string): string => "•".repeat(graphemes(text).length);
  const at = dots(editor.text.slice(0, editor.at)).length;
  return { ...EMPTY, text: dots(editor.text), at };
}
