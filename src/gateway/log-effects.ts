/** Runs the effects that write to the event log, and writes what else happens on a connection. */
import type { Observe } from "../observe.js";
import type { Effect } from "../session/effects.js";
import type { EventLog } from "./event-log.js";
import type { Session } from "./session.js";

export type LogEffect = Extract<Effect, { type: `log${string}` }>;

/** @param op of the current frame */
export function logEffect(
  effect: LogEffect,
  session: Session,
  events: EventLog,
  { address, op }: { readonly address: string | undefined; readonly op: number | undefined },
): void {
  switch (effect.type) {
    case "logConnected": {
      const { outcome, client } = effect;
      return events.connected(session, outcome, { client, address });
    }
    case "logStatus":
      return events.statusChanged(session, effect.notice);
    case "logIgnored":
      return events.frameIgnored(session, effect.why, op);
    case "logResumed":
      return events.resumed(session, effect.conversations);
    case "logAnswer":
      return events.answered(session, effect.asked, effect.reply);
    case "logLost":
      return events.replaced(session);
    default:
      return effect satisfies never;
  }
}

export function logFailed({ log }: Observe, { holder }: Session, error: Error): void {
  const fields = { err: error, session: holder.id };
  log.debug({ event: "websocket_failed", ...fields }, "websocket failed");
}

/** @param input the type of the input during which the bug was found */
export function logBroken(
  { log }: Observe,
  { holder }: Session,
  error: unknown,
  input: string,
): void {
  const fields = { err: error, session: holder.id, input };
  log.error({ event: "session_broken", ...fields }, "session is broken");
}

export function logSlow({ counters, log }: Observe, { holder }: Session, why: string): void {
  counters.slowReaders.inc();
  log.warn({ event: "slow_reader", session: holder.id, why }, "slow reader was cut");
}
