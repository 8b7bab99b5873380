/** The state from which the full screen is drawn. */
import type { View } from "../view/model.js";
import type { Editor } from "./editor.js";
import type { Prompt } from "./prompt.js";
import type { Texts } from "./texts.js";

export interface Screen {
  readonly view: View;
  readonly url: string;
  readonly editor: Editor;
  /** What is asked instead of a message. */
  readonly prompt: Prompt | undefined;
  /** The last line that is seen of the conversation; undefined: its end. */
  readonly anchor: Anchor | undefined;
  readonly overlay: Overlay | undefined;
  readonly search: Search | undefined;
  readonly columns: number;
  readonly rows: number;
  /** When today began. */
  readonly today: number;
  /** By the store's clock. */
  readonly nowMs: number;
  readonly texts: Texts;
}

/** A line of a row of the view. */
export interface Anchor {
  readonly key: string;
  readonly line: number;
}

/** What is searched for in the open conversation. */
export interface Search {
  readonly text: string;
  /** Of the row of the view that is looked at, one that has it. */
  readonly key: string;
}

/** Shown over the end of the conversation until it is dismissed. */
export type Overlay =
  /** `from`: its first line that is seen. */
  | { readonly type: "help" | "users"; readonly from: number }
  | {
      readonly type: "answer";
      readonly title: string;
      readonly lines: readonly string[];
      readonly from: number;
    }
  | { readonly type: "note"; readonly text: string }
  /** What Tab can choose from. */
  | { readonly type: "options"; readonly options: readonly string[]; readonly chosen: number };
