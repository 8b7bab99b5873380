/** What is done at the screen: the line being written, where one has scrolled to, what lies open; and what each key does. */
import { randomUUID } from "node:crypto";
import type { ViewStore } from "../view/view-store.js";
import { conversationList } from "../view/lists.js";
import type { Conv } from "../view/model.js";
import { standing } from "../view/accessors.js";
import { parse } from "./commands.js";
import { complete, type Cycle } from "./complete.js";
import { EMPTY, edit, sentLine, withText, type Edit, type Editor } from "./editor.js";
import type { InputAction } from "./keys.js";
import { layOut } from "./layout.js";
import { runCommand } from "./run-command.js";
import type { Anchor, Screen, Search, Overlay } from "./screen.js";
import { hits, nextHit } from "./search.js";
import { scrolled, seen } from "./talk.js";
import type { Texts } from "./texts.js";

/** What the stage stands on. */
export interface InputControllerDependencies {
  readonly texts: Texts;
  readonly desk: ViewStore;
  screen(): Screen;
  drawAnew(): void;
  suspend(): void;
  /** The same name at the same chat goes on where it was. */
  connect(url: string | undefined, name: string | undefined): void;
  leave(): void;
}

export class InputController {
  readonly house: InputControllerDependencies;
  editor: Editor = EMPTY;
  anchor: Anchor | undefined;
  sheet: Overlay | undefined;
  searched: Search | undefined;
  #cycle: Cycle | undefined;
  #isHere = true;

  constructor(house: InputControllerDependencies) {
    this.house = house;
  }

  act(action: InputAction): void {
    if (action.type === "complete") {
      this.#complete(action.by);
      return;
    }
    this.#cycle = undefined;
    if (this.sheet?.type === "options") this.sheet = undefined;
    this.#act(action);
  }

  open(conv: Conv): void {
    this.house.desk.do({ type: "open", conv });
    this.editor = withText(this.editor, standing(this.house.desk.view, conv).draft);
    this.toEnd();
  }

  /** What was not taken stays in the line. */
  say(text: string): void {
    const { desk } = this.house;
    desk.do({ type: "send", text, mid: randomUUID() });
    this.toEnd();
    if (desk.view.problem !== undefined) this.editor = withText(this.editor, text);
  }

  scroll({ by, to }: Pick<InputAction & { type: "scroll" }, "by" | "to">): void {
    const { desk } = this.house;
    const { lines, talkRows, sheet } = layOut(this.house.screen());
    if (sheet.from !== undefined && this.sheet !== undefined && "from" in this.sheet) {
      const sheetStep = { line: 1, page: Math.max(1, sheet.lines.length - 2), all: Infinity }[by];
      this.sheet = { ...this.sheet, from: sheet.from + to * sheetStep };
      return;
    }
    const step = { line: 1, page: Math.max(1, talkRows - 2), all: lines.length }[by];
    this.anchor = scrolled(lines, this.anchor, talkRows, to * step);
    const { from, until } = seen(lines, this.anchor, talkRows);
    const before = lines.slice(from, until).find((each) => each.missingBefore !== undefined);
    if (to < 0 && before !== undefined) {
      desk.do({ type: "older", conv: desk.view.open, before: before.missingBefore! });
    }
    this.look();
  }

  /** What one had scrolled to may be gone: then one is at the end. */
  settle(): void {
    if (this.anchor === undefined) return;
    const { lines, talkRows } = layOut(this.house.screen());
    if (seen(lines, this.anchor, talkRows).until < lines.length) return;
    this.anchor = undefined;
    this.look(false);
  }

  toEnd(): void {
    this.anchor = undefined;
    this.searched = undefined;
    this.look();
  }

  /** Goes to the newest hit; without a text, to the one before that. */
  search(text: string): void {
    const { desk, texts } = this.house;
    const wanted = text === "" ? this.searched?.text : text;
    if (wanted === undefined) {
      this.sheet = { type: "note", text: texts.mistake(texts.usage.search[0]) };
      return;
    }
    const from = text === "" ? this.searched?.key : undefined;
    const key = nextHit(hits(desk.view, wanted), from, -1);
    if (key === undefined) {
      this.sheet = { type: "note", text: texts.notFound(wanted) };
      return;
    }
    this.#showHit({ text: wanted, key });
  }

  /** In the middle of what is seen, where it can be. */
  #showHit(search: Search): void {
    this.searched = search;
    const { lines, talkRows } = layOut(this.house.screen());
    const at = lines.findIndex(({ key }) => key === search.key);
    const last = lines[at + Math.floor(talkRows / 2)];
    this.anchor = last && { key: last.key, line: last.line };
    this.look();
  }

  /** @param hasActed whether it is the user who did something */
  look(hasActed = true): void {
    const isLooking = this.#isHere && this.anchor === undefined;
    this.house.desk.do({ type: "look", isLooking, isHere: this.#isHere && hasActed });
  }

  #act(action: Exclude<InputAction, { type: "complete" }>): void {
    const { house } = this;
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
        this.#turn(action.by);
        return;
      case "go": {
        const line = conversationList(house.desk.view)[action.to - 1];
        if (line !== undefined) this.open(line.conv);
        return;
      }
      case "reconnect":
        house.desk.chat.reconnectNow();
        return;
      case "escape":
        this.#putAway();
        this.toEnd();
        return;
      case "redraw":
        house.drawAnew();
        return;
      case "suspend":
        house.suspend();
        return;
      case "quit":
        house.leave();
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
    if (change.type === "past" && text === "" && this.searched !== undefined) {
      const found = hits(this.house.desk.view, this.searched.text);
      const key = nextHit(found, this.searched.key, change.by);
      if (key !== undefined) this.#showHit({ ...this.searched, key });
      return;
    }
    this.editor = edit(this.editor, change);
    if (this.editor.text !== text) this.#keepDraft();
  }

  /** A command that is being written is nobody's draft, and no sign of typing. */
  #keepDraft(): void {
    const { desk } = this.house;
    const { text } = this.editor;
    desk.do({ type: "draft", conv: desk.view.open, text: text.startsWith("/") ? "" : text });
  }

  #enter(): void {
    const { text } = this.editor;
    if (text.trim() === "") return;
    this.#putAway();
    this.editor = sentLine(this.editor);
    this.#keepDraft();
    runCommand(this, parse(text));
  }

  #putAway(): void {
    this.sheet = undefined;
    this.house.desk.do({ type: "hide card" });
    this.house.desk.do({ type: "dismiss" });
  }

  #turn(by: 1 | -1): void {
    const list = conversationList(this.house.desk.view);
    const at = list.findIndex(({ isOpen }) => isOpen);
    const next = list[(at + by + list.length) % list.length];
    if (next !== undefined) this.open(next.conv);
  }

  #complete(by: 1 | -1): void {
    const { desk, texts } = this.house;
    const { me, people } = desk.view;
    const peers = conversationList(desk.view).flatMap(({ peer }) => peer ?? []);
    const names = [...new Set([...peers, ...people.keys()])].filter((name) => name !== me);
    const known = { names, language: texts.language };
    const { editor, cycle } = complete(this.editor, this.#cycle, by, known);
    this.editor = editor;
    this.#cycle = cycle?.options.length === 1 ? undefined : cycle;
    if (this.#cycle !== undefined) this.sheet = { type: "options", ...this.#cycle };
    else if (this.sheet?.type === "options") this.sheet = undefined;
    this.#keepDraft();
  }
}
