/** A node: a list of parts, started in order and stopped in reverse, also after a failed start. */
import { fileURLToPath } from "node:url";
import { redisSettings } from "./config/access.js";
import { listenMistake, type Config } from "./config.js";
import { readStaticSite } from "./gateway/static-site.js";
import { MetricsServer } from "./metrics-server.js";
import { createBackend } from "./node/backend.js";
import { drainNode, partWithinMs } from "./node/drain.js";
import { warnOfExposure } from "./node/exposure.js";
import { createFrontend } from "./node/frontend.js";
import { Lifetime, type Part } from "./node/lifetime.js";
import type { Observe } from "./observe.js";
import { readAccess } from "./redis/access.js";
import { readFunctionSource } from "./redis/function-library.js";
import { ALL_BUCKETS } from "./redis/keys.js";
import { retrying } from "./redis/retry.js";
import { readVersion } from "./version.js";

/** Where the build puts the page for browsers. */
const WEB = fileURLToPath(new URL("./web/", import.meta.url));
const NEVER = new AbortController().signal;
/** For each step of the start that is tried again. */
const STARTING_WITHIN_MS = 30_000;

export interface Node extends AsyncDisposable {
  readonly port: number;
  readonly metricsPort: number | undefined;
  readonly incarnation: string;
  readonly isLeading: boolean;
  /**
   * Drains: not ready, waits, takes nobody in, resigns, lets everybody leave over the window; then gives all
   * leases back, and ends when it has really ended. May be called twice.
   * @param hurry cuts the waits short
   */
  close(hurry?: AbortSignal): Promise<void>;
}

/**
 * Starts a node on a running Redis; waits for Redis as long as it takes.
 * @param signal gives up
 * @throws ConfigError if a port cannot be had; Error if Redis is not as it must be; Unavailable if Redis refuses, or
 *   was there and is away for too long; the reason of the signal. Nothing is left of the node then.
 */
export async function startNode(
  config: Config & { REDIS_URL: string },
  observe: Observe,
  signal: AbortSignal = NEVER,
): Promise<Node> {
  const { log } = observe;
  const [source, release, site] = await Promise.all([
    readFunctionSource(),
    readVersion(),
    readStaticSite(WEB, config),
  ]);
  observe.counters.buildInfo.set({ version: release, ledger: source.version }, 1);
  const backend = createBackend(config, observe, source);
  const { connections, library, heartbeat, feed, election, readiness, duties } = backend;
  const frontend = createFrontend(config, observe, backend, site);
  const { hub, presence, signOuts, moderator, gateway, isolation, membership, deliver } = frontend;
  const metrics = new MetricsServer({ host: config.HOST, port: config.METRICS_PORT }, observe);
  const withinMs = partWithinMs(config);
  let port = config.PORT;

  const parts: Part[] = [
    { name: "redis", start: () => connections.open(), stop: () => connections.close() },
    // a Redis that is busy starting is waited for, as one that is not there yet
    { name: "functions", start: patient(() => library.load()) },
    {
      name: "metrics",
      start: () => metrics.listen().catch(listenMistake("METRICS_PORT", config)),
      stop: () => metrics.close(),
    },
    {
      name: "lease",
      start: patient(() => heartbeat.start(membership)),
      stop: () => heartbeat.close(),
    },
    { name: "feed", start: () => feed.start(deliver), stop: () => feed.close() },
    { name: "presence", start: () => presence.load(ALL_BUCKETS), stop: () => presence.close() },
    {
      name: "moderator",
      start: patient(() => moderator.start()),
      stop: () => moderator.close(),
    },
    { name: "sign-outs", stop: () => signOuts.close(withinMs) },
    {
      name: "gateway",
      start: async () => void (port = await gateway.listen().catch(listenMistake("PORT", config))),
      stop: () => gateway.close(withinMs),
    },
    { name: "election", start: () => election.start(duties), stop: () => election.close() },
    { name: "readiness", start: () => readiness.open(), stop: () => readiness.close() },
    { name: "isolation", start: () => isolation?.start(), stop: () => isolation?.close() },
  ];
  const lifetime = new Lifetime(log);
  await lifetime.start(parts, signal);
  const versions = { version: release, redis: connections.version, ledger: source.version };
  log.info({ event: "node_ready", port, ...versions }, "node is ready");
  warnOfExposure(config, readAccess(redisSettings(config)), log);

  const stop = async (hurry: AbortSignal): Promise<void> => {
    log.info({ event: "node_stopping", sessions: hub.sessions.size }, "node is stopping");
    await drainNode({ gateway, election }, config, log, hurry);
    const late = setTimeout(() => {
      log.warn({ event: "node_slow_to_stop" }, "node is slow to stop");
    }, config.STOP_WITHIN_MS);
    await lifetime.stop();
    clearTimeout(late);
    log.info({ event: "node_stopped" }, "node has stopped");
  };
  let stopped: Promise<void> | undefined;
  const close = (hurry: AbortSignal = NEVER): Promise<void> => (stopped ??= stop(hurry));
  return {
    port,
    metricsPort: metrics.port,
    get incarnation() {
      return heartbeat.incarnation;
    },
    get isLeading() {
      return election.token !== undefined;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A step of the start that is tried again for a while. */
function patient(step: () => Promise<void>): (signal: AbortSignal) => Promise<void> {
  return (signal) => retrying(STARTING_WITHIN_MS, step, signal);
}
