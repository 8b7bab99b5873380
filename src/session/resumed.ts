/** How conversations go on for a client that comes back. */
import type { ConversationState } from "../chat/history.js";

/** Messages that do not follow: those after `after` and before `before`. */
export interface Gap {
  readonly after: number;
  readonly before: number;
  readonly reason: "trimmed" | "rolled_back" | "limit";
}

/** How one conversation goes on for a client. */
export interface Resumed {
  readonly state: ConversationState;
  /** Every message after this one follows. */
  readonly after: number;
  readonly gaps: readonly Gap[];
}
