/**
 * Leader election. The lease limits for how long nobody leads. That two nodes never both act as leader is the work
 * of the token, a fence: each leader has a greater one, and Redis checks it where the leader writes.
 */
import type { LeaderLease, Membership } from "./ports.js";
import type { Observe } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";

/** Between two rounds, also when the last one took longer than it should. */
const LEAST_PAUSE_MS = 50;

export interface ElectionSettings {
  /** Between attempts to lead or to renew. */
  readonly renewMs: number;
  /** A leader stops acting when its last successful renewal began this long ago. */
  readonly stepDownMs: number;
}

export class Election {
  readonly #lease: LeaderLease;
  readonly #membership: Membership;
  readonly #settings: ElectionSettings;
  readonly #observe: Observe;
  readonly #stop = new AbortController();
  #term: { token: string; renewedAtMs: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(
    lease: LeaderLease,
    membership: Membership,
    settings: ElectionSettings,
    observe: Observe,
  ) {
    this.#lease = lease;
    this.#membership = membership;
    this.#settings = settings;
    this.#observe = observe;
  }

  /** Runs until closed. Calls `duties` after each successful renewal, never twice at a time. */
  start(duties: (token: string) => Promise<void>): void {
    this.#running = this.#run(duties);
  }

  /** The token, while this node may act as leader. */
  get token(): string | undefined {
    if (this.#term === undefined) return undefined;
    const isFresh = performance.now() - this.#term.renewedAtMs < this.#settings.stepDownMs;
    return isFresh ? this.#term.token : undefined;
  }

  /** Resigns, so that another node can lead at once. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#running;
    if (this.#term === undefined) return;
    this.#lead(undefined, 0);
    await this.#lease.resign(this.#membership.incarnation);
  }

  async #run(duties: (token: string) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const beganMs = performance.now();
      try {
        if (this.#membership.isMember) {
          this.#lead(await this.#lease.acquire(this.#membership.incarnation), beganMs);
        }
        const token = this.token;
        if (token !== undefined) await duties(token);
      } catch (error) {
        this.#observe.log.warn({ event: "election_failed", err: error }, "election or duty failed");
      }
      if (this.token === undefined) this.#lead(undefined, beganMs);
      const waitMs = this.#settings.renewMs - (performance.now() - beganMs);
      await pauseUnlessAborted(Math.max(waitMs, LEAST_PAUSE_MS), signal);
    }
  }

  #lead(token: string | undefined, renewedAtMs: number): void {
    const was = this.#term?.token;
    this.#term = token === undefined ? undefined : { token, renewedAtMs };
    if (was === token) return;
    this.#observe.counters.leading.set(token === undefined ? 0 : 1);
    if (token === undefined)
      this.#observe.log.info({ event: "leading_stopped", token: was }, "stopped leading");
    else this.#observe.log.info({ event: "leading_began", token }, "began to lead");
  }
}
