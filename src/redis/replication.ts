/**
 * Replication: waits until a replica has what was written on a connection. One WAIT covers everything
 * written before it, so those who write at the same time share one.
 */
import type { Redis } from "ioredis";

/**
 * A replica that is gone may be the next primary already, which gets nothing of what the others confirm: nothing
 * is confirmed for so long, by when this primary has been replaced, or was only left by a replica. Sentinel takes
 * a second or two from one to the other; below OPERATION_DEADLINE_MS, so that who waits is not refused.
 */
const MAY_BE_REPLACED_FOR_MS = 3_000;
/** Redis gives up waiting, and says how many have it; below the timeout of a command. */
const WITHIN_MS = 500;

/** It is stored by the primary, perhaps; too few replicas are known to have it. */
export class NotReplicated extends Error {
  override readonly name = "NotReplicated";
}

export class Replication {
  /** Replicas that must have a message, at least. */
  readonly least: number;
  readonly #writer: Redis;
  #connection = 0;
  #waiting: Promise<number> | undefined;
  /** Of those who share the next WAIT. */
  #needed = 0;
  /** As many as were connected, and since when there are fewer; of this connection. */
  #most = 0;
  #fewerSince: number | undefined;

  /** @param writer the connection that writes: WAIT knows only what was written on its own. */
  constructor(writer: Redis, least: number) {
    this.#writer = writer;
    this.least = least;
    writer.on("close", () => {
      this.#connection++;
      this.#most = 0; // the next one may be with another primary
      this.#fewerSince = undefined;
    });
  }

  /** Looks how many replicas are connected; to be called each beat, or who seldom writes would not know. */
  async look(): Promise<void> {
    const replication = await this.#writer.info("replication");
    this.#isWhole(Number(/^connected_slaves:(\d+)/m.exec(replication)?.[1] ?? 0));
  }

  /**
   * Writes, and waits until enough replicas have it: as many as must, and all that are connected, for
   * any of them may be the next primary. So may be one that has gone lately.
   *
   * @param connectedOf how many replicas the answer says are connected
   * @throws NotReplicated if that is not known in time, or what the write throws.
   */
  async covering<T>(write: () => Promise<T>, connectedOf: (answer: T) => number): Promise<T> {
    const connection = this.#connection;
    const answer = await write();
    const connected = connectedOf(answer);
    if (connection === this.#connection && !this.#isWhole(connected)) {
      throw new NotReplicated("a replica has gone, and may be the primary by now");
    }
    const needed = Math.max(this.least, connected);
    this.#needed = Math.max(this.#needed, needed);
    this.#waiting ??= this.#wait();
    const replicas = await this.#waiting;
    // on a new connection nothing was written yet, and WAIT is content at once
    if (connection !== this.#connection) throw new NotReplicated("the connection was lost");
    if (replicas < needed) throw new NotReplicated(`${replicas} replicas have it`);
    return answer;
  }

  /** Whether none of the replicas has gone lately. */
  #isWhole(connected: number): boolean {
    if (connected < this.#most) {
      this.#fewerSince ??= performance.now();
      if (performance.now() - this.#fewerSince < MAY_BE_REPLACED_FOR_MS) return false;
    }
    this.#most = connected;
    this.#fewerSince = undefined;
    return true;
  }

  async #wait(): Promise<number> {
    // whoever has written by the end of this turn of the event loop comes along
    await new Promise((resolve) => setImmediate(resolve));
    const needed = this.#needed;
    this.#waiting = undefined;
    this.#needed = 0;
    return this.#writer.wait(needed, WITHIN_MS);
  }
}
