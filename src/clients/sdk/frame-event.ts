/** What the debug hook is told of a frame: which one it is, not what was said in it. */
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
