/** A list of users that was read once, and what is heard afterwards. */
import { expect, test } from "vitest";
import type { Name, Status } from "#tertulia/chat/names.js";
import { Roster, type Heard } from "#tertulia/chat/roster.js";

const heard = (name: string, status: Status, offset: number): Heard => ({
  user: { name: name as Name, status },
  at: { generation: 1, offset },
});

const shown = (roster: Roster): string =>
  roster.list.map(({ name, status }) => `${name} ${status}`).join(", ");

/** Ana and bob are connected; cleo left, and max before her. */
const read = [
  heard("ana", "active", 10),
  heard("bob", "busy", 10),
  heard("cleo", "disconnected", 10),
  heard("max", "disconnected", 10),
];

const CASES: readonly [title: string, heard: readonly Heard[], list: string][] = [
  ["it is as it was read", [], "ana active, bob busy, cleo disconnected, max disconnected"],
  [
    "who comes is the last of the connected",
    [heard("max", "active", 11), heard("eva", "active", 12)],
    "ana active, bob busy, max active, eva active, cleo disconnected",
  ],
  [
    "who leaves is the first of those who left",
    [heard("ana", "disconnected", 11)],
    "bob busy, ana disconnected, cleo disconnected, max disconnected",
  ],
  [
    "who comes back was not there all the time",
    [heard("ana", "disconnected", 11), heard("ana", "active", 12)],
    "bob busy, ana active, cleo disconnected, max disconnected",
  ],
  [
    "a status changes where the user stands",
    [heard("ana", "inactive", 11)],
    "ana inactive, bob busy, cleo disconnected, max disconnected",
  ],
  [
    "what is older than what was read changes nothing",
    [heard("ana", "disconnected", 9), heard("cleo", "active", 10)],
    "ana active, bob busy, cleo disconnected, max disconnected",
  ],
  [
    "what comes late does not take back a later change",
    [heard("ana", "busy", 12), heard("ana", "inactive", 11)],
    "ana busy, bob busy, cleo disconnected, max disconnected",
  ],
];

test.each(CASES)("%s", (_, changes, list) => {
  const roster = new Roster(read, 255);
  for (const change of changes) roster.hear(change);
  expect(shown(roster)).toBe(list);
});

test("it has as many users as fit, and those behind them move up", () => {
  const roster = new Roster(read, 2);
  expect(shown(roster)).toBe("ana active, bob busy");
  roster.hear(heard("ana", "disconnected", 11));
  expect(shown(roster)).toBe("bob busy, ana disconnected");
  expect(shown(new Roster(read, 3))).toBe("ana active, bob busy, cleo disconnected");
});

test("it is made once until something changes it", () => {
  const roster = new Roster(read, 255);
  const { list } = roster;
  expect(roster.list).toBe(list);
  roster.hear(heard("ana", "busy", 9));
  expect(roster.list).toBe(list);
  roster.hear(heard("ana", "busy", 11));
  expect(roster.list).not.toBe(list);
});
