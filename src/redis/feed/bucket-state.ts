/** What the feed knows of one bucket: the states, what happens to them, and what is to be done then. */
import type { Position } from "../../chat/events.js";
import type { Hole } from "./hole.js";
import { NOTHING_SEEN, type Lineage, type Found, type Seen } from "./lineage.js";

export type BucketState = Unknown | Starting | Following | Filling | Closed;

export interface Noted {
  /** All that is known to have been there, whoever told of it. */
  readonly seen: Seen;
  /** The newest event that the subscription told of. */
  readonly heard: Position;
}

/** No head was read yet. */
export interface Unknown extends Noted {
  readonly name: "unknown";
}

/** The head is being read. */
export interface Starting extends Noted {
  readonly name: "starting";
  /** What was seen before the read began. */
  readonly known: Seen;
}

export interface Placed extends Noted {
  /** The last event that was delivered, or the beginning of a generation. */
  readonly cursor: Position;
  /** The head at the last comparison: the subscription must have told of it by the next one. */
  readonly expected: Position;
  /** Whether it had not, at the last one. */
  readonly silence: "none" | "once";
}

/** All up to the cursor was delivered, and the next event is waited for. */
export interface Following extends Placed {
  readonly name: "following";
}

/** The log is being read. */
export interface Filling extends Placed {
  readonly name: "filling";
  readonly fill: Fill;
}

export interface Fill {
  readonly cause: "gap" | "catchUp" | "resubscription";
  /** What comes after this fill, however it ends. */
  readonly next: "follow" | "catchUp" | "resubscription" | "close";
  /** The cursor when it began, and the events delivered since. */
  readonly after: Position;
  readonly count: number;
  /** What was known when this page was asked for: what the page does not have is compared with that. */
  readonly heardBefore: Position;
  readonly headBefore: Position;
  readonly reading: Reading;
}

/** The read that is under way, and what the reads before it found. */
export type Reading =
  | { readonly what: "page" }
  /** There is a new generation, or the page does not follow on the cursor. */
  | {
      readonly what: "lineage";
      readonly page: readonly LoggedEvent[];
      /** What was seen before this read began. */
      readonly known: Seen;
    }
  /** Something is missing: the page once more, now that it is known up to where it must go. */
  | { readonly what: "pageAgain"; readonly known: Seen; readonly lineage: Lineage }
  /** It is missing there, too. */
  | {
      readonly what: "oldest";
      readonly known: Seen;
      readonly lineage: Lineage;
      readonly page: readonly LoggedEvent[];
    };

export interface Closed extends Noted {
  readonly name: "closed";
}

export interface LoggedEvent {
  readonly at: Position;
  readonly event: Buffer;
}

export type Input =
  | { readonly type: "start" }
  /** The subscription told of an event. */
  | { readonly type: "heard"; readonly at: Position }
  /** A head that was read elsewhere. */
  | { readonly type: "compared"; readonly head: Position }
  /** All that is in the log by now is to be delivered. */
  | { readonly type: "catchUp" }
  /** The subscription is a new one, and may have missed anything. */
  | { readonly type: "resubscribed" }
  /** The subscription is about to be replaced. */
  | { readonly type: "replaced" }
  | { readonly type: "close" }
  | Answer;

/** Of Redis, to the read that is under way. */
export type Answer =
  | { readonly type: "pageRead"; readonly page: readonly LoggedEvent[] }
  | { readonly type: "lineageRead"; readonly lineage: Lineage }
  /** The first event of the log, if there is one. */
  | { readonly type: "oldestRead"; readonly oldest: Position | undefined }
  | { readonly type: "readFailed"; readonly error: unknown };

export type Effect =
  /** Deliver the event that was just heard. */
  | { readonly type: "deliverHeard" }
  | { readonly type: "deliverRead"; readonly events: readonly LoggedEvent[] }
  | { readonly type: "report"; readonly hole: Hole; readonly found: Found }
  | { readonly type: "read"; readonly what: "lineage" | "oldest" }
  /** The event at `from`, if it is there, and those after it. */
  | { readonly type: "read"; readonly what: "page"; readonly from: Position }
  | { readonly type: "replaceSubscription" }
  | { readonly type: "filled"; readonly after: Position; readonly count: number }
  | { readonly type: "startFailed"; readonly error: unknown }
  | { readonly type: "fillFailed"; readonly error: unknown };

export interface Step<State = BucketState> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export const UNKNOWN: Unknown = {
  name: "unknown",
  seen: NOTHING_SEEN,
  heard: { generation: -1, offset: 0 },
};

export const NO_EFFECTS: readonly Effect[] = [];

/** Events up to the head of the last comparison that were not delivered; unknown across generations. */
export function lagOf(state: BucketState): number {
  if (state.name !== "following" && state.name !== "filling") return 0;
  const { expected, cursor } = state;
  if (expected.generation !== cursor.generation) return 0;
  return Math.max(expected.offset - cursor.offset, 0);
}
