/** Input of the full screen: the line being written, the scroll position, the open overlay; and what each key does. */
import { randomUUID } from "node:crypto";
import type { ViewStore } from "../view/view-store.js";
import { conversationList } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { conversationIn } from "../view/accessors.js";
import { isModerator } from "../view/rights.js";
import type { Message, TertuliaError } from "../sdk/tertulia.js";
import { isPrivate, type ChatCommand, type Which } from "./chat-commands.js";
import { answerTo, isAskedFirst, type Answer } from "./run-chat-command.js";
import { findMessage } from "./find-message.js";
import { parse } from "./commands.js";
import { complete, type Completion } from "./completion.js";
import { EMPTY, edit, withoutSentLine, withText, type Edit, type Editor } from "./editor.js";
import type { InputAction } from "./keys.js";
import { layOut } from "./layout.js";
import { Interview, type Ask } from "./interview.js";
import type { Prompt } from "./prompt.js";
import { runCommand } from "./run-command.js";
import type { Anchor, Screen, Search, Overlay } from "./screen.js";
import { hits, nextHit } from "./search.js";
import { scrollBy, visibleRange } from "./transcript.js";
import { problemText, type Texts } from "./texts.js";

export interface InputControllerDependencies {
  readonly texts: Texts;
  readonly store: ViewStore;
  screen(): Screen;
  draw(): void;
  /** All of it, as if nothing was there. */
  redraw(): void;
  suspend(): void;
  /** The same name at the same chat resumes. */
  connect(url: string | undefined, name: string | undefined): void;
  leave(): void;
}

export class InputController {
  readonly dependencies: InputControllerDependencies;
  editor: Editor = EMPTY;
  anchor: Anchor | undefined;
  overlay: Overlay | undefined;
  searchHit: Search | undefined;
  #interview: Interview | undefined;
  #completion: Completion | undefined;
  #isHere = true;

  constructor(dependencies: InputControllerDependencies) {
    this.dependencies = dependencies;
  }

