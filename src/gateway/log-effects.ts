/** Runs the effects that write to the event log. */
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
