/**
 * Watches whether this gateway is alone in not being ready, and lets its clients go then: what a
 * balancer does that looks at `/readyz` and cuts, for those that do not (a Service of Kubernetes).
 * Newcomers are turned away anyway while the gateway is not ready.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Log } from "../observe.js";
import { IsolationDetector, type Others } from "./isolation-detector.js";
import type { Peers } from "./peers.js";

export interface IsolationMonitorDependencies {
  readonly peers: Peers;
  readonly log: Log;
  /** Whether this gateway serves, or is about to stop anyway. */
  readonly isReady: () => boolean;
  /** How many sessions there are to leave. */
  readonly sessions: () => number;
  /** Lets them go; who has not gone when the gateway is ready again stays. */
  readonly letGo: () => Promise<void>;
}

/** Between two looks, with jitter. */
const LOOK_MS = 1_000;
/** Between rounds while all is well: so that the others are known when it is not. */
const ACQUAINTED_MS = 30_000;

export class IsolationMonitor {
  readonly #doors: IsolationMonitorDependencies;
  readonly #alone = new IsolationDetector();
  readonly #stop = new AbortController();
  #askedMs = -Infinity;
  /** What the log was told last. */
  #told: "peers_unknown" | "peers_silent" | undefined;

  constructor(doors: IsolationMonitorDependencies) {
    this.#doors = doors;
  }

  /** Watches until closed. */
  start(): void {
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const restMs = LOOK_MS * (0.75 + Math.random() / 2);
      await pause(restMs, undefined, { signal, ref: false }).catch(() => {});
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { log, isReady, sessions, letGo } = this.#doors;
    if (isReady()) {
      this.#alone.judge(performance.now(), "ready");
      if (performance.now() - this.#askedMs >= ACQUAINTED_MS) await this.#ask();
      return;
    }
    if (sessions() === 0) return;
    const others = await this.#ask();
    if (!this.#alone.judge(performance.now(), isReady() ? "ready" : others)) return;
    const why = others === "silent" ? "nobody can be reached" : "others serve";
    log.warn(
      { event: "left_alone", why, sessions: sessions() },
      "this gateway alone is not ready, its clients leave",
    );
    await letGo();
  }

  async #ask(): Promise<Others> {
    const { peers, log } = this.#doors;
    const others = await peers.ask();
    this.#askedMs = performance.now();
    const silence = others === "silent" ? "peers_silent" : undefined;
    const trouble = peers.areKnown ? silence : "peers_unknown";
    if (trouble !== undefined && trouble !== this.#told) {
      log.warn({ event: trouble }, "no other gateway can be found or reached by PEERS");
    }
    this.#told = trouble;
    return others;
  }
}
