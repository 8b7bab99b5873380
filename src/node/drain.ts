/** The drain of a node: all its clients leave, in order, while everything still runs. */
import { setTimeout as pause } from "node:timers/promises";
import type { Election } from "../cluster/election.js";
import type { Config } from "../config.js";
import type { Gateway } from "../gateway/server.js";
import type { Log } from "../observe.js";

/**
 * Tells balancers, and waits until they have noticed; takes nobody in; resigns, so that another node leads at once;
 * lets everybody leave over the window. Never rejects.
 * @param hurry cuts the waits short
 */
export async function drainNode(
  { gateway, election }: { gateway: Gateway; election: Election },
  config: Config,
  log: Log,
  hurry: AbortSignal,
): Promise<void> {
  gateway.announceDrain();
  await pause(config.DRAIN_WAIT_MS, undefined, { signal: hurry }).catch(() => {});
  const drained = gateway.drain({
    windowMs: config.DRAIN_WINDOW_MS,
    graceMs: config.STOP_WITHIN_MS / 5,
    withinMs: config.STOP_WITHIN_MS / 4,
    hurry,
  });
  await election.close().catch((error: unknown) => {
    // it ends by itself
    log.warn({ event: "leadership_kept", err: error }, "lease could not be given back");
  });
  await drained;
}
