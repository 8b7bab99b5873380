/** Plain mode: publishes each line of the input, in order and acknowledged; prints what comes. */
import { setMaxListeners } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import { connect, type Message, type Tertulia, type TertuliaError } from "../sdk/tertulia.js";
import type { Conv } from "../view/model.js";
import { problemOf } from "../view/update.js";
import { sanitizeJson } from "./sanitize.js";
import { parse } from "./commands.js";
import { keepLogin, readSecret, shownFor } from "./credentials.js";
import { keptKey } from "./key-file.js";
import { linesOf } from "./input-lines.js";
import { CLIENT } from "./login.js";
import { lineOf } from "./plain-line.js";
import type { Options } from "./options.js";
import { runPlainCommand } from "./run-plain-command.js";
import { closedText, problemText, type Texts } from "./texts.js";

export interface Streams {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
}

/** docs/terminal.md, exit codes. */
export type ExitCode = 0 | 1 | 2 | 3 | 4;

/** Further lines wait in the pipe. */
const UNDERWAY_AT_MOST = 100;
/** For a name that somebody has to become free: somebody waits for the answer. */
const NAME_WITHIN_MS = 6_000;
/** For own messages to come back from the chat, once they are stored. */
const ECHO_WITHIN_MS = 2_000;

export class PlainMode {
  readonly chat: Tertulia;
  readonly texts: Texts;
  /** Where lines go to. */
  to: Conv;
  readonly #options: Options;
  readonly #streams: Streams;
  /** Aborted when the chat was away for too long, or when this program is told to end. */
  readonly #patience = new AbortController();
  readonly #echoes = new Set<string>();
  /** The newest of each conversation that was printed. */
  readonly #printed = new Map<Conv, number>();
  #away: NodeJS.Timeout | undefined;
  /** The chat was away for too long. */
  #givenUp: Error | undefined;
  #worst: ExitCode = 0;
  #wake: () => void = () => {};

