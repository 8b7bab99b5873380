/** The full-screen client: one terminal, one seat in a chat, frames between them, and a clean way out. */
import type { ReadStream, WriteStream } from "node:tty";
import type { ViewStore } from "../view/view-store.js";
import { rings, type Bell } from "./bell.js";
import { startOfDay } from "../view/days.js";
import type { View } from "../view/model.js";
import { actionOfInput, type Input } from "./keys.js";
import { render } from "./layout.js";
import { paint } from "./paint.js";
import type { Screen } from "./screen.js";
import { openSession } from "./session.js";
import { InputController } from "./input-controller.js";
import { Terminal } from "./terminal.js";
import type { Texts } from "./texts.js";

export interface AppOptions {
  readonly url: string;
  readonly name: string;
  readonly texts: Texts;
  readonly isColoured: boolean;
  /** What it rings for, of what is written by somebody who is not looked at. */
  readonly bell: Bell;
  readonly input: ReadStream;
  readonly output: WriteStream & { readonly fd: number };
}

/** How it ended. `why`: to be read when the screen is gone. */
export interface Ending {
  readonly how: "left" | "refused" | "SIGINT" | "SIGTERM" | "SIGHUP";
  readonly why?: string;
}

const FRAME_MS = 16;
const TICK_MS = 1_000;
const LEAVE_WITHIN_MS = 1_000;

export class App {
  /** Resolves when the chat is left and the terminal is as it was before. */
  readonly ended: Promise<Ending>;
  readonly #options: AppOptions;
  readonly #stage: InputController;
  readonly #terminal: Terminal;
  readonly #ticking: NodeJS.Timeout;
  #desk: ViewStore;
  #url: string;
  #seats = 0;
  #wasOpen = false;
  #painted: readonly string[] = [];
  #drawing: NodeJS.Timeout | undefined;
  #isLeaving = false;
  #end: (ending: Ending) => void = () => {};

  constructor(options: AppOptions) {
    this.#options = options;
    this.#url = options.url;
    this.ended = new Promise((resolve) => (this.#end = resolve));
    this.#desk = this.#seat(options.name);
    const desk = (): ViewStore => this.#desk;
    this.#stage = new InputController({
      texts: options.texts,
      get desk() {
        return desk();
      },
      screen: () => this.#screen(),
      drawAnew: () => this.#drawAnew(),
      suspend: () => this.#terminal.suspend(),
      connect: (url, name) => this.#connect(url, name),
      leave: () => void this.#leave({ how: "left" }),
    });
    this.#terminal = new Terminal({
      input: options.input,
      output: options.output,
      came: (input) => this.#came(input),
      resized: () => this.#drawAnew(),
      ended: (signal) => void this.#leave({ how: signal }),
    });
    this.#ticking = setInterval(() => {
      this.#desk.do({ type: "tick" });
      this.#stage.settle();
      this.#draw();
    }, TICK_MS);
    this.#stage.look();
  }

  #seat(name: string, earlier?: ViewStore): ViewStore {
    const seat = ++this.#seats;
    return openSession({
      url: this.#url,
      name,
      earlier,
      changed: (view) => {
        if (seat === this.#seats) this.#changed(view);
      },
      notify: ({ message }) => {
        if (seat === this.#seats && rings(this.#options.bell, message, name)) {
          this.#terminal.write("\x07");
        }
      },
    });
  }

  #changed({ connection }: View): void {
    if (connection.name === "open") this.#wasOpen = true;
    if (connection.name === "closed" && !this.#wasOpen) {
      void this.#leave({ how: "refused", why: this.#options.texts.problem[connection.problem] });
    }
    this.#draw();
  }

  #connect(url = this.#url, name = this.#desk.view.me): void {
    const earlier = this.#desk;
    const { connection, me } = earlier.view;
    const isSame = url === this.#url && name === me;
    if (isSame && connection.name === "waiting") earlier.chat.reconnectNow();
    if (isSame && connection.name !== "away" && connection.name !== "closed") return;
    void earlier.chat.close();
    this.#url = url;
    this.#desk = this.#seat(name, isSame ? earlier : undefined);
    this.#stage.toEnd();
  }

  #came(input: Input): void {
    const action = actionOfInput(input, this.#stage.editor.text === "");
    if (action === undefined || this.#isLeaving) return;
    this.#stage.act(action);
    this.#draw();
  }

  #screen(): Screen {
    const { editor, anchor, sheet, searched } = this.#stage;
    const { columns, rows } = this.#terminal;
    const { texts } = this.#options;
    const { view } = this.#desk;
    const today = startOfDay(Date.now());
    const nowMs = performance.now();
    const seen = { editor, anchor, sheet, search: searched };
    return { view, url: this.#url, ...seen, columns, rows, texts, today, nowMs };
  }

  #drawAnew(): void {
    this.#painted = [];
    this.#draw();
  }

  /** At most one frame for all that happens at once. */
  #draw(): void {
    if (this.#isLeaving) return;
    this.#drawing ??= setTimeout(() => {
      this.#drawing = undefined;
      const isAnew = this.#painted.length === 0;
      const screen = this.#screen();
      const { isColoured } = this.#options;
      const options = { columns: screen.columns, isColoured };
      const { rows, output } = paint(this.#painted, render(screen), options);
      this.#painted = rows;
      this.#terminal.write(isAnew ? `\x1b[2J${output}` : output);
    }, FRAME_MS);
  }

  async #leave(ending: Ending): Promise<void> {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    clearInterval(this.#ticking);
    clearTimeout(this.#drawing);
    this.#terminal.close();
    let waiting: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (waiting = setTimeout(resolve, LEAVE_WITHIN_MS)));
    await Promise.race([this.#desk.chat.close(), late]);
    clearTimeout(waiting);
    this.#end(ending);
  }
}
