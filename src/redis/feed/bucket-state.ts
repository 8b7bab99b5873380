/** The feed's state for one bucket, with its inputs and effects. transition.ts is the function over them. */
import type { Position } from "../../chat/events.js";
import type { Hole } from "./hole.js";
import { NOTHING_SEEN, type Lineage, type Found, type Seen } from "./lineage.js";

export type BucketState = Unknown | Starting | Following | Filling | Closed;

export interface Noted {
  /** All positions that the node knows of: heard, read, or told by a head. */
  readonly seen: Seen;
  /** The newest event that came through the subscription. */
  readonly heard: Position;
}

/** The head has not been read yet. */
export interface Unknown extends Noted {
  readonly name: "unknown";
}

/** The head is being read. */
export interface Starting extends Noted {
  readonly name: "starting";
  /** What the node had seen before this read. */
  readonly known: Seen;
}

export interface Placed extends Noted {
  /** The last delivered event, or the beginning of a generation. */
  readonly cursor: Position;
  /** The head at the last comparison. The subscription must deliver it before the next one. */
  readonly expected: Position;
  /** Whether, at the last comparison, it had failed to deliver the head before that. */
  readonly silence: "none" | "once";
}

/** Everything up to the cursor was delivered; the next event is awaited. */
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
  /** What comes next, however this fill ends. */
  readonly next: "follow" | "catchUp" | "resubscription" | "close";
  /** The cursor when the fill began, and the number of events delivered since. */
  readonly after: Position;
  readonly count: number;
  /** The newest event heard, and the last known head, when this page was requested. */
  readonly heardBefore: Position;
  readonly headBefore: Position;
  readonly reading: Reading;
}

/** The read that is under way, with the results of the reads before it. */
export type Reading =
  | { readonly what: "page" }
  /** A new generation has begun, or the page does not continue at the cursor. */
  | {
      readonly what: "lineage";
      readonly page: readonly LoggedEvent[];
      /** What the node had seen before this read. */
      readonly known: Seen;
    }
  /** Something is missing. The page is read again, now that the head is known. */
  | { readonly what: "pageAgain"; readonly known: Seen; readonly lineage: Lineage }
  /** It is missing there too: a hole. */
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
  /** Empty if the entry is damaged: then a hole is announced up to this position. */
  readonly event: Buffer;
}

export type Input =
  | { readonly type: "start" }
  /** An event came through the subscription. */
  | { readonly type: "heard"; readonly at: Position }
  /** A head was read elsewhere. */
  | { readonly type: "compared"; readonly head: Position }
  /** Everything that is in the log by now must be delivered. */
  | { readonly type: "catchUp" }
  /** There is a new subscription; events before it may have been missed. */
  | { readonly type: "resubscribed" }
  /** The subscription is about to be replaced. */
  | { readonly type: "replaced" }
  | { readonly type: "close" }
  | Answer;

/** The answer of Redis to the read that is under way. */
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

/** The number of undelivered events up to the head of the last comparison; 0 across generations. */
export function lagOf(state: BucketState): number {
  if (state.name !== "following" && state.name !== "filling") return 0;
  const { expected, cursor } = state;
  if (expected.generation !== cursor.generation) return 0;
  return Math.max(expected.offset - cursor.offset, 0);
}

/** Whether a read is under way. */
export function isReading({ name }: BucketState): boolean {
  return name === "starting" || name === "filling";
}
