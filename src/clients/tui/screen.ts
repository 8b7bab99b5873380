/** Everything that the full screen is drawn from. */
import type { View } from "../view/model.js";
import type { Editor } from "./editor.js";
import type { Texts } from "./texts.js";

export interface Screen {
  readonly view: View;
  readonly url: string;
  readonly editor: Editor;
  /** The last line that is seen of the conversation; undefined: its end. */
  readonly anchor: Anchor | undefined;
  readonly overlay: Overlay | undefined;
  readonly search: Search | undefined;
  readonly columns: number;
  readonly rows: number;
  /** When today began. */
  readonly today: number;
  /** As the clock of the desk counts. */
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

/** What lies over the end of the conversation until it is put away. */
export type Overlay =
  /** `from`: its first line that is seen. */
  | { readonly type: "help" | "users"; readonly from: number }
  | { readonly type: "note"; readonly text: string }
  /** What Tab can choose from. */
  | { readonly type: "options"; readonly options: readonly string[]; readonly chosen: number };
