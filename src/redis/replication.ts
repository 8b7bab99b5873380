/**
 * Replication: waits until the replicas have what a connection has written. One WAIT covers everything that was
 * written before it, so concurrent writes share one.
 */
import type { Redis } from "ioredis";

/**
 * A replica that has disconnected may already be the next primary. It does not get what the other replicas confirm,
 * so nothing is confirmed for this long. By then this primary has been replaced, or it only lost a replica: Sentinel
 * needs a second or two. It is shorter than OPERATION_DEADLINE_MS, so that a waiting write is not refused.
 */
const MAY_BE_REPLACED_FOR_MS = 3_000;
/** How long Redis waits before it answers how many replicas have it. Shorter than a command's timeout. */
const WITHIN_MS = 500;

/** The primary may have stored it, but too few replicas are known to have it. */
export class NotReplicated extends Error {
  override readonly name = "NotReplicated";
}

export class Replication {
  /** The number of replicas that must have a message, at least. */
  readonly least: number;
  readonly #writer: Redis;
  #connection = 0;
  #waiting: Promise<number> | undefined;
  /** The number of replicas that the next WAIT asks for: the most that one of its writes needs. */
  #needed = 0;
  /** The most replicas that were connected to this primary. */
  #most = 0;
  /** Since when there have been fewer. */
  #fewerSince: number | undefined;

  /** @param writer the connection that writes: WAIT covers only what was written on the same connection. */
  constructor(writer: Redis, least: number) {
    this.#writer = writer;
    this.least = least;
    writer.on("close", () => {
      this.#connection++;
      this.#most = 0; // the next connection may lead to another primary
      this.#fewerSince = undefined;
    });
  }

  /** Counts the connected replicas. To be called each beat: a node that seldom writes learns it in no other way. */
  async look(): Promise<void> {
    const replication = await this.#writer.info("replication");
    this.#isWhole(Number(/^connected_slaves:(\d+)/m.exec(replication)?.[1] ?? 0));
  }

  /**
   * Writes, and waits until enough replicas have it: `least`, and all that are connected, since any of them may
   * be the next primary. So may a replica that disconnected lately; then nothing is confirmed.
   *
   * @param connectedOf the number of connected replicas, from the answer of the write
   * @throws NotReplicated if it is not confirmed in time; or the error of the write
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
    // nothing was written on a new connection, so its WAIT returns at once
    if (connection !== this.#connection) throw new NotReplicated("the connection was lost");
    if (replicas < needed) throw new NotReplicated(`${replicas} replicas have it`);
    return answer;
  }

  /** Whether no replica has disconnected lately. */
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
    // writes up to the end of this turn of the event loop share this WAIT
    await new Promise((resolve) => setImmediate(resolve));
    const needed = this.#needed;
    this.#waiting = undefined;
    this.#needed = 0;
    return this.#writer.wait(needed, WITHIN_MS);
  }
}
