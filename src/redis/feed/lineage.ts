/**
 * Lineage: the generations that a bucket's data came from (lua/1-bucket.lua writes it); and what a node has seen,
 * to find what is lost. Pure.
 */
import { isBefore, type Position } from "../../chat/events.js";

/** As many generations as lua/1-bucket.lua keeps. */
const KEPT = 32;

/** The head of a bucket, and the generations that led to it. */
export interface Lineage {
  readonly head: Position;
  /** The last offset of each generation that led there, oldest first; undefined: unknown. */
  readonly ends: ReadonlyMap<number, number> | undefined;
}

/** Events that were seen and are no longer there. */
export interface Loss {
  /** The newest of them. */
  readonly seen: Position;
  /** The newest event before them that is still there; 0-0: none is. */
  readonly kept: Position;
  readonly events: number;
}

/** Parses the fields g, n and lineage of a bucket's meta. @throws RangeError if g or n is no number: a beat mends them */
export function readLineage([g, n, text]: readonly (string | null)[]): Lineage {
  const head = { generation: numberFrom(g), offset: numberFrom(n) };
  if (head.generation === 0) return { head, ends: new Map([[0, 0]]) };
  const [of, ends = ""] = (text ?? "").split(":");
  // an older version of the functions may have begun this generation without writing a lineage
  if (Number(of) !== head.generation) return { head, ends: undefined };
  const pairs = ends.split(" ").filter((each) => each !== "");
  if (!pairs.every((pair) => PAIR.test(pair))) return { head, ends: undefined };
  return {
    head,
    ends: new Map(pairs.map((pair) => pair.split("-").map(Number) as [number, number])),
  };
}

/** Numbers below 2^47, as a bucket's can be (events.ts). */
const NUMBER = /^\d{1,14}$/;
const PAIR = /^\d{1,14}-\d{1,14}$/;

function numberFrom(text: string | null | undefined): number {
  if (text === null || text === undefined) return 0;
  if (!NUMBER.test(text)) throw new RangeError("a position is no number");
  return Number(text);
}

/** What a comparison found. `unknown`: the lineage does not say. */
export type Found = Loss | "unknown" | undefined;

export function isLoss(found: Found): found is Loss {
  return found !== undefined && found !== "unknown";
}

/** By a lineage, the first event after a position. Undefined: there is none. */
export function nextThere(
  { head, ends = new Map<number, number>() }: Lineage,
  after: Position,
): Position | undefined {
  for (const [generation, last] of [...ends, [head.generation, head.offset] as const]) {
    const offset = generation === after.generation ? after.offset + 1 : 1;
    if (generation >= after.generation && offset <= last) return { generation, offset };
  }
  return undefined;
}

/** Whether an event is older than the head, and not in its lineage. */
export function isGone({ head, ends }: Lineage, { generation, offset }: Position): boolean {
  if (generation >= head.generation || ends === undefined) return false;
  const [oldest = head.generation] = ends.keys();
  return generation >= oldest && offset > (ends.get(generation) ?? 0);
}

export function later(a: Position, b: Position): Position {
  return isBefore(a, b) ? b : a;
}

export function isSame(a: Position | undefined, b: Position | undefined): boolean {
  return a?.generation === b?.generation && a?.offset === b?.offset;
}

/** What a node has seen of one bucket: of each generation, the last offset. */
export interface Seen {
  readonly newest: Position;
  /** Of the generations before the newest one, in their order. */
  readonly ends: ReadonlyMap<number, number>;
  /** Up to this generation, the generations are a lineage that was read; later ones were only heard of. */
  readonly metUpTo: number;
}

export const NOTHING_SEEN: Seen = {
  newest: { generation: 0, offset: 0 },
  ends: new Map(),
  metUpTo: 0,
};

/** Adds an event or a head that is, or was, there. */
export function note(seen: Seen, at: Position): Seen {
  const { newest, ends, metUpTo } = seen;
  if (!isBefore(newest, at)) return seen;
  if (newest.generation === at.generation) return { newest: at, ends, metUpTo };
  const all = new Map(ends).set(newest.generation, newest.offset);
  if (all.size > KEPT) all.delete(all.keys().next().value!);
  return { newest: at, ends: all, metUpTo };
}

/** Adds a delivered event, even if a later generation was noted before it. */
export function including(seen: Seen, at: Position): Seen {
  const isOld = at.generation < seen.newest.generation;
  if (!isOld || at.offset <= (seen.ends.get(at.generation) ?? 0)) return seen;
  const ends = [...seen.ends, [at.generation, at.offset] as const].toSorted(([a], [b]) => a - b);
  return { ...seen, ends: new Map(ends) };
}

/**
 * Compares what was known before a lineage was read with that lineage, and continues from it. The head must not be
 * older than what was known: that would be an older server, perhaps one that has just been replaced.
 */
export function meet(
  seen: Seen,
  lineage: Lineage,
  known = seen,
): { readonly seen: Seen; readonly found: Found } {
  const { head, ends = new Map<number, number>() } = lineage;
  const met = { newest: head, ends, metUpTo: head.generation };
  const isNews = isBefore(known.newest, seen.newest); // heard while the lineage was read
  return { seen: isNews ? note(met, seen.newest) : met, found: missingFrom(lineage, known) };
}

function missingFrom({ head, ends = new Map<number, number>() }: Lineage, known: Seen): Found {
  const [oldest = head.generation] = ends.keys();
  const { newest, metUpTo } = known;
  const all = [...known.ends, [newest.generation, newest.offset] as const];
  let kept: Position = { generation: 0, offset: 0 };
  let lost: Position | undefined;
  let events = 0;
  for (const [generation, offset] of all.toReversed()) {
    const there = generation === head.generation ? head.offset : ends.get(generation);
    if (there === undefined && offset > 0 && generation < oldest) {
      if (lost === undefined) return "unknown";
      break;
    }
    const missing = Math.max(offset - (there ?? 0), 0);
    if (missing > 0) lost ??= { generation, offset };
    events += missing;
    if (there === undefined || generation > metUpTo) continue;
    kept = { generation, offset: Math.min(offset, there) };
    break;
  }
  return lost && { seen: lost, kept, events };
}
