/** The sanctions of one moment, as a gateway asks for them. */
import { expect, test } from "vitest";
import type { Name } from "#tertulia/chat/names.js";
import type { Sanction } from "#tertulia/chat/sanctions.js";
import { SanctionList } from "#tertulia/gateway/sanction-list.js";

const base = { atMs: 1, untilMs: undefined, by: "olga", reason: "" } as const;
const ana = "ana" as Name;

function list(...sanctions: Sanction[]): SanctionList {
  return new SanctionList({ version: "1", sanctions });
}

function banOf(range: string): Sanction {
  return { ...base, kind: "ban", target: { kind: "addresses", range } };
}

test.each([
  ["192.0.2.7", "192.0.2.7", true],
  ["192.0.2.7", "192.0.2.8", false],
  ["192.0.2.0/24", "192.0.2.255", true],
  ["192.0.2.0/24", "192.0.3.1", false],
  ["2001:db8::/32", "2001:db8:1::1", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["192.0.2.0/24", "::ffff:192.0.2.9", true],
  ["no address", "192.0.2.7", false],
  ["192.0.2.0/99", "192.0.2.7", false],
  ["192.0.2.0/24", "no address", false],
])("a ban of %s concerns %s: %s", (range, address, isBanned) => {
  expect(list(banOf(range)).banOfAddress(address, 5) !== undefined).toBe(isBanned);
});

test("a sanction is in force until its time is over", () => {
  const sanctions = list(
    { ...base, kind: "ban", target: { kind: "name", name: ana }, untilMs: 100 },
    { ...base, kind: "mute", target: { kind: "name", name: ana } },
  );
  expect(sanctions.banOf(ana, 99)).toBeDefined();
  expect(sanctions.banOf(ana, 100)).toBeUndefined();
  expect(sanctions.muteOf(ana, Number.MAX_SAFE_INTEGER)).toBeDefined();
  expect(sanctions.muteOf("bob" as Name, 0)).toBeUndefined();
});

test("of several bans of an address the one that is in force counts", () => {
  const ended = { ...banOf("192.0.2.0/24"), untilMs: 10 };
  const running = { ...banOf("192.0.2.7"), untilMs: 100 };
  expect(list(ended, running).banOfAddress("192.0.2.7", 50)).toBe(running);
});

test("a kick is new once, and a second one is another", () => {
  const kick: Sanction = { ...base, kind: "kick", target: { kind: "name", name: ana } };
  const none = list();
  const first = list(kick);
  expect(first.newKickOf(ana, none)).toBe(kick);
  expect(list(kick).newKickOf(ana, first)).toBeUndefined();
  expect(list({ ...kick, atMs: 2 }).newKickOf(ana, first)).toBeDefined();
});