  handle(action: InputAction): void {
    if (this.#interview?.handle(action) === true) return;
    if (action.type === "complete") {
      this.#complete(action.by);
      return;
    }
    this.#completion = undefined;
    if (this.overlay?.type === "options") this.overlay = undefined;
    this.#handle(action);
  }

  get isEmpty(): boolean {
    return (this.prompt?.editor ?? this.editor).text === "";
  }

  /**
   * Asks things on the input line. Until the end, nothing that is typed is taken as part of a message: what is typed
   * before a question is there is its answer, and after the last one it is dropped.
   */
  async interview<T>(questions: (ask: Ask) => Promise<T>): Promise<T> {
    const interview = new Interview(() => this.dependencies.draw());
    this.#interview?.cancel();
    this.#interview = interview;
    try {
      return await questions((question) => interview.ask(question));
    } finally {
      if (this.#interview === interview) this.#interview = undefined;
      this.dependencies.draw();
    }
  }

  get prompt(): Prompt | undefined {
    return this.#interview?.prompt;
  }

  /** Asks the chat, and shows what it says. */
  async answer(command: ChatCommand): Promise<void> {
    const { store, texts } = this.dependencies;
    const find = async (which: Which): Promise<Message | undefined> =>
      findMessage(store.view, which, this.searchHit?.key);
    const { url } = this.dependencies.screen();
    const source = { chat: store.chat, texts, password: undefined, url, find };
    const answered = (ask: Ask): Promise<Answer> => answerTo({ ...source, ask }, command);
    try {
      const answer = await (isAskedFirst(command)
        ? this.interview(answered)
        : answered(() => Promise.resolve(undefined)));
      this.overlay = { type: "answer", title: answer.title, lines: answer.lines, from: 0 };
    } catch (error) {
      this.overlay = { type: "note", text: problemText(texts, error as TertuliaError) };
    }
    this.dependencies.draw();
  }

  open(conv: Conv): void {
    this.dependencies.store.dispatch({ type: "open", conv });
    this.editor = withText(this.editor, conversationIn(this.dependencies.store.view, conv).draft);
    this.toEnd();
  }

  /** A text that was refused stays in the line. */
  say(text: string): void {
    const { store } = this.dependencies;
    store.dispatch({ type: "send", text, mid: randomUUID() });
    this.toEnd();
    if (store.view.problem !== undefined) this.editor = withText(this.editor, text);
  }

  scroll({ by, to }: Pick<InputAction & { type: "scroll" }, "by" | "to">): void {
    const { store } = this.dependencies;
    const { lines, transcriptRows, overlay } = layOut(this.dependencies.screen());
    if (overlay.from !== undefined && this.overlay !== undefined && "from" in this.overlay) {
      const overlayStep = { line: 1, page: Math.max(1, overlay.lines.length - 2), all: Infinity }[
        by
      ];
      this.overlay = { ...this.overlay, from: overlay.from + to * overlayStep };
      return;
    }
    const step = { line: 1, page: Math.max(1, transcriptRows - 2), all: lines.length }[by];
    this.anchor = scrollBy(lines, this.anchor, transcriptRows, to * step);
    const { from, until } = visibleRange(lines, this.anchor, transcriptRows);
    const before = lines.slice(from, until).find((each) => each.missingBefore !== undefined);
    if (to < 0 && before !== undefined) {
      store.dispatch({ type: "older", conv: store.view.open, before: before.missingBefore! });
    }
    this.look();
  }

  /** If the line at the scroll position is gone, scrolls to the end. */
  dropLostAnchor(): void {
    if (this.anchor === undefined) return;
    const { lines, transcriptRows } = layOut(this.dependencies.screen());
    if (visibleRange(lines, this.anchor, transcriptRows).until < lines.length) return;
    this.anchor = undefined;
    this.look(false);
  }

  toEnd(): void {
    this.anchor = undefined;
    this.searchHit = undefined;
    this.look();
  }

  /** Shows the newest hit; without a text, the hit before the current one. */
  search(text: string): void {
    const { store, texts } = this.dependencies;
    const wanted = text === "" ? this.searchHit?.text : text;
    if (wanted === undefined) {
      this.overlay = { type: "note", text: texts.mistake(texts.usage.search[0]) };
      return;
    }
    const from = text === "" ? this.searchHit?.key : undefined;
    const key = nextHit(hits(store.view, wanted), from, -1);
    if (key === undefined) {
      this.overlay = { type: "note", text: texts.notFound(wanted) };
      return;
    }
    this.#showHit({ text: wanted, key });
  }

  /** Scrolls so that the hit is in the middle, if possible. */
  #showHit(search: Search): void {
    this.searchHit = search;
    const { lines, transcriptRows } = layOut(this.dependencies.screen());
    const at = lines.findIndex(({ key }) => key === search.key);
    const last = lines[at + Math.floor(transcriptRows / 2)];
    this.anchor = last && { key: last.key, line: last.line };
    this.look();
  }

  /** @param hasActed whether the user did something */
  look(hasActed = true): void {
    const isLooking = this.#isHere && this.anchor === undefined;
    this.dependencies.store.dispatch({ type: "look", isLooking, isHere: this.#isHere && hasActed });
  }

  #handle(action: Exclude<InputAction, { type: "complete" }>): void {
    const { dependencies } = this;
    switch (action.type) {
      case "edit":
        this.#edit(action.edit);
        return;
      case "enter":
        this.#enter();
        return;
      case "scroll":
        this.scroll(action);
        return;
      case "turn":
        this.#switchBy(action.by);
        return;
      case "go": {
        const line = conversationList(dependencies.store.view)[action.to - 1];
        if (line !== undefined) this.open(line.conv);
        return;
      }
      case "reconnect":
        dependencies.store.chat.reconnectNow();
        return;
      case "escape":
        this.#dismissAll();
        this.toEnd();
        return;
      case "redraw":
        dependencies.redraw();
        return;
      case "suspend":
        dependencies.suspend();
        return;
      case "quit":
        dependencies.leave();
        return;
      case "focus":
        this.#isHere = action.isHere;
        this.look();
        return;
      default:
        action satisfies never;
    }
  }

  #edit(change: Edit): void {
    const { text } = this.editor;
    if (change.type === "history" && text === "" && this.searchHit !== undefined) {
      const found = hits(this.dependencies.store.view, this.searchHit.text);
      const key = nextHit(found, this.searchHit.key, change.by);
      if (key !== undefined) this.#showHit({ ...this.searchHit, key });
      return;
    }
    this.editor = edit(this.editor, change);
    if (this.editor.text !== text) this.#saveDraft();
  }

  /** A command is neither a draft nor a sign of typing. */
  #saveDraft(): void {
    const { store } = this.dependencies;
    const { text } = this.editor;
    store.dispatch({
      type: "draft",
      conv: store.view.open,
      text: text.startsWith("/") ? "" : text,
    });
  }

  #enter(): void {
    const { text } = this.editor;
    if (text.trim() === "") return;
    this.#dismissAll();
    const command = parse(text);
    const word = command.type === "mistake" ? command.of : command.type;
    this.editor = isPrivate(word) ? withText(this.editor, "") : withoutSentLine(this.editor);
    this.#saveDraft();
    runCommand(this, command);
  }

  #dismissAll(): void {
    this.overlay = undefined;
    this.dependencies.store.dispatch({ type: "hide card" });
    this.dependencies.store.dispatch({ type: "dismiss" });
  }

  #switchBy(by: 1 | -1): void {
    const list = conversationList(this.dependencies.store.view);
    const at = list.findIndex(({ isOpen }) => isOpen);
    const next = list[(at + by + list.length) % list.length];
    if (next !== undefined) this.open(next.conv);
  }

  #complete(by: 1 | -1): void {
    const { store, texts } = this.dependencies;
    const { me, people } = store.view;
    const peers = conversationList(store.view).flatMap(({ peer }) => peer ?? []);
    const names = [...new Set([...peers, ...people.keys()])].filter((name) => name !== me);
    const candidates = {
      names,
      language: texts.language,
      isModerator: isModerator(store.view),
    };
    const { editor, cycle: completion } = complete(this.editor, this.#completion, by, candidates);
    this.editor = editor;
    this.#completion = completion?.options.length === 1 ? undefined : completion;
    if (this.#completion !== undefined) this.overlay = { type: "options", ...this.#completion };
    else if (this.overlay?.type === "options") this.overlay = undefined;
    this.#saveDraft();
  }
}
