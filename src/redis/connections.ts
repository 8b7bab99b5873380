/** A node's connections to its Redis: one for each kind of work, so that no kind waits for another. */
import type { Redis } from "ioredis";
import type { Log } from "../observe.js";
import {
  certificateEnd,
  checkRedis,
  connectRedis,
  giveUp,
  untilReady,
  type RedisSettings,
} from "./connect.js";

export class Connections {
  /** What clients asked for. */
  readonly commands: Redis;
  /** Leases, and the leader's duties. */
  readonly duty: Redis;
  /** The feed's; opened and closed by the feed. */
  readonly subscriber: Redis;
  /** Messages. A connection of its own if each write waits for replicas: WAIT blocks all that comes behind it. */
  readonly writer: Redis;
  readonly #log: Log;
  #version = "unknown";

  constructor(settings: RedisSettings, { hasWriter }: { hasWriter: boolean }, log: Log) {
    this.commands = connectRedis(settings, "command", log);
    this.duty = connectRedis(settings, "duty", log);
    this.subscriber = connectRedis(settings, "subscriber", log);
    this.writer = hasWriter ? connectRedis(settings, "writer", log) : this.commands;
    this.#log = log;
  }

  /** Connects, for as long as it takes. @throws Error if it is no Redis as it must be */
  async open(): Promise<void> {
    await Promise.all(this.#own.map((redis) => untilReady(redis)));
    this.#version = await checkRedis(this.commands, this.#log);
  }

  close(): void {
    for (const redis of this.#own) giveUp(redis);
  }

  /** Of the server. */
  get version(): string {
    return this.#version;
  }

  get isConnected(): boolean {
    return this.commands.status === "ready";
  }

  /** See {@link certificateEnd}. */
  get certificateEnd(): number {
    return certificateEnd(this.commands);
  }

  get #own(): Redis[] {
    return [...new Set([this.commands, this.duty, this.writer])];
  }
}