  constructor(options: Options & { readonly name: string }, texts: Texts, streams: Streams) {
    this.#options = options;
    this.#streams = streams;
    this.texts = texts;
    this.to = options.to;
    const { name, url, secrets } = options;
    setMaxListeners(UNDERWAY_AT_MOST + 10, this.#patience.signal); // each publish listens
    const key = keptKey(url, name, process.env);
    const timing = { nameWithinMs: NAME_WITHIN_MS };
    const shown = shownFor(url, name, secrets, process.env);
    this.chat = connect(url, { ...shown, name, key, WebSocket, client: CLIENT, timing });
    keepLogin(this.chat, url, process.env);
    this.chat.on("message", (message) => this.#heard(message));
    this.chat.on("state", ({ name: state }) => {
      if (state === "open") this.#isBack();
      else if (state !== "closed") this.#isAway();
      this.#wake();
    });
    this.#isAway();
  }

  /** Resolves when the input has ended and every line has its answer; with `--listen`, when the chat is closed. */
  async run(): Promise<ExitCode> {
    const { signal } = this.#patience;
    try {
      await this.chat.joined({ signal });
    } catch (error) {
      this.problem(error);
      await this.chat.close();
      return 2;
    }
    await this.#publishAll();
    if (this.#options.isListening) await this.#until(() => false, Infinity);
    const givenUp = this.#givenUp;
    await this.#until(() => this.#echoes.size === 0, ECHO_WITHIN_MS);
    const { state } = this.chat;
    clearTimeout(this.#away);
    if (state.name === "open") await this.#markRead();
    await this.chat.close();
    if (givenUp !== undefined && this.#worst === 0) {
      this.problem(givenUp);
      return 2;
    }
    if (state.name !== "closed" || state.error === undefined) return this.#worst;
    const closed = problemOf(state.code, state.reason, state.error);
    if (closed.why === undefined) this.problem(state.error);
    else this.#complain(closedText(this.texts, closed));
    return this.#worst === 0 ? 4 : this.#worst;
  }

  /** Ends early: reads no more, and does not wait for answers. */
  stop(): void {
    this.#patience.abort(new Error("stopped"));
    this.#wake();
  }

  /** @param line undefined: only programs are told */
  print(line: string | undefined, value: unknown): void {
    const text = this.#options.mode === "json" ? sanitizeJson(value) : line;
    if (text !== undefined) this.#streams.output.write(`${text}\n`);
  }

  printAll(lines: readonly string[], values: readonly object[]): void {
    const texts = this.#options.mode === "json" ? values.map(sanitizeJson) : lines;
    for (const text of texts) this.#streams.output.write(`${text}\n`);
  }

  get url(): string {
    return this.#options.url;
  }

  get password(): string | undefined {
    const { password } = this.#options.secrets;
    return password && readSecret(password);
  }

  problem(error: unknown, of = ""): void {
    const { code } = error as TertuliaError;
    const { texts } = this;
    const words =
      code === "login_required"
        ? closedText(texts, { problem: code, why: texts.logInHow })
        : problemText(texts, error as TertuliaError);
    this.#complain(`${of === "" ? "" : `${of}: `}${words}`);
  }

  #complain(words: string): void {
    this.#streams.errors.write(`tertulia-chat: ${words}\n`);
  }

  /** Resolves when it is stored. A failure is printed, and decides the exit code. */
  async publish(conv: Conv, text: string, of: string): Promise<void> {
    const mid = crypto.randomUUID();
    this.#echoes.add(mid);
    try {
      await this.chat.publish(conv, text, { mid, signal: this.#patience.signal });
    } catch (error) {
      this.#echoes.delete(mid);
      this.#worst = 3;
      this.problem(error, of);
    }
  }

  async #publishAll(): Promise<void> {
    const { signal } = this.#patience;
    const underway = new Set<Promise<void>>();
    const over = new AbortController();
    const off = this.chat.on("state", ({ name }) => name === "closed" && over.abort());
    let number = 0;
    for await (const line of linesOf(this.#streams.input, AbortSignal.any([signal, over.signal]))) {
      number++;
      if (signal.aborted || this.chat.state.name === "closed") {
        if (line.trim() !== "") this.#worst = 3; // read, and not sent
        break;
      }
      if (line.trim() === "") continue;
      const command = this.#options.hasCommands
        ? parse(line)
        : ({ type: "say", text: line } as const);
      if (command.type === "quit") break;
      const doing: Promise<void> =
        command.type === "say"
          ? this.publish(this.to, command.text, `line ${number}`)
          : runPlainCommand(this, command, `line ${number}`);
      underway.add(doing);
      void doing.finally(() => underway.delete(doing));
      if (underway.size >= UNDERWAY_AT_MOST) await Promise.race(underway);
    }
    await Promise.all(underway);
    off();
  }

  #heard(message: Message): void {
    this.print(lineOf(message), { type: "message", ...message });
    this.#printed.set(message.conv, message.seq);
    if (message.from === this.chat.name) this.#echoes.delete(message.mid);
    this.#wake();
  }

  /** Marks what was printed as read, so that the next run does not print it again. */
  async #markRead(): Promise<void> {
    const marks = [...this.#printed].map(([conv, seq]) => this.chat.markRead(conv, seq));
    await Promise.race([
      Promise.allSettled(marks),
      delay(ECHO_WITHIN_MS, undefined, { ref: false }),
    ]);
  }

  #isAway(): void {
    const { waitMs } = this.#options;
    this.#away ??= setTimeout(() => {
      const seconds = waitMs / 1_000;
      this.#givenUp = new Error(`the chat at ${this.#options.url} was away for ${seconds} s`);
      this.#patience.abort(this.#givenUp);
      this.#wake();
    }, waitMs);
  }

  #isBack(): void {
    clearTimeout(this.#away);
    this.#away = undefined;
  }

  /** Until it is so, or it is over anyway. */
  async #until(isSo: () => boolean, withinMs: number): Promise<void> {
    const untilMs = performance.now() + withinMs;
    const timer = withinMs === Infinity ? undefined : setTimeout(() => this.#wake(), withinMs + 1);
    while (!isSo() && performance.now() < untilMs && !this.#isOver()) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    clearTimeout(timer);
  }

  #isOver(): boolean {
    return this.#patience.signal.aborted || this.chat.state.name === "closed";
  }
}
