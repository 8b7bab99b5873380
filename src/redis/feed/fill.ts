/**
 * A fill: reads a bucket's log from the cursor on, page by page, and finds what is missing. Pure.
 *
 *     page ─→ (delivered; another page, or the end)
 *      └ broken, or a new generation → lineage ─→ (delivered, as above)
 *                                        └ a hole → page again → oldest ─→ (reported; delivered, as above)
 *
 * A page includes the cursor's own event: it proves that nothing is missing in between. The connection may lead
 * to another server from one read to the next. `seen` changes only when a page is accepted or a hole is reported,
 * so a fill that fails before that loses no knowledge.
 */
import { isBefore, type Position } from "../../chat/events.js";
import {
  NO_EFFECTS,
  type Answer,
  type BucketState,
  type Effect,
  type Fill,
  type Filling,
  type Following,
  type LoggedEvent,
  type Placed,
  type Reading,
  type Step,
} from "./bucket-state.js";
import { holeOf } from "./hole.js";
import {
  including,
  isGone,
  isLoss,
  later,
  meet,
  nextThere,
  note,
  type Lineage,
  type Seen,
} from "./lineage.js";
import { after, dueBy, follows, lastEvent, upToLost } from "./page-proof.js";

/** The number of entries that one read asks for, of one or more events. A full page may not be the last. */
export const PAGE = 100;

/** Requests the first page. `before`: effects that come first. */
export function startFill(
  state: Placed,
  cause: Fill["cause"],
  before: readonly Effect[] = NO_EFFECTS,
): Step<Filling> {
  const fill = { cause, next: "follow", after: state.cursor, count: 0 } as const;
  return readPage(state, fill, before);
}

/** Handles the answer to the read that is under way. */
export function answerFill(state: Filling, answer: Answer): Step {
  const { reading } = state.fill;
  switch (answer.type) {
    case "pageRead":
      if (reading.what === "page") return takePage(state, answer.page);
      if (reading.what === "pageAgain") return takePageAgain(state, reading, answer.page);
      break;
    case "lineageRead":
      if (reading.what === "lineage") return takeLineage(state, reading, answer.lineage);
      break;
    case "oldestRead":
      if (reading.what === "oldest") return reportHole(state, reading, answer.oldest);
      break;
    case "readFailed":
      // the next event, head or connection tries again
      return end(state, [{ type: "fillFailed", error: answer.error }]);
    default:
      return answer satisfies never;
  }
  throw new Error(`${answer.type} is not expected while the ${reading.what} is read`);
}

function takePage(state: Filling, page: readonly LoggedEvent[]): Step {
  const { cursor, fill } = state;
  const { headBefore } = fill;
  const newest = page.at(-1)?.at.generation ?? cursor.generation;
  const isNewGeneration = Math.max(newest, headBefore.generation) > cursor.generation;
  // within one generation, the offsets alone say what must be there
  const due = !isNewGeneration && isBefore(cursor, headBefore) ? after(cursor) : undefined;
  const isBroken = !follows(page[0]?.at, cursor, due);
  if (!isBroken && !isNewGeneration) return accept(state, page, []);
  return read(state, { what: "lineage", page, known: including(state.seen, cursor) });
}

function takeLineage(
  state: Filling,
  { page, known }: Extract<Reading, { what: "lineage" }>,
  lineage: Lineage,
): Step {
  // an older server; the beats end that
  if (isBefore(lineage.head, known.newest)) return end(state, []);
  const { headBefore } = state.fill;
  return (
    acceptWhole(state, page, { known, lineage, headBefore }) ??
    read(state, { what: "pageAgain", known, lineage })
  );
}

/** This page was requested after the head was known: what it lacks up to the head is gone. */
function takePageAgain(
  before: Filling,
  { known, lineage }: Extract<Reading, { what: "pageAgain" }>,
  page: readonly LoggedEvent[],
): Step {
  const headBefore = lineage.head;
  const newest = page.at(-1)?.at.generation ?? 0;
  // the page came from a newer server than the lineage
  if (newest > headBefore.generation) return read(before, { what: "lineage", page, known });
  const state = { ...before, fill: { ...before.fill, headBefore } };
  return (
    acceptWhole(state, page, { known, lineage, headBefore }) ??
    read(state, { what: "oldest", known, lineage, page })
  );
}

