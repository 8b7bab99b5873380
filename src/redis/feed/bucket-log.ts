/** Reads the log of one bucket in Redis, and its lineage. */
import type { Redis } from "ioredis";
import { isBefore, type Position } from "../../chat/events.js";
import { DamagedValue, type DamageLog } from "../damage.js";
import { eventsOf, positionOf } from "../events.js";
import type { Answer, Effect, LoggedEvent } from "./bucket-state.js";
import { PAGE } from "./fill.js";
import { isSame, readLineage, type Lineage } from "./lineage.js";
import { heardOf } from "./published.js";

type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

/** In the place of an entry that is damaged: its events are a hole. */
const DAMAGED = Buffer.alloc(0);

export class BucketLog {
  readonly #commands: Redis;
  readonly #log: string;
  readonly #meta: string;
  readonly #damage: DamageLog;

  constructor(commands: Redis, log: string, meta: string, damage: DamageLog) {
    this.#commands = commands;
    this.#log = log;
    this.#meta = meta;
    this.#damage = damage;
  }

  /** @throws RangeError if meta is damaged; whatever the connection says. */
  async read(effect: Extract<Effect, { type: "read" }>): Promise<Answer> {
    switch (effect.what) {
      case "page":
        return { type: "pageRead", page: await this.#page(effect.from) };
      case "oldest": {
        const [oldest] = await this.#range("-", 1);
        return { type: "oldestRead", oldest: oldest && loggedIn(oldest)[0]!.at };
      }
      case "lineage":
        return { type: "lineageRead", lineage: await this.#lineage() };
      default:
        return effect satisfies never;
    }
  }

  async #page(from: Position): Promise<LoggedEvent[]> {
    const entries = await this.#range(`${from.generation}-${from.offset}`, PAGE);
    const events = entries.flatMap((entry) => loggedIn(entry, from));
    // the first entry may begin before that
    const page = events.filter(({ at }) => !isBefore(at, from));
    return page.some(isDamaged) ? this.#withoutForeign(page) : page;
  }

  /**
   * What is damaged is a hole, unless nobody has announced anything there: it is beyond the bucket's head, or the next entry
   * has the event of that position.
   */
  async #withoutForeign(page: readonly LoggedEvent[]): Promise<LoggedEvent[]> {
    const { head } = await this.#lineage();
    const isForeign = ({ at }: LoggedEvent, next?: LoggedEvent): boolean =>
      isBefore(head, at) || (next !== undefined && !isBefore(at, next.at));
    const sound = page.filter((each, i) => !isDamaged(each) || !isForeign(each, page[i + 1]));
    const foreign = page.length - sound.length;
    if (foreign > 0) this.#damage.found("log", { key: this.#log, foreign }, undefined, foreign);
    return sound;
  }

  async #lineage(): Promise<Lineage> {
    const fields = await this.#commands.hmget(this.#meta, "g", "n", "lineage");
    try {
      return readLineage(fields);
    } catch (error) {
      this.#damage.found("meta", { key: this.#meta }, error);
      throw error;
    }
  }

  #range(from: string, count: number): Promise<Entry[]> {
    return this.#commands.xrangeBuffer(this.#log, from, "+", "COUNT", count);
  }
}

/** Whether the events up to this position, behind the one before it, cannot be read. */
export function isDamaged({ event }: LoggedEvent): boolean {
  return event.length === 0;
}

/** The events of an entry. If one of them is damaged, all are. `from`: the position that the reading began at. */
function loggedIn([id, [, bytes = DAMAGED]]: Entry, from?: Position): LoggedEvent[] {
  const [generation = 0, offset = 0] = id.toString("latin1").split("-").map(Number);
  const at = { generation, offset };
  try {
    const events = eventsOf(bytes).map((event) => ({ event, at: positionOf(event) }));
    for (const { event } of events) heardOf(event, from ?? at);
    if (isSame(events.at(-1)!.at, at)) return events;
  } catch (error) {
    if (!(error instanceof DamagedValue)) throw error;
  }
  return [{ at, event: DAMAGED }];
}
