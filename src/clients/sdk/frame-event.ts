/** A frame as an event for the debug hook: its type and place, not its text. */
import type { Events, Requests } from "../../wire/json-schema.js";
import type { DebugEvent } from "./debug.js";

export function frameEvent(
  type: "sent" | "received",
  frame: Requests[keyof Requests] | Events[keyof Events],
  text: string,
): DebugEvent {
  const { id, conv, seq, code } = frame as Partial<Events["message"] & Events["error"]>;
  return { type, frame: frame.type, id, conv, seq, code, length: text.length };
}
