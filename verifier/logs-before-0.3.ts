/**
 * What releases before 0.3 logged without an `event`: read of the release that `--beside` names, and of no other.
 * When no such release is supported any more, this file goes.
 */
import type { Position } from "#tertulia/chat/events.js";
import type { LogLine } from "./gateway-log.js";

const EVENTS: Readonly<Record<string, string>> = {
  "node is ready": "node_ready",
  "began to lead": "leading_began",
  "stopped leading": "leading_stopped",
  "a newer leader has acted": "leader_superseded",
  "lease was lost, joined anew": "lease_lost",
  "gap filled from the log": "gap_filled",
  "events are missing from the log": "events_missing",
  "message was stored already": "message_repeated",
};

/** A line with the event that its sentence stood for, and positions as they are now. One with an event stays as it is. */
export function lineBefore03(line: LogLine): LogLine {
  const event = line.event ?? EVENTS[line.msg];
  if (line.event !== undefined || event === undefined) return line;
  const { after, kept } = line;
  return { ...line, event, ...(after && { after: now(after) }), ...(kept && { kept: now(kept) }) };
}

function now(position: Position | { readonly g: number; readonly n: number }): Position {
  return "g" in position ? { generation: position.g, offset: position.n } : position;
}
