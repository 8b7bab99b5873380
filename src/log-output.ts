/**
 * Where log lines go: to standard output, those of a moment in one write, because a write costs more than a line. None
 * is lost when the process ends by itself, by a signal that it heeds, or by an error that nobody caught.
 */
import { pino, type DestinationStream } from "pino";
import { Window, type Gatherer } from "./window.js";

const LOG_WINDOW_MS = 25;

export function standardOutput(): DestinationStream {
  const lines = new LineGatherer(new Window(() => LOG_WINDOW_MS), (text) => output.write(text));
  process.once("exit", () => lines.flush());
  // a write that another thread has under way when the process ends would be torn by the last one
  const output = pino.destination({ sync: true });
  return lines;
}

export class LineGatherer implements DestinationStream, Gatherer {
  readonly #window: Pick<Window, "queue">;
  readonly #output: (text: string) => void;
  #text = "";

  constructor(window: Pick<Window, "queue">, output: (text: string) => void) {
    this.#window = window;
    this.#output = output;
  }

  write(line: string): void {
    if (this.#text === "") this.#window.queue(this);
    this.#text += line;
  }

  flush(): void {
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#output(text);
  }
}