function reportHole(
  before: Filling,
  { known, lineage, page }: Extract<Reading, { what: "oldest" }>,
  oldest: Position | undefined,
): Step {
  const { seen, found } = meet(before.seen, lineage, known);
  const { cursor } = before;
  const there = upToLost(page, lineage);
  const first = there.find(({ at }) => isBefore(cursor, at))?.at;
  const last = lastEvent(cursor, known);
  const hole = holeOf({ cursor, last, found, lineage, first, oldest });
  const next = page.length === 0 ? later(cursor, lineage.head) : cursor;
  const state = { ...before, seen, cursor: next };
  return accept(state, there, [{ type: "report", hole, found }], lineage);
}

/** Accepts a page, unless events that were seen are lost, or events are missing from the page. */
function acceptWhole(
  before: Filling,
  page: readonly LoggedEvent[],
  { known, lineage, headBefore }: { known: Seen; lineage: Lineage; headBefore: Position },
): Step | undefined {
  const { seen, found } = meet(before.seen, lineage, known);
  if (isLoss(found) || isGone(lineage, before.cursor)) return undefined;
  const there = upToLost(page, lineage);
  const due = dueBy(headBefore, lastEvent(before.cursor, known), there, lineage);
  if (!follows(there[0]?.at, before.cursor, due)) return undefined;
  return accept({ ...before, seen }, there, [], lineage);
}

/** Delivers a page's events after the cursor; then requests the next page, or ends. `lineage`: if it was read. */
function accept(
  before: Filling,
  page: readonly LoggedEvent[],
  effects: readonly Effect[],
  lineage?: Lineage,
): Step {
  const events = page.filter(({ at }) => isBefore(before.cursor, at));
  const seen = events.reduce((all, { at }) => note(all, at), before.seen);
  const cursor = events.at(-1)?.at ?? before.cursor;
  const count = before.fill.count + events.length;
  const state = { ...before, seen, cursor, fill: { ...before.fill, count } };
  const all =
    events.length === 0 ? effects : [...effects, { type: "deliverRead", events } as const];

  const hasNews = events.length > 0 || isBefore(state.fill.heardBefore, state.heard);
  const isBehind = page.length >= PAGE || (hasNews && isBefore(cursor, state.heard));
  if (isBehind && state.fill.next !== "close") return readPage(state, state.fill, all);
  return complete(state, all, lineage);
}

/**
 * The whole log was read. If a newer generation has begun, the cursor moves to its beginning; unless the page was
 * an older server's and lacks events before it: then the beats try again.
 */
function complete(before: Filling, effects: readonly Effect[], lineage?: Lineage): Step {
  const { after: start, count, headBefore } = before.fill;
  const filled = { type: "filled", after: start, count } as const;
  const all = count === 0 ? effects : [...effects, filled];
  if (lineage?.head.generation !== headBefore.generation) return end(before, all);
  const beginning = { generation: headBefore.generation, offset: 0 };
  const next = nextThere(lineage, before.cursor);
  if (next !== undefined && isBefore(next, beginning)) return end(before, all);
  const [cursor, heard] = [later(before.cursor, beginning), later(before.heard, beginning)];
  return end({ ...before, cursor, heard }, all);
}

function end(state: Filling, effects: readonly Effect[]): Step {
  const { fill, seen, cursor, expected, silence } = state;
  // a new subscription cannot deliver what came before it
  const heard = fill.cause === "resubscription" ? later(state.heard, cursor) : state.heard;
  const placed = { seen, heard, cursor, expected, silence };
  switch (fill.next) {
    case "follow":
      return { state: { name: "following", ...placed } satisfies Following, effects };
    case "catchUp":
    case "resubscription":
      return startFill(placed, fill.next, effects);
    case "close":
      return { state: { name: "closed", seen, heard } satisfies BucketState, effects };
    default:
      return fill.next satisfies never;
  }
}

function readPage(
  { seen, heard, cursor, expected, silence }: Placed,
  { cause, next, after, count }: Pick<Fill, "cause" | "next" | "after" | "count">,
  before: readonly Effect[],
): Step<Filling> {
  const fill: Fill = {
    cause,
    next,
    after,
    count,
    heardBefore: heard,
    headBefore: expected,
    reading: { what: "page" },
  };
  const state: Filling = { name: "filling", seen, heard, cursor, expected, silence, fill };
  return { state, effects: [...before, { type: "read", what: "page", from: cursor }] };
}

function read(state: Filling, reading: Exclude<Reading, { what: "page" }>): Step<Filling> {
  const { what } = reading;
  const effect: Effect =
    what === "pageAgain"
      ? { type: "read", what: "page", from: state.cursor }
      : { type: "read", what };
  return { state: { ...state, fill: { ...state.fill, reading } }, effects: [effect] };
}
