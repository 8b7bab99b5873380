/** The history of a run: what every client asked, was told and heard, on one steady clock. */
import { createWriteStream, type WriteStream } from "node:fs";

/** One line of the history. `t`: milliseconds since the run began, on one steady clock. */
export type Entry =
  | {
      readonly t: number;
      readonly kind: "open";
      readonly session: number;
      readonly name: string;
      readonly gateway: number;
    }
  | { readonly t: number; readonly kind: "closed"; readonly session: number }
  /** A connection attempt ended without an answer: the gateway may have claimed the name, or may claim it later. */
  | {
      readonly t: number;
      readonly kind: "unanswered";
      readonly name: string;
      readonly gateway: number;
      /** When it began. */
      readonly since: number;
    }
  /** A client sends a message. `id` is unique in the run, `conv` is `~` or `a|b`. */
  | {
      readonly t: number;
      readonly kind: "invoke";
      readonly session: number;
      readonly id: string;
      readonly conv: string;
    }
  /** The message is acknowledged: its sender has received it. */
  | { readonly t: number; readonly kind: "ok"; readonly id: string }
  /** The message is refused: it must not be stored. */
  | { readonly t: number; readonly kind: "fail"; readonly id: string }
  /** There was no answer, or the answer says that nobody knows: it may be stored, once. */
  | { readonly t: number; readonly kind: "unknown"; readonly id: string }
  | {
      readonly t: number;
      readonly kind: "heard";
      readonly session: number;
      readonly id: string;
      readonly conv: string;
    }
  | {
      readonly t: number;
      readonly kind: "presence";
      readonly session: number;
      readonly name: string;
      readonly status: number;
    }
  /** Somebody tried to get a name by what does not prove that it is theirs. */
  | {
      readonly t: number;
      readonly kind: "theft";
      readonly name: string;
      /** What was shown. */
      readonly by: string;
      readonly isIn: boolean;
    }
  | {
      readonly t: number;
      readonly kind: "fault";
      readonly what: string;
      /** Their users may be taken for dead because of it. */
      readonly gateways: readonly number[];
      /** Another Redis server takes over, which may lack the messages that were acknowledged last. */
      readonly rollsBack: boolean;
      /** All of Redis is away for a while: clients need not be able to write soon. */
      readonly isOutage?: boolean;
    }
  /** The moment in which something goes down: these gateways, or the primary if there are none. */
  | {
      readonly t: number;
      readonly kind: "down";
      readonly what: string;
      readonly gateways: readonly number[];
    }
  | { readonly t: number; readonly kind: "healed"; readonly what: string };

type WithoutTime<E> = E extends Entry ? Omit<E, "t"> : never;

export class History {
  readonly entries: Entry[] = [];
  readonly path: string;
  readonly #file: WriteStream;
  readonly #began = performance.now();

  constructor(path: string) {
    this.path = path;
    this.#file = createWriteStream(path);
  }

  now(): number {
    return Math.round((performance.now() - this.#began) * 1_000) / 1_000;
  }

  add(what: WithoutTime<Entry>): Entry {
    const entry = { t: this.now(), ...what } as Entry;
    this.entries.push(entry);
    this.#file.write(`${JSON.stringify(entry)}\n`);
    return entry;
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#file.end(resolve));
  }
}
