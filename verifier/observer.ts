/** The observer: hears what every Redis server publishes, replicas included, without a gateway between. */
import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { decodeEvent, eventsOf, isEphemeral, positionOf } from "#tertulia/redis/events.js";
import { ALL_BUCKETS, Keys } from "#tertulia/redis/keys.js";
import type { Published } from "./rules/run-history.js";
import { storedFrom } from "./truth.js";

const keys = new Keys("tertulia");

export class Observer {
  readonly events: Published[] = [];
  readonly #known = new Set<string>();
  readonly #now: () => number;
  readonly #connections: Redis[] = [];

  private constructor(now: () => number) {
    this.#now = now;
  }

  /** Opens one more connection to each server. A replica publishes what its primary published. */
  static async start(servers: readonly Redis[], now: () => number): Promise<Observer> {
    const observer = new Observer(now);
    for (const server of servers) {
      // the library subscribes again by itself, but tells nobody when that fails
      const connection = server.duplicate({ autoResubscribe: false });
      connection.on("error", () => {}); // servers are killed on purpose
      connection.on("pmessageBuffer", (_pattern, channel: Buffer, bytes: Buffer) => {
        if (isEphemeral(bytes)) return; // it has no position
        for (const event of eventsOf(bytes)) observer.#keep(String(channel), event);
      });
      observer.#connections.push(connection);
      const subscribe = async (): Promise<void> => {
        await connection.psubscribe("tertulia:*:log");
        await observer.#readLogs(server);
      };
      connection.on("ready", () => void subscribe().catch(() => {})); // the server was killed again, and will be ready again
      await subscribe();
    }
    return observer;
  }

  close(): void {
    for (const connection of this.#connections) connection.disconnect();
  }

  /** Reads what was published before the subscription: a server that has just started may be written to at once. */
  async #readLogs(server: Redis): Promise<void> {
    for (const bucket of ALL_BUCKETS) {
      const log = keys.log(bucket);
      for (const [, fields] of await server.xrangeBuffer(log, "-", "+")) {
        for (const event of eventsOf(fields[1]!)) this.#keep(log, event);
      }
    }
  }

  /** Keeps each content of each position once. */
  #keep(channel: string, event: Buffer): void {
    const bucket = Number(/\{(\d+)\}/.exec(channel)![1]);
    const { generation, offset } = positionOf(event);
    const digest = createHash("sha1").update(event).digest("base64").slice(0, 12);
    const key = `${bucket}/${generation}/${offset}/${digest}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const notice = decodeEvent(event);
    const message = notice.type === "message" ? storedFrom(notice.message) : undefined;
    this.events.push({ t: this.#now(), bucket, generation, offset, digest, message });
  }
}
