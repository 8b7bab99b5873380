/** The terminal: full screen and raw keys while it is open, restored on every way out. */
import { writeSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { ReadStream, WriteStream } from "node:tty";
import { Keyboard } from "./keyboard.js";
import type { Input } from "./keys.js";

/** Alternate screen, bracketed paste, focus reports, no wrapping at the last column. */
const ENTER = "\x1b[?1049h\x1b[?2004h\x1b[?1004h\x1b[?7l\x1b[2J\x1b[H";
/** Clears first: after a resize, tmux leaves parts of the screen in the shell. */
const LEAVE = "\x1b[?2026l\x1b[m\x1b[2J\x1b[?7h\x1b[?1004l\x1b[?2004l\x1b[?25h\x1b[?1049l";

export interface TerminalOptions {
  readonly input: ReadStream;
  readonly output: WriteStream & { readonly fd: number };
  onInput(input: Input): void;
  /** The size has changed, or the content was lost: everything must be drawn again. */
  onResize(): void;
  /** A signal ends this program, or the terminal is gone. */
  onEnd(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void;
}

export class Terminal {
  readonly #options: TerminalOptions;
  /** Released: while this program is suspended, and at the end. */
  #state: "released" | "taken" = "released";
  readonly #decoder = new StringDecoder("utf8");
  #keyboard = new Keyboard();
  #waiting: NodeJS.Timeout | undefined;
  readonly #onData = (chunk: Buffer): void =>
    this.#onInputs(this.#keyboard.feed(this.#decoder.write(chunk)));
  readonly #onResize = (): void => this.#options.onResize();
  readonly #onExit = (): void => this.close();
  readonly #onContinue = (): void => this.#enter();
  readonly #onInt = (): void => this.#options.onEnd("SIGINT");
  readonly #onTerm = (): void => this.#options.onEnd("SIGTERM");
  readonly #onHup = (): void => this.#options.onEnd("SIGHUP");

  constructor(options: TerminalOptions) {
    this.#options = options;
    const { input, output } = options;
    input.on("data", this.#onData);
    input.on("end", this.#onHup);
    input.on("error", this.#onHup);
    output.on("resize", this.#onResize);
    output.on("error", this.#onHup);
    process.on("SIGINT", this.#onInt);
    process.on("SIGTERM", this.#onTerm);
    process.on("SIGHUP", this.#onHup);
    process.on("SIGCONT", this.#onContinue);
    process.on("exit", this.#onExit);
    this.#enter();
  }

  get columns(): number {
    return this.#options.output.columns || 80;
  }

  get rows(): number {
    return this.#options.output.rows || 24;
  }

  write(text: string): void {
    if (this.#state === "taken") this.#options.output.write(text);
  }

  /** Gives the terminal back to the shell until it continues this program. */
  suspend(): void {
    this.#leave();
    process.kill(0, "SIGTSTP");
  }

  /** May be called twice. */
  close(): void {
    const { input, output } = this.#options;
    input.off("data", this.#onData);
    input.off("end", this.#onHup);
    output.off("resize", this.#onResize);
    process.off("SIGCONT", this.#onContinue);
    process.off("exit", this.#onExit);
    this.#leave();
    input.pause();
  }

  #onInputs(inputs: readonly Input[]): void {
    clearTimeout(this.#waiting);
    const { waitMs } = this.#keyboard;
    if (waitMs !== undefined) {
      this.#waiting = setTimeout(() => this.#onInputs(this.#keyboard.silent()), waitMs);
    }
    for (const each of inputs) this.#options.onInput(each);
  }

  #enter(): void {
    if (this.#state === "taken") return;
    this.#state = "taken";
    this.#keyboard = new Keyboard();
    this.#options.input.setRawMode(true);
    this.#options.input.resume();
    this.#options.output.write(ENTER);
    this.#options.onResize();
  }

  #leave(): void {
    if (this.#state === "released") return;
    this.#state = "released";
    clearTimeout(this.#waiting);
    try {
      this.#options.input.setRawMode(false);
      writeSync(this.#options.output.fd, LEAVE); // the process may end with this line
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/** A window that was closed needs no restoring. */
function isGone(error: unknown): boolean {
  return ["EIO", "EPIPE", "EBADF", "ENXIO"].includes((error as NodeJS.ErrnoException).code ?? "");
}
