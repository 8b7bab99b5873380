/**
 * The heartbeat: renews this node's lease each beat, and joins anew under a new incarnation when the lease was lost.
 *
 * A node whose lease has ended is dead to the others: they may have signed out its users and given their names to
 * others. So its sessions' names are claimed again (`onRejoin`) before it is a member again; membership-state.ts
 * knows when. However long that takes, the node renews its lease meanwhile.
 */
import { nanoid } from "nanoid";
import type { Head, NodeLease, Membership } from "./ports.js";
import type { Observe } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";
import { RedisClock } from "./clock.js";
import { nextMembership, type MembershipInput, type MembershipState } from "./membership-state.js";

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
  #state: MembershipState = { name: "joining" };
  /** When the last good renewal began, by this machine's steady clock. */
  #renewedAtMs = -Infinity;
  #claiming: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(lease: NodeLease, settings: HeartbeatSettings, observe: Observe) {
    this.#lease = lease;
    this.#settings = settings;
    this.#observe = observe;
  }

  /** Asked before every act: a node that slept knows it before it has asked Redis. */
  get isMember(): boolean {
    const { name } = this.#state;
    return (name === "member" || name === "confirming") && !this.isOverdue;
  }

  /** Whether the lease may have ended: then the sessions' names may be others'. */
  get isOverdue(): boolean {
    return performance.now() - this.#renewedAtMs >= this.#settings.leaseMs;
  }

  /** Joins, then renews until closed. @throws whatever the lease says; it may be called again then. */
  async start(callbacks: HeartbeatCallbacks): Promise<void> {
    const beganMs = performance.now();
    const heads = await this.#lease.join(this.incarnation);
    this.clock.hear(heads[0]!.timeMs, beganMs, performance.now());
    this.#sawNewGeneration(heads);
    this.#renewedAtMs = beganMs;
    this.#enter({ type: "joined" }, callbacks);
    this.#observe.log.info(
      { event: "cluster_joined", incarnation: this.incarnation },
      "joined the cluster",
    );
    this.#running = this.#run(callbacks);
  }

  /** Stops renewing and gives the lease back. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#running;
    await this.#claiming;
    this.#state = { name: "left" };
    await this.#lease.retire(this.incarnation);
  }

  async #run(callbacks: HeartbeatCallbacks): Promise<void> {
    const { signal } = this.#stop;
    for (let dueMs = performance.now(); !signal.aborted;) {
      dueMs = Math.max(dueMs + this.#settings.beatMs, performance.now());
      await pauseUnlessAborted(dueMs - performance.now(), signal);
      if (signal.aborted) return;
      try {
        await this.#beat(callbacks);
      } catch (error) {
        this.#observe.log.warn({ event: "heartbeat_failed", err: error }, "heartbeat failed");
      }
    }
  }

  async #beat(callbacks: HeartbeatCallbacks): Promise<void> {
    const beganMs = performance.now();
    let heads = await this.#lease.renew(this.incarnation);
    this.clock.hear(heads[0]!.timeMs, beganMs, performance.now());
    const { isOverdue } = this; // until now: sessions may have been suspended meanwhile
    if (heads.some(({ isMember }) => !isMember)) {
      const lost = this.incarnation;
      this.incarnation = newIncarnation();
      this.#enter({ type: "lost" }, callbacks);
      heads = await this.#lease.join(this.incarnation);
      this.#observe.counters.rejoined.inc();
      this.#observe.log.warn(
        { event: "lease_lost", incarnation: this.incarnation, lost },
        "lease was lost, joined anew",
      );
    }
    const isNewGeneration = this.#sawNewGeneration(heads);
    const isOlder = heads.some((head) => head.isOlder);
    this.#renewedAtMs = beganMs;
    callbacks.onHeads(heads);
    this.#enter({ type: "renewed", isOverdue, isNewGeneration, isOlder }, callbacks);
  }

  #enter(input: MembershipInput, callbacks: HeartbeatCallbacks): void {
    const { state, claim } = nextMembership(this.#state, input);
    this.#state = state;
    if (claim !== undefined) this.#claiming = this.#claim(callbacks, claim.mayBeOlder);
  }

  async #claim(callbacks: HeartbeatCallbacks, mayBeOlder: boolean): Promise<void> {
    let outcome: "claimed" | "claimFailed" = "claimed";
    try {
      await callbacks.onRejoin(mayBeOlder);
    } catch (error) {
      outcome = "claimFailed";
      this.#observe.log.warn(
        { event: "claims_failed", err: error },
        "sessions could not be claimed again, trying again",
      );
    }
    this.#enter({ type: outcome }, callbacks);
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
  return nanoid(12);
}
