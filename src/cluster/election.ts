/**
 * Election: at most one node leads, and its token is the greatest. The lease bounds how long nobody
 * leads; what keeps two from acting is the token, checked where the leader writes.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { LeaderLease, Membership } from "./ports.js";
import type { Observe } from "../observe.js";

export interface ElectionSettings {
  /** Between attempts to lead or to renew. */
  readonly renewMs: number;
  /** A leader whose last good renewal began this long ago stops acting by itself. */
  readonly stepDownMs: number;
}

export class Election {
  readonly #lease: LeaderLease;
  readonly #standing: Membership;
  readonly #settings: ElectionSettings;
  readonly #observe: Observe;
  readonly #stop = new AbortController();
  #term: { token: string; renewedAt: number } | undefined;
  #running: Promise<void> | undefined;

  constructor(
    lease: LeaderLease,
    standing: Membership,
    settings: ElectionSettings,
    observe: Observe,
  ) {
    this.#lease = lease;
    this.#standing = standing;
    this.#settings = settings;
    this.#observe = observe;
  }

  /** Runs until closed; `duties` is called after each good renewal, never twice at a time. */
  start(duties: (token: string) => Promise<void>): void {
    this.#running = this.#run(duties);
  }

  /** The token, while this node may act as leader. */
  get token(): string | undefined {
    if (this.#term === undefined) return undefined;
    const isFresh = performance.now() - this.#term.renewedAt < this.#settings.stepDownMs;
    return isFresh ? this.#term.token : undefined;
  }

  /** Resigns, so that another node can lead at once. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    await this.#running;
    if (this.#term === undefined) return;
    this.#lead(undefined, 0);
    await this.#lease.resign(this.#standing.incarnation);
  }

  async #run(duties: (token: string) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const began = performance.now();
      try {
        if (this.#standing.isMember) {
          this.#lead(await this.#lease.acquire(this.#standing.incarnation), began);
        }
        const token = this.token;
        if (token !== undefined) await duties(token);
      } catch (error) {
        this.#observe.log.warn({ event: "election_failed", err: error }, "election or duty failed");
      }
      if (this.token === undefined) this.#lead(undefined, began);
      const wait = this.#settings.renewMs - (performance.now() - began);
      await pause(Math.max(wait, 50), undefined, { signal }).catch(() => {});
    }
  }

  #lead(token: string | undefined, renewedAt: number): void {
    const was = this.#term?.token;
    this.#term = token === undefined ? undefined : { token, renewedAt };
    if (was === token) return;
    this.#observe.counters.leading.set(token === undefined ? 0 : 1);
    if (token === undefined)
      this.#observe.log.info({ event: "leading_stopped", token: was }, "stopped leading");
    else this.#observe.log.info({ event: "leading_began", token }, "began to lead");
  }
}
