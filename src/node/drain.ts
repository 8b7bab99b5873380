/** The drain of a node: all its clients leave, in order, while everything still runs. */
import type { Election } from "../cluster/election.js";
import type { Config } from "../config.js";
import type { Gateway } from "../gateway/server.js";
import type { Log } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";

/** How long a part that waits for clients may take to stop: the drain, the gateway and the sign-outs each. */
export function partWithinMs({ STOP_WITHIN_MS }: Config): number {
  return STOP_WITHIN_MS / 4;
}

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
  await pauseUnlessAborted(config.DRAIN_WAIT_MS, hurry);
  const drained = gateway.drain({
    windowMs: config.DRAIN_WINDOW_MS,
    graceMs: config.STOP_WITHIN_MS / 5,
    withinMs: partWithinMs(config),
    hurry,
  });
  await election.close().catch((error: unknown) => {
    // it ends by itself
    log.warn({ event: "leadership_kept", err: error }, "lease could not be given back");
  });
  await drained;
}
