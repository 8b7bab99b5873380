/** Questions one after the other, and the keys that answer them. */
import type { InputAction } from "./keys.js";
import { begin, editAnswer, type Prompt, type Question } from "./prompt.js";

/** Undefined: the person does not want to answer. */
export type Ask = (question: Question) => Promise<string | undefined>;

const NO_QUESTION: Prompt = begin({ text: "…" });

export class Interview {
  #prompt: Prompt = NO_QUESTION;
  readonly #draw: () => void;
  #answered: ((answer: string | undefined) => void) | undefined;
  /** What came while no question was there. */
  #ahead: InputAction[] = [];
  #state: "running" | "cancelled" = "running";

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Undefined: given up; what was asked of the chat meanwhile may still be on its way. */
  get prompt(): Prompt | undefined {
    return this.#state === "cancelled" ? undefined : this.#prompt;
  }

  ask(question: Question): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (this.#state === "cancelled") {
        resolve(undefined);
        return;
      }
      this.#prompt = begin(question);
      this.#answered = resolve;
      for (const action of this.#ahead.splice(0)) this.handle(action);
      this.#draw();
    });
  }

  /** Returns whether the action belongs to the question, or to the next one. */
  handle(action: InputAction): boolean {
    if (this.#state === "cancelled") return false;
    switch (action.type) {
      case "edit":
        if (this.#answered === undefined) this.#ahead.push(action);
        else this.#prompt = editAnswer(this.#prompt, action.edit);
        return true;
      case "enter":
        if (this.#answered === undefined) this.#ahead.push(action);
        else this.#end(this.#prompt.editor.text);
        return true;
      case "escape":
        this.cancel();
        return true;
      case "complete":
      case "turn":
      case "go":
        return true;
      case "scroll":
      case "reconnect":
      case "redraw":
      case "suspend":
      case "quit":
      case "focus":
        return false;
      default:
        return action satisfies never;
    }
  }

  cancel(): void {
    this.#state = "cancelled";
    this.#end(undefined);
  }

  #end(answer: string | undefined): void {
    const answered = this.#answered;
    this.#answered = undefined;
    this.#prompt = NO_QUESTION;
    answered?.(answer);
  }
}
