/**
 * The state machine of one bucket: deliver, fill, report. Pure: a state and an input give the next state and
 * effects, which feed.ts runs.
 *
 * An event at or below the cursor is dropped; the next one is delivered; anything else starts a fill,
 * which reads the log from the cursor on until it has passed the newest position heard of. Events
 * heard during a fill are not kept: the log has them.
 *
 *     unknown ─start→ starting ─lineage→ following ⇄ filling        any ─close→ closed
 *
 * Invariants (test/redis/feed-state.test.ts checks them on random histories):
 * - Each event of the log is delivered at most once, in the order of positions.
 * - Between two deliveries nothing is missing, unless a report with `hasMissed` came between.
 * - At most one read is under way in a bucket.
 * - `cursor` moves only with a delivery, a report, or to the beginning of a generation when all
 *   before it was read.
 */
import { isBefore, type Position } from "../../chat/events.js";
import {
  NO_EFFECTS,
  type BucketState,
  type Closed,
  type Effect,
  type Filling,
  type Following,
  type Input,
  type Noted,
  type Starting,
  type Step,
  type Unknown,
} from "./bucket-state.js";
import { answerFill, startFill } from "./fill.js";
import { later, meet, note } from "./lineage.js";

const DELIVER_HEARD: readonly Effect[] = [{ type: "deliverHeard" }];
const READ_LINEAGE: readonly Effect[] = [{ type: "read", what: "lineage" }];

export function transition(state: BucketState, input: Input): Step {
  switch (state.name) {
    case "following":
      return whileFollowing(state, input);
    case "filling":
      return whileFilling(state, input);
    case "unknown":
    case "starting":
      return beforeFollowing(state, input);
    case "closed":
      return { state, effects: NO_EFFECTS };
    default:
      return state satisfies never;
  }
}

function beforeFollowing(state: Unknown | Starting, input: Input): Step {
  switch (input.type) {
    case "start": {
      if (state.name === "starting") return unexpected(state, input);
      return { state: { ...state, name: "starting", known: state.seen }, effects: READ_LINEAGE };
    }
    case "heard":
      return { state: noted(state, input.at), effects: NO_EFFECTS };
    case "lineageRead":
      if (state.name === "unknown") return unexpected(state, input);
      return begin(state, input);
    case "readFailed": {
      if (state.name === "unknown") return unexpected(state, input);
      const { seen, heard } = state;
      const effects = [{ type: "startFailed", error: input.error }] as const;
      return { state: { name: "unknown", seen, heard }, effects };
    }
    case "close":
      return { state: close(state), effects: NO_EFFECTS };
    // the head is read after all of these
    case "compared":
    case "catchUp":
    case "resubscribed":
    case "replaced":
      return { state, effects: NO_EFFECTS };
    case "pageRead":
    case "oldestRead":
      return unexpected(state, input);
    default:
      return input satisfies never;
  }
}

/** Begins at the head of this moment. */
function begin(
  { seen: before, heard, known }: Starting,
  { lineage }: Extract<Input, { type: "lineageRead" }>,
): Step {
  const { seen } = meet(before, lineage, known);
  const cursor = lineage.head;
  const isBehind = isBefore(cursor, heard);
  const state: Following = {
    name: "following",
    seen,
    heard: isBehind ? heard : cursor,
    cursor,
    expected: cursor,
    silence: "none",
  };
  return isBehind ? startFill(state, "gap") : { state, effects: NO_EFFECTS };
}

function whileFollowing(state: Following, input: Input): Step {
  switch (input.type) {
    case "heard":
      return hear(state, input.at);
    case "compared": {
      const { state: next, isToFill, effects } = compare(state, input.head);
      return isToFill ? startFill(next, "gap", effects) : { state: next, effects };
    }
    case "catchUp":
      return startFill(state, "catchUp");
    case "resubscribed":
      return startFill(state, "resubscription");
    case "replaced":
      return { state: { ...state, silence: "none" }, effects: NO_EFFECTS };
    case "close":
      return { state: close(state), effects: NO_EFFECTS };
    case "start":
    case "pageRead":
    case "lineageRead":
    case "oldestRead":
    case "readFailed":
      return unexpected(state, input);
    default:
      return input satisfies never;
  }
}

/** The hot path: every node runs this for each event of the cluster. */
function hear(state: Following, at: Position): Step {
  const { cursor, expected, silence } = state;
  const seen = note(state.seen, at);
  const heard = later(state.heard, at);
  const isNext = at.generation === cursor.generation && at.offset === cursor.offset + 1;
  const next: Following = {
    name: "following",
    seen,
    heard,
    cursor: isNext ? at : cursor,
    expected,
    silence,
  };
  if (isNext) return { state: next, effects: DELIVER_HEARD };
  return isBefore(cursor, at) ? startFill(next, "gap") : { state: next, effects: NO_EFFECTS };
}

function whileFilling(state: Filling, input: Input): Step {
  const { fill } = state;
  switch (input.type) {
    case "heard":
      return { state: noted(state, input.at), effects: NO_EFFECTS };
    case "compared": {
      const { state: next, effects } = compare(state, input.head);
      return { state: next, effects };
    }
    // this fill may have read too early
    case "catchUp": {
      const next = fill.next === "follow" ? "catchUp" : fill.next;
      return { state: { ...state, fill: { ...fill, next } }, effects: NO_EFFECTS };
    }
    case "resubscribed": {
      const next = fill.next === "close" ? "close" : "resubscription";
      return { state: { ...state, fill: { ...fill, next } }, effects: NO_EFFECTS };
    }
    case "close":
      return { state: { ...state, fill: { ...fill, next: "close" } }, effects: NO_EFFECTS };
    case "replaced":
      return { state: { ...state, silence: "none" }, effects: NO_EFFECTS };
    case "pageRead":
    case "lineageRead":
    case "oldestRead":
    case "readFailed":
      return answerFill(state, input);
    case "start":
      return unexpected(state, input);
    default:
      return input satisfies never;
  }
}

/**
 * If the subscription has not delivered the last head yet, starts a fill; the second time in a row, replaces the
 * subscription. A head of an older generation than the cursor is ignored.
 */
function compare<State extends Following | Filling>(
  before: State,
  head: Position,
): Step<State> & { readonly isToFill: boolean } {
  const { cursor, heard, expected } = before;
  if (head.generation < cursor.generation) {
    return { state: before, effects: NO_EFFECTS, isToFill: false };
  }
  const isSilent = isBefore(heard, expected);
  const isBehind = isBefore(cursor, expected); // a fill failed, perhaps
  const isNewGeneration = head.generation !== cursor.generation;
  const state: State = {
    ...before,
    seen: note(before.seen, head),
    expected: head,
    silence: isSilent ? "once" : "none",
  };
  const isToReplace = isSilent && before.silence === "once";
  return {
    state,
    effects: isToReplace ? [{ type: "replaceSubscription" }] : NO_EFFECTS,
    isToFill: isSilent || isBehind || isNewGeneration,
  };
}

function noted<State extends Noted>(state: State, at: Position): State {
  return { ...state, seen: note(state.seen, at), heard: later(state.heard, at) };
}

function close({ seen, heard }: Noted): Closed {
  return { name: "closed", seen, heard };
}

/** An invariant is broken: an answer without a read, or a second start. */
function unexpected(state: BucketState, input: Input): never {
  throw new Error(`${input.type} is not expected while ${state.name}`);
}
