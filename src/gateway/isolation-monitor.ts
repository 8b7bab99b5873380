/**
 * The isolation monitor: if this gateway alone is not ready for a while, it lets its clients go. Balancers that look
 * at `/readyz` cut such clients themselves; others (a Service of Kubernetes) do not. New connections are refused
 * anyway while the gateway is not ready.
 */
import type { Log } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";
import { IsolationDetector, type Others } from "./isolation-detector.js";
import type { Peers } from "./peers.js";

export interface IsolationMonitorDependencies {
  readonly peers: Peers;
  readonly log: Log;
  /** Whether this gateway serves, or is about to stop anyway. */
  readonly isReady: () => boolean;
  /** How many sessions there are that could be let go. */
  readonly sessions: () => number;
  /** Lets them go; sessions that are still there when the gateway is ready again stay. */
  readonly letGo: () => Promise<void>;
}

/** Between two checks, with jitter. */
const CHECK_EVERY_MS = 1_000;
/** Between questions to the other gateways while this one is ready, so that they are known when it is not. */
const ASK_EVERY_MS = 30_000;

export class IsolationMonitor {
  readonly #dependencies: IsolationMonitorDependencies;
  readonly #detector = new IsolationDetector();
  readonly #stop = new AbortController();
  #askedAtMs = -Infinity;
  /** The trouble that was logged last. */
  #logged: "peers_unknown" | "peers_silent" | undefined;

  constructor(dependencies: IsolationMonitorDependencies) {
    this.#dependencies = dependencies;
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
      const restMs = CHECK_EVERY_MS * (0.75 + Math.random() / 2);
      await pauseUnlessAborted(restMs, signal, { ref: false });
      if (!signal.aborted) await this.#check();
    }
  }

  async #check(): Promise<void> {
    const { log, isReady, sessions, letGo } = this.#dependencies;
    if (isReady()) {
      this.#detector.judge(performance.now(), "ready");
      if (performance.now() - this.#askedAtMs >= ASK_EVERY_MS) await this.#ask();
      return;
    }
    if (sessions() === 0) return;
    const others = await this.#ask();
    if (!this.#detector.judge(performance.now(), isReady() ? "ready" : others)) return;
    const why = others === "silent" ? "nobody can be reached" : "others serve";
    log.warn(
      { event: "left_alone", why, sessions: sessions() },
      "this gateway alone is not ready, its clients leave",
    );
    await letGo();
  }

  async #ask(): Promise<Others> {
    const { peers, log } = this.#dependencies;
    const others = await peers.ask();
    this.#askedAtMs = performance.now();
    const silence = others === "silent" ? "peers_silent" : undefined;
    const trouble = peers.areKnown ? silence : "peers_unknown";
    if (trouble !== this.#logged && trouble === "peers_unknown") {
      log.warn({ event: "peers_unknown" }, "no other gateway can be found by PEERS");
    } else if (trouble !== this.#logged && trouble === "peers_silent") {
      log.warn({ event: "peers_silent" }, "no other gateway of PEERS answers");
    }
    this.#logged = trouble;
    return others;
  }
}
