/**
 * Membership: renews this node's lease each beat, and starts a new life when the lease was lost.
 *
 * A node whose lease has ended is dead for the others: they may have signed out its users and given
 * their names away. So it takes a new incarnation, lets `onRejoin` claim the sessions again, and is
 * a member only then.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Head, NodeLease, Standing } from "../chat/ports.js";
import type { Observe } from "../observe.js";

export interface HeartbeatDoors {
  /** All buckets' heads, after each renewal. */
  readonly onHeads: (heads: readonly Head[]) => void;
  /** The incarnation is new, or Redis began a new generation: claim what this node's sessions hold. */
  readonly onRejoin: () => Promise<void>;
}

export class Heartbeat implements Standing {
  incarnation = newIncarnation();
  isMember = false;
  readonly #lease: NodeLease;
  readonly #beatMs: number;
  readonly #observe: Observe;
  readonly #stop = new AbortController();
  readonly #generations = new Map<number, number>();
  /** Until it has been done without a failure. */
  #mustReclaim = false;
  #running: Promise<void> | undefined;

  constructor(lease: NodeLease, beatMs: number, observe: Observe) {
    this.#lease = lease;
    this.#beatMs = beatMs;
    this.#observe = observe;
  }

  /** Joins, then renews until closed. */
  async start(doors: HeartbeatDoors): Promise<void> {
    const heads = await this.#lease.join(this.incarnation);
    this.#sawNewGeneration(heads);
    this.isMember = true;
    this.#observe.log.info({ incarnation: this.incarnation }, "joined the cluster");
    this.#running = this.#run(doors);
  }

  /** Stops renewing and gives the lease back. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#running;
    this.isMember = false;
    await this.#lease.retire(this.incarnation);
  }

  async #run(doors: HeartbeatDoors): Promise<void> {
    const { signal } = this.#stop;
    for (let due = performance.now() + this.#beatMs; !signal.aborted; due += this.#beatMs) {
      due = Math.max(due, performance.now());
      await pause(due - performance.now(), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.#beat(doors);
      } catch (error) {
        this.#observe.log.warn({ err: error }, "heartbeat failed");
      }
    }
  }

  async #beat(doors: HeartbeatDoors): Promise<void> {
    if (!this.isMember) return this.#rejoin(doors);
    const heads = await this.#lease.renew(this.incarnation);
    if (heads.some(({ isMember }) => !isMember)) return this.#rejoin(doors);
    doors.onHeads(heads);
    // what Redis lost in between may include the claims of our sessions
    if (this.#sawNewGeneration(heads)) this.#mustReclaim = true;
    if (!this.#mustReclaim) return;
    await doors.onRejoin();
    this.#mustReclaim = false;
  }

  async #rejoin(doors: HeartbeatDoors): Promise<void> {
    this.isMember = false;
    const lost = this.incarnation;
    this.incarnation = newIncarnation();
    const heads = await this.#lease.join(this.incarnation);
    this.#sawNewGeneration(heads);
    await doors.onRejoin();
    doors.onHeads(heads);
    this.isMember = true;
    this.#observe.counters.rejoined.inc();
    this.#observe.log.warn({ incarnation: this.incarnation, lost }, "lease was lost, joined anew");
  }

  #sawNewGeneration(heads: readonly Head[]): boolean {
    let isNew = false;
    for (const { bucket, head } of heads) {
      if (this.#generations.get(bucket) !== head.g) isNew = true;
      this.#generations.set(bucket, head.g);
    }
    return isNew;
  }
}

function newIncarnation(): string {
  return randomBytes(9).toString("base64url");
}
