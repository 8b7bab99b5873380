/**
 * Membership: renews this node's lease each beat, and starts a new life when the lease was lost.
 *
 * A node whose lease has ended is dead for the others: they may have signed out its users and given
 * their names away. So it takes a new incarnation, lets `onRejoin` claim the sessions again, and is
 * a member only then. It goes on renewing meanwhile, however long that takes.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Head, NodeLease, Membership } from "./ports.js";
import type { Observe } from "../observe.js";
import { RedisClock } from "./clock.js";

export interface HeartbeatSettings {
  readonly beatMs: number;
  readonly leaseMs: number;
}

export interface HeartbeatCallbacks {
  /** All buckets' heads, after each renewal. */
  readonly onHeads: (heads: readonly Head[]) => void;
  /**
   * The incarnation is new, or Redis began a new generation: claim what this node's sessions hold. In the
   * second case its data may be older.
   */
  readonly onRejoin: (mayBeOlder: boolean) => Promise<void>;
}

export class Heartbeat implements Membership {
  incarnation = newIncarnation();
  readonly clock = new RedisClock();
  readonly #lease: NodeLease;
  readonly #settings: HeartbeatSettings;
  readonly #observe: Observe;
  readonly #stop = new AbortController();
  readonly #generations = new Map<number, number>();
  /** When the last good renewal began, by this machine's steady clock. */
  #renewedAt = -Infinity;
  #hasJoined = false;
  /** Until it has been done without a failure. */
  #mustReclaim = false;
  #mayBeOlder = false;
  #reclaiming: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(lease: NodeLease, settings: HeartbeatSettings, observe: Observe) {
    this.#lease = lease;
    this.#settings = settings;
    this.#observe = observe;
  }

  /** Asked before every act: a node that slept knows it before it has asked Redis. */
  get isMember(): boolean {
    return this.#hasJoined && !this.isOverdue;
  }

  /** Whether the lease may have ended: then the sessions' names may be others'. */
  get isOverdue(): boolean {
    return performance.now() - this.#renewedAt >= this.#settings.leaseMs;
  }

  /** Joins, then renews until closed. */
  async start(doors: HeartbeatCallbacks): Promise<void> {
    const began = performance.now();
    const heads = await this.#lease.join(this.incarnation);
    this.clock.hear(heads[0]!.timeMs, began, performance.now());
    this.#sawNewGeneration(heads);
    this.#renewedAt = began;
    this.#hasJoined = true;
    this.#observe.log.info(
      { event: "cluster_joined", incarnation: this.incarnation },
      "joined the cluster",
    );
    this.#running = this.#run(doors);
  }

  /** Stops renewing and gives the lease back. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#running;
    await this.#reclaiming;
    this.#hasJoined = false;
    await this.#lease.retire(this.incarnation);
  }

  async #run(doors: HeartbeatCallbacks): Promise<void> {
    const { signal } = this.#stop;
    for (let due = performance.now(); !signal.aborted;) {
      due = Math.max(due + this.#settings.beatMs, performance.now());
      await pause(due - performance.now(), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await this.#beat(doors);
      } catch (error) {
        this.#observe.log.warn({ event: "heartbeat_failed", err: error }, "heartbeat failed");
      }
    }
  }

  async #beat(doors: HeartbeatCallbacks): Promise<void> {
    const began = performance.now();
    let heads = await this.#lease.renew(this.incarnation);
    this.clock.hear(heads[0]!.timeMs, began, performance.now());
    const wasMember = this.isMember; // until now: sessions may have been suspended meanwhile
    const isLost = heads.some(({ isMember }) => !isMember);
    if (isLost) {
      const lost = this.incarnation;
      this.incarnation = newIncarnation();
      heads = await this.#lease.join(this.incarnation);
      this.#observe.counters.rejoined.inc();
      this.#observe.log.warn(
        { event: "lease_lost", incarnation: this.incarnation, lost },
        "lease was lost, joined anew",
      );
    }
    // what Redis lost in between may include the claims of our sessions
    const isNewGeneration = this.#sawNewGeneration(heads);
    if (isNewGeneration || heads.some(({ isOlder }) => isOlder)) this.#mayBeOlder = true;
    if (isLost || isNewGeneration || !wasMember) this.#mustReclaim = true;
    if (isLost || !wasMember) this.#hasJoined = false;
    this.#renewedAt = began;
    doors.onHeads(heads);
    if (this.#mustReclaim) this.#reclaiming ??= this.#reclaim(doors);
  }

  async #reclaim(doors: HeartbeatCallbacks): Promise<void> {
    const mayBeOlder = this.#mayBeOlder;
    this.#mustReclaim = this.#mayBeOlder = false;
    try {
      await doors.onRejoin(mayBeOlder);
      if (!this.#mustReclaim) this.#hasJoined = true;
    } catch (error) {
      this.#mustReclaim = true;
      this.#mayBeOlder ||= mayBeOlder;
      this.#observe.log.warn(
        { event: "claims_failed", err: error },
        "sessions could not be claimed again, trying again",
      );
    } finally {
      this.#reclaiming = undefined;
    }
  }

  #sawNewGeneration(heads: readonly Head[]): boolean {
    let isNew = false;
    for (const { bucket, head, isOlder } of heads) {
      if (isOlder) continue;
      if (this.#generations.get(bucket) !== head.generation) isNew = true;
      this.#generations.set(bucket, head.generation);
    }
    return isNew;
  }
}

function newIncarnation(): string {
  return randomBytes(9).toString("base64url");
}
