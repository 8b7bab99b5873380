/**
 * What releases before 0.3 logged without an `event`: needed for `--beside` one of them only. When no such
 * release is supported any more, this file goes.
 */
import type { Position } from "#tertulia/chat/events.js";

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

/** The event that a sentence stood for. */
export function eventBefore03(sentence: string): string | undefined {
  return EVENTS[sentence];
}

export interface PositionBefore03 {
  readonly g: number;
  readonly n: number;
}

export function positionBefore03({ g, n }: PositionBefore03): Position {
  return { generation: g, offset: n };
}
