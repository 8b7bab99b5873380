/**
 * Few long reads at a time. Thousands may be asked for at once, of up to a quarter of a megabyte each: those that wait here
 * do not stand in front of messages, neither in Redis nor in this process.
 */
import { Unavailable } from "../chat/ports.js";
import { takeOverdue } from "./overdue.js";

interface Waiter {
  readonly untilMs: number;
  readonly go: () => void;
  readonly reject: (error: Error) => void;
}

export class ReadGate {
  readonly #most: number;
  readonly #withinMs: number;
  readonly #waiting: Waiter[] = [];
  #underWay = 0;

  /**
   * @param most reads that are under way at the same time
   * @param withinMs for which one waits for its turn
   */
  constructor(most: number, withinMs: number) {
    this.#most = most;
    this.#withinMs = withinMs;
  }

  /** Reads, in its turn. @throws Unavailable if its turn does not come in time; the error of the read */
  async pass<T>(read: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#most) await this.#turn();
    else this.#underWay++;
    try {
      return await read();
    } finally {
      this.#next();
    }
  }

  #turn(): Promise<void> {
    return new Promise((go, reject) => {
      this.#waiting.push({ untilMs: performance.now() + this.#withinMs, go, reject });
    });
  }

  /** The place of one that is done goes to the next one. */
  #next(): void {
    for (const { reject } of takeOverdue(this.#waiting, performance.now())) {
      reject(new Unavailable("too much is being read, its turn did not come in time"));
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#underWay--;
    else next.go();
  }
}
