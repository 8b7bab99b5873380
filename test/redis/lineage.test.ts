import { expect, test } from "vitest";
import {
  NOTHING_SEEN,
  meet,
  nextThere,
  note,
  readLineage,
  type Lineage,
  type Loss,
  type Seen,
} from "#tertulia/redis/feed/lineage.js";

/** As a bucket's meta has it. */
function there(g: number, n: number, lineage?: string): Lineage {
  return readLineage([`${g}`, `${n}`, lineage ?? null]);
}

const NOTHING = readLineage([null, null, null]);

/** A node that began at the first of these, and came to see the others. */
function seen(...steps: (Lineage | [g: number, n: number])[]): Seen {
  return steps.reduce<Seen>((node, step) => {
    if (!Array.isArray(step)) return meet(node, step).seen;
    return note(node, { generation: step[0], offset: step[1] });
  }, NOTHING_SEEN);
}

const lost = (newest: [number, number], kept: [number, number], events: number): Loss => ({
  seen: { generation: newest[0], offset: newest[1] },
  kept: { generation: kept[0], offset: kept[1] },
  events,
});

test.each([
  [
    "a restart that lost nothing",
    [there(10, 50, "10: 0-0")],
    there(20, 3, "20: 0-0 10-50"),
    undefined,
  ],
  [
    "events that this node has not heard of",
    [there(10, 50, "10: 0-0")],
    there(20, 3, "20: 0-0 10-60"),
    undefined,
  ],
  [
    "a lossy failover",
    [there(10, 50, "10: 0-0"), [10, 53]],
    there(20, 3, "20: 0-0 10-50"),
    lost([10, 53], [10, 50], 3),
  ],
  [
    "the same, heard of while it went on already",
    [there(10, 50, "10: 0-0"), [10, 53], [20, 1]],
    there(20, 3, "20: 0-0 10-50"),
    lost([10, 53], [10, 50], 3),
  ],
  [
    "a stale primary",
    [there(10, 50, "10: 0-0"), there(20, 7, "20: 0-0 10-50")],
    there(30, 0, "30: 0-0 10-40"),
    lost([20, 7], [10, 40], 17),
  ],
  [
    "a stale primary that had more of the old",
    [there(10, 50, "10: 0-0"), there(20, 7, "20: 0-0 10-50")],
    there(30, 0, "30: 0-0 10-60"),
    lost([20, 7], [10, 50], 7),
  ],
  [
    "older data behind a generation without events",
    [there(20, 0, "20: 0-0 10-50")],
    there(30, 0, "30: 0-0 10-40"),
    lost([10, 50], [10, 40], 10),
  ],
  [
    "the same data behind a generation without events",
    [there(20, 0, "20: 0-0 10-50")],
    there(30, 0, "30: 0-0 10-50"),
    undefined,
  ],
  [
    "an emptied Redis",
    [there(10, 5, "10: 0-0"), there(20, 7, "20: 0-0 10-5")],
    there(30, 2, "30: 0-0"),
    lost([20, 7], [0, 0], 12),
  ],
  [
    "an emptied Redis in which nobody has written",
    [there(10, 5, "10: 0-0")],
    NOTHING,
    lost([10, 5], [0, 0], 5),
  ],
  ["a Redis that was empty before, too", [NOTHING], there(30, 2, "30: 0-0"), undefined],
  [
    "a generation that was heard of and is gone",
    [there(10, 50, "10: 0-0"), [20, 4]],
    there(30, 1, "30: 0-0 10-50"),
    lost([20, 4], [10, 50], 4),
  ],
  [
    "a generation of functions that note nothing",
    [there(10, 50, "10: 0-0")],
    there(20, 3),
    "unknown",
  ],
  ["the one after it", [there(10, 50, "10: 0-0")], there(30, 3, "30: 20-3"), "unknown"],
  [
    "an older note, of another generation",
    [there(10, 50, "10: 0-0")],
    there(20, 3, "10: 0-0"),
    "unknown",
  ],
  [
    "more generations than are kept",
    [there(10, 50, "10: 0-0")],
    there(30, 3, "30: 15-2 20-3"),
    "unknown",
  ],
] as const)("%s", (_, steps, lineage, expected) => {
  const node = seen(...(steps as readonly (Lineage | [number, number])[]));
  const met = meet(node, lineage);
  expect(met.found).toEqual(expected);
  expect(meet(met.seen, lineage).found, "it goes on from there").toBeUndefined();
  expect(met.seen.newest).toEqual(lineage.head);
});

test("a late event of an older generation is ignored", () => {
  const node = seen(there(20, 7, "20: 0-0 10-50"), [10, 60]);
  expect(node.newest).toEqual({ generation: 20, offset: 7 });
  expect(meet(node, there(20, 8, "20: 0-0 10-50")).found).toBeUndefined();
});

test("an event heard while the lineage is read does not count as missing", () => {
  const known = seen(there(10, 50, "10: 0-0"));
  const heard = note(note(known, { generation: 20, offset: 1 }), { generation: 20, offset: 2 });
  const met = meet(heard, there(20, 1, "20: 0-0 10-50"), known);
  expect(met.found).toBeUndefined();
  expect(met.seen.newest).toEqual({ generation: 20, offset: 2 });
  expect(meet(met.seen, there(30, 1, "30: 0-0 10-50 20-1")).found).toEqual(
    lost([20, 2], [20, 1], 1),
  );
});

test.each([
  ["the next of the same generation", [10, 50], there(20, 3, "20: 0-0 10-60"), [10, 51]],
  ["the first of the next generation", [10, 50], there(20, 3, "20: 0-0 10-50"), [20, 1]],
  ["the first after one without events", [10, 50], there(30, 3, "30: 0-0 10-50"), [30, 1]],
  ["the first of all, in an emptied Redis", [0, 0], there(30, 3, "30: 0-0"), [30, 1]],
  [
    "one of a generation that was never heard of",
    [10, 50],
    there(30, 3, "30: 10-50 20-2"),
    [20, 1],
  ],
  ["none, if nothing is there", [10, 50], there(30, 0, "30: 0-0 10-50"), undefined],
] as const)("next: %s", (_, [generation, offset], lineage, expected) => {
  const next = expected && { generation: expected[0], offset: expected[1] };
  expect(nextThere(lineage, { generation, offset })).toEqual(next);
});
