/** The full-screen client: connects a terminal with a session of the chat, draws frames, and cleans up at the end. */
import type { ReadStream, WriteStream } from "node:tty";
import { normalizeName } from "../sdk/normalize-name.js";
import type { ViewStore } from "../view/view-store.js";
import { shouldRing, type Bell } from "./bell.js";
import { startOfDay } from "../view/days.js";
import type { Problem, View } from "../view/model.js";
import { actionOfInput, type Input } from "./keys.js";
import { render } from "./layout.js";
import { paint } from "./paint.js";
import type { Screen } from "./screen.js";
import { openSession } from "./session.js";
import { InputController } from "./input-controller.js";
import type { Secrets } from "./credentials.js";
import { askLogin } from "./login.js";
import { Terminal } from "./terminal.js";
import { closedText, type Texts } from "./texts.js";

export interface AppOptions {
  readonly url: string;
  readonly name: string;
  readonly texts: Texts;
  readonly isColoured: boolean;
  /** What it rings for, of messages that the user is not looking at. */
  readonly bell: Bell;
  readonly secrets: Secrets;
  /** Whether an account of this name is made first. */
  readonly isNew: boolean;
  readonly input: ReadStream;
  readonly output: WriteStream & { readonly fd: number };
}

/** How it ended. `why`: printed after the screen is restored. */
export interface Ending {
  readonly how: "left" | "refused" | "SIGINT" | "SIGTERM" | "SIGHUP";
  readonly why?: string;
}

/** Why a connection was closed, where a password may help. */
const ASK_AGAIN: ReadonlySet<Problem> = new Set(["login_required", "bad_credentials", "revoked"]);
const FRAME_MS = 16;
const TICK_MS = 1_000;
const LEAVE_WITHIN_MS = 1_000;

export class App {
  /** Resolves when the chat is left and the terminal is as it was before. */
  readonly ended: Promise<Ending>;
  readonly #options: AppOptions;
  readonly #controller: InputController;
  readonly #terminal: Terminal;
  readonly #ticking: NodeJS.Timeout;
  #store: ViewStore;
  #url: string;
  #sessionCount = 0;
  /** As it was at the last change. */
  #connection: View["connection"] | undefined;
  /** Joined: a connection was open. */
  #state: "joining" | "joined" | "leaving" = "joining";
  #painted: readonly string[] = [];
  #drawing: NodeJS.Timeout | undefined;
  #resolveEnded: (ending: Ending) => void = () => {};

  constructor(options: AppOptions) {
    this.#options = options;
    this.#url = options.url;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#store = this.#openSession(options.name);
    const store = (): ViewStore => this.#store;
    this.#controller = new InputController({
      texts: options.texts,
      get store() {
        return store();
      },
      screen: () => this.#screen(),
      draw: () => this.#draw(),
      redraw: () => this.#redraw(),
      suspend: () => this.#terminal.suspend(),
      connect: (url, name) => this.#connect(url, name),
      leave: () => void this.#leave({ how: "left" }),
    });
    this.#terminal = new Terminal({
      input: options.input,
      output: options.output,
      onInput: (input) => this.#onInput(input),
      onResize: () => this.#redraw(),
      onEnd: (signal) => void this.#leave({ how: signal }),
    });
    this.#ticking = setInterval(() => {
      this.#store.dispatch({ type: "tick" });
      this.#controller.dropLostAnchor();
      this.#draw();
    }, TICK_MS);
    this.#controller.look();
  }

  #openSession(name: string, earlier?: ViewStore, login?: string): ViewStore {
    const session = ++this.#sessionCount;
    return openSession({
      url: this.#url,
      name,
      secrets: this.#secretsOf(name),
      login,
      earlier,
      onChange: (view) => {
        if (session === this.#sessionCount) this.#onChange(view);
      },
      onNotify: ({ message }) => {
        if (session === this.#sessionCount && shouldRing(this.#options.bell, message, name)) {
          this.#terminal.write("\x07");
        }
      },
    });
  }

  #onChange({ connection }: View): void {
    const isNews = connection !== this.#connection;
    this.#connection = connection;
    if (connection.name === "open" && this.#state === "joining") this.#state = "joined";
    if (connection.name === "closed" && isNews) void this.#onClosed(connection);
    this.#draw();
  }

  /** Asks for a password, if that may help. Who has never been in the chat, and cannot join, has nothing to see. */
  async #onClosed(connection: Extract<View["connection"], { name: "closed" }>): Promise<void> {
    const { texts, isNew } = this.#options;
    const { problem } = connection;
    const isLogin = ASK_AGAIN.has(problem);
    const session = this.#sessionCount;
    const { name } = this.#store.chat;
    if (isLogin && this.#secretsOf(name).token === undefined) {
      const who = { url: this.#url, name, isNew: isNew && this.#state === "joining" };
      const login = await this.#controller.interview((ask) => askLogin({ texts, ask }, who));
      if (session !== this.#sessionCount || this.#state === "leaving") return;
      if (login !== undefined) {
        this.#store = this.#openSession(name, undefined, login);
        this.#controller.toEnd();
        return;
      }
    }
    if (this.#state !== "joining") return;
    void this.#leave({ how: "refused", why: closedText(texts, connection) });
  }

  /** Those that were given are for the name and the chat that were given with them. */
  #secretsOf(name: string): Secrets {
    const { url, name: first, secrets } = this.#options;
    const isTheirs = this.#url === url && normalizeName(name) === normalizeName(first);
    return isTheirs ? secrets : { token: undefined, password: undefined };
  }

  #connect(url = this.#url, name = this.#store.view.me): void {
    const earlier = this.#store;
    const { connection, me } = earlier.view;
    const isSame = url === this.#url && name === me;
    if (isSame && connection.name === "waiting") earlier.chat.reconnectNow();
    if (isSame && connection.name !== "away" && connection.name !== "closed") return;
    void earlier.chat.close();
    this.#url = url;
    this.#store = this.#openSession(name, isSame ? earlier : undefined);
    this.#controller.toEnd();
  }

  #onInput(input: Input): void {
    const action = actionOfInput(input, this.#controller.isEmpty);
    if (action === undefined || this.#state === "leaving") return;
    this.#controller.handle(action);
    this.#draw();
  }

  #screen(): Screen {
    const { editor, prompt, anchor, overlay, searchHit } = this.#controller;
    const { columns, rows } = this.#terminal;
    const { texts } = this.#options;
    const { view } = this.#store;
    const today = startOfDay(Date.now());
    const nowMs = performance.now();
    const input = { editor, prompt, anchor, overlay, search: searchHit };
    return { view, url: this.#url, ...input, columns, rows, texts, today, nowMs };
  }

  #redraw(): void {
    this.#painted = [];
    this.#draw();
  }

  /** Coalesces: at most one frame in 16 ms. */
  #draw(): void {
    if (this.#state === "leaving") return;
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
    if (this.#state === "leaving") return;
    this.#state = "leaving";
    clearInterval(this.#ticking);
    clearTimeout(this.#drawing);
    this.#terminal.close();
    let waiting: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (waiting = setTimeout(resolve, LEAVE_WITHIN_MS)));
    await Promise.race([this.#store.chat.close(), late]);
    clearTimeout(waiting);
    this.#resolveEnded(ending);
  }
}
