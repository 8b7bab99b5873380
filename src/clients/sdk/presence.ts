/** Who is connected, asked for once and again after each return. */
import type { Events } from "../../wire/json-schema.js";
import type { PresenceChange, PresenceView, Status } from "./events.js";
import type { Ask, Ok } from "./connection.js";
import type { RequestQueue } from "./request-queue.js";
import { checkNames } from "./misuse.js";
import { Roster } from "./roster.js";

const LANE = "presence";

export class Presence implements PresenceView {
  readonly #roster = new Roster();
  readonly #outbox: RequestQueue;
  readonly #changed: (change: PresenceChange) => void;
  #wanted: readonly string[] | undefined;
  #asking = 0;

  constructor(outbox: RequestQueue, changed: (change: PresenceChange) => void) {
    this.#outbox = outbox;
    this.#changed = changed;
  }

  get people(): ReadonlyMap<string, Status> {
    return this.#roster.people;
  }

  get count(): number {
    return this.#roster.count;
  }

  get isFull(): boolean {
    return this.#roster.isFull;
  }

  async watch(
    names: readonly string[] = [],
    options: { signal?: AbortSignal } = {},
  ): Promise<void> {
    checkNames(names);
    await this.#ask(names, options.signal);
  }

  async off({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#wanted = undefined;
    await this.#outbox.do({ request: { type: "presence", off: true }, lane: LANE, signal });
  }

  /** A connection knows nothing of what the one before it was asked. */
  async askAgain(): Promise<void> {
    if (this.#wanted && this.#asking === 0) await this.#ask(this.#wanted);
  }

  told({ count, full, snapshot = false, set = [], gone = [] }: Events["presence"]): void {
    if (!this.#wanted) return;
    this.#changed(this.#roster.report({ count, full, isSnapshot: snapshot, set, gone }));
  }

  async #ask(names: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#wanted = names;
    this.#asking++;
    const answered = ({ count = 0, full = true, set = [] }: Ok): void => {
      this.#roster.watched = new Set(names);
      this.#changed(this.#roster.report({ count, full, isSnapshot: true, set, gone: [] }));
    };
    const request: Ask = { type: "presence", watch: [...names] };
    try {
      await this.#outbox.do({ request, lane: LANE, isStubborn: true, signal, answered });
    } finally {
      this.#asking--;
    }
  }
}
