/**
 * Replication: waits until a replica has what was written on a connection. One WAIT covers everything
 * written before it, so those who write at the same time share one.
 */
import type { Redis } from "ioredis";

/** Redis gives up waiting, and says how many have it; below the timeout of a command. */
const WITHIN_MS = 500;

/** It is stored by the primary, perhaps; too few replicas are known to have it. */
export class NotReplicated extends Error {
  override readonly name = "NotReplicated";
}

export class Replication {
  /** Replicas that must have a message. */
  readonly least: number;
  readonly #writer: Redis;
  #connection = 0;
  #waiting: Promise<number> | undefined;

  /** @param writer the connection that writes: WAIT knows only what was written on its own. */
  constructor(writer: Redis, least: number) {
    this.#writer = writer;
    this.least = least;
    writer.on("close", () => this.#connection++);
  }

  /**
   * Writes, and waits until enough replicas have it.
   *
   * @throws NotReplicated if that is not known in time, or what the write throws.
   */
  async covering<T>(write: () => Promise<T>): Promise<T> {
    const connection = this.#connection;
    const answer = await write();
    this.#waiting ??= this.#wait();
    const replicas = await this.#waiting;
    // on a new connection nothing was written yet, and WAIT is content at once
    if (connection !== this.#connection) throw new NotReplicated("the connection was lost");
    if (replicas < this.least) throw new NotReplicated(`${replicas} replicas have it`);
    return answer;
  }

  async #wait(): Promise<number> {
    // whoever has written by the end of this turn of the event loop comes along
    await new Promise((resolve) => setImmediate(resolve));
    this.#waiting = undefined;
    return this.#writer.wait(this.least, WITHIN_MS);
  }
}
