/** Reads the log of one bucket in Redis, and its lineage. */
import type { Redis } from "ioredis";
import { isBefore } from "../../chat/events.js";
import { eventsOf, positionOf } from "../events.js";
import type { Answer, Effect, LoggedEvent } from "./bucket-state.js";
import { PAGE } from "./fill.js";
import { readLineage } from "./lineage.js";

export class BucketLog {
  readonly #commands: Redis;
  readonly #log: string;
  readonly #meta: string;

  constructor(commands: Redis, log: string, meta: string) {
    this.#commands = commands;
    this.#log = log;
    this.#meta = meta;
  }

  /** @throws whatever the connection says. */
  async read(effect: Extract<Effect, { type: "read" }>): Promise<Answer> {
    switch (effect.what) {
      case "page": {
        const { from } = effect;
        const page = await this.#range(`${from.generation}-${from.offset}`, PAGE);
        // the first entry may begin before that
        return { type: "pageRead", page: page.filter(({ at }) => !isBefore(at, from)) };
      }
      case "oldest": {
        const [oldest] = await this.#range("-", 1);
        return { type: "oldestRead", oldest: oldest?.at };
      }
      case "lineage": {
        const fields = await this.#commands.hmget(this.#meta, "g", "n", "lineage");
        return { type: "lineageRead", lineage: readLineage(fields) };
      }
      default:
        return effect satisfies never;
    }
  }

  async #range(from: string, count: number): Promise<LoggedEvent[]> {
    const entries = await this.#commands.xrangeBuffer(this.#log, from, "+", "COUNT", count);
    const events = entries.flatMap(([, fields]) => eventsOf(fields[1]!));
    return events.map((event) => ({ event, at: positionOf(event) }));
  }
}
