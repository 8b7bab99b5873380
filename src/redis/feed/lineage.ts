/**
 * Lineage: the generations that a bucket's data came from, and what a node has seen that is not among
 * them. Pure; lua/1-bucket.lua writes it.
 */
import { isBefore, type Position } from "../../chat/events.js";

/** Where the data of a bucket stands, and how it came there. */
export interface Lineage {
  readonly head: Position;
  /** The last number of each generation that led there, oldest first; undefined: nobody knows. */
  readonly ends: ReadonlyMap<number, number> | undefined;
}

/** Events that were seen and are not there. */
export interface Loss {
  /** The newest of them. */
  readonly seen: Position;
  /** The newest of those before them that are there; 0-0: none is. */
  readonly kept: Position;
  readonly events: number;
}

/** As the fields g, n and lineage of a bucket's meta say. */
export function readLineage([g, n, text]: readonly (string | null)[]): Lineage {
  const head = { generation: Number(g ?? 0), offset: Number(n ?? 0) };
  if (head.generation === 0) return { head, ends: new Map([[0, 0]]) };
  const [of, ends = ""] = (text ?? "").split(":");
  // another version of the functions may have begun a generation since, and said nothing of it
  if (Number(of) !== head.generation) return { head, ends: undefined };
  const pairs = ends.split(" ").filter((each) => each !== "");
  return {
    head,
    ends: new Map(pairs.map((pair) => pair.split("-").map(Number) as [number, number])),
  };
}

export function isLoss(found: Loss | "unknown" | undefined): found is Loss {
  return found !== undefined && found !== "unknown";
}

/** Whether of all that is there after a position, this is the first event; or nothing is, and this is none. */
export function isNextThere(
  first: Position | undefined,
  { head, ends = new Map<number, number>() }: Lineage,
  after: Position,
): boolean {
  for (const [g, last] of [...ends, [head.generation, head.offset] as const]) {
    const n = g === after.generation ? after.offset + 1 : 1;
    if (g >= after.generation && n <= last) return first?.generation === g && first.offset === n;
  }
  return true;
}

/** What a node has seen of a bucket at some moment: of each generation, the last number. */
interface Known {
  readonly newest: Position;
  readonly ends: ReadonlyMap<number, number>;
}

/** As many generations as lua/1-bucket.lua keeps. */
const KEPT = 32;

/** What a node has seen of one bucket: of each generation, the last number. */
export class Seen {
  /** In the order of generations. */
  #ends = new Map<number, number>();
  /** Up to this generation all of them led to one another; of later ones it was only heard. */
  #metUpTo = 0;
  newest: Position = { generation: 0, offset: 0 };

  /** There is, or was, this event or this head. */
  note(at: Position): void {
    if (!isBefore(this.newest, at)) return;
    this.newest = at;
    this.#ends.set(at.generation, at.offset);
    if (this.#ends.size > KEPT + 1) this.#ends.delete(this.#ends.keys().next().value!);
  }

  /** What was seen until now: for a comparison with what is read after it. */
  get known(): Known {
    return { newest: this.newest, ends: new Map(this.#ends) };
  }

  /**
   * Compares what was known before with what is there, and goes on from there. The head must not be before what
   * was known: that would be an older server, perhaps one that has just been replaced.
   * `unknown`: it cannot be told from this.
   */
  meet(lineage: Lineage, known = this.known): Loss | "unknown" | undefined {
    const found = this.#missingFrom(lineage, known.ends);
    const { head, ends = [] } = lineage;
    const heardMeanwhile = this.newest;
    this.#ends = new Map([...ends, [head.generation, head.offset]]);
    this.#metUpTo = head.generation;
    this.newest = head;
    if (isBefore(known.newest, heardMeanwhile)) this.note(heardMeanwhile);
    return found;
  }

  #missingFrom(
    { head, ends = new Map<number, number>() }: Lineage,
    known: Known["ends"],
  ): Loss | "unknown" | undefined {
    const [oldest = head.generation] = ends.keys();
    let [kept, seen, events]: [Position, Position | undefined, number] = [
      { generation: 0, offset: 0 },
      undefined,
      0,
    ];
    for (const [generation, offset] of [...known].toReversed()) {
      const there = generation === head.generation ? head.offset : ends.get(generation);
      if (there === undefined && offset > 0 && generation < oldest) {
        if (seen === undefined) return "unknown";
        break;
      }
      const missing = Math.max(offset - (there ?? 0), 0);
      if (missing > 0) seen ??= { generation, offset };
      events += missing;
      if (there === undefined || generation > this.#metUpTo) continue;
      kept = { generation, offset: Math.min(offset, there) };
      break;
    }
    return seen && { seen, kept, events };
  }
}

/** Of all buckets, by number; and by the key of their meta. */
export class SeenBuckets {
  readonly buckets: readonly Seen[];
  readonly #byMeta: ReadonlyMap<string, Seen>;

  constructor(metas: readonly string[]) {
    this.buckets = metas.map(() => new Seen());
    this.#byMeta = new Map(metas.map((meta, i) => [meta, this.buckets[i]!]));
  }

  newestIn(meta: string): Position {
    return this.#byMeta.get(meta)!.newest;
  }
}
