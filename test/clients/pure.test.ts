/** The rules that need no connection: when to try again, who is there, who listens. */
import { readFile, readdir } from "node:fs/promises";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Emitter } from "#tertulia/clients/sdk/emitter.js";
import type { Status } from "#tertulia/clients/sdk/events.js";
import { retryDelayMs } from "#tertulia/clients/sdk/backoff.js";
import { PresenceMap } from "#tertulia/clients/sdk/presence-map.js";

test("a retry waits up to 250 ms first, then twice as long each time, at most 10 s", () => {
  const longest = [0, 1, 2, 5, 6, 100].map((attempt) => retryDelayMs(attempt, () => 1));
  expect(longest).toEqual([250, 500, 1_000, 8_000, 10_000, 10_000]);
  expect(retryDelayMs(3, () => 0)).toBe(0);
  expect(retryDelayMs(3, () => 0.5)).toBe(1_000);
});

test("every timer of the SDK supports long delays", async () => {
  const files = await readdir("src/clients/sdk");
  const sources = await Promise.all(
    files.map((file) => readFile(`src/clients/sdk/${file}`, "utf8")),
  );
  const own = files.filter((_, i) => sources[i]!.includes("setTimeout("));
  expect(own).toEqual(["timer.ts"]);
});

test("the presence changes lead from each view to the next", () => {
  const name = fc.constantFrom("ana", "bob", "eva", "leo");
  const status = fc.constantFrom<Status>("active", "busy", "inactive");
  const report = fc.record({
    count: fc.nat(9),
    full: fc.boolean(),
    isSnapshot: fc.boolean(),
    set: fc.array(fc.tuple(name, status), { maxLength: 4 }),
    gone: fc.array(name, { maxLength: 2 }),
  });
  fc.assert(
    fc.property(
      fc.array(report, { maxLength: 12 }),
      fc.subarray(["ana", "bob"]),
      (reports, list) => {
        const roster = new PresenceMap();
        roster.watched = new Set(list);
        const followed = new Map<string, Status>();
        for (const each of reports) {
          const { set, gone } = roster.apply(each);
          for (const left of gone) expect(followed.delete(left)).toBe(true);
          for (const [who, how] of set) {
            expect(followed.get(who)).not.toBe(how);
            followed.set(who, how);
          }
          expect(followed).toEqual(roster.people);
          if (each.isSnapshot) expect(roster.people).toEqual(new Map(each.set));
        }
      },
    ),
  );
});

test("with too many users for all, only watched ones are kept", () => {
  const roster = new PresenceMap();
  roster.watched = new Set(["bob"]);
  const of = { isSnapshot: false, set: [], gone: [] };
  roster.apply({
    ...of,
    count: 2,
    full: true,
    isSnapshot: true,
    set: [
      ["ana", "active"],
      ["bob", "busy"],
    ],
  });
  const change = roster.apply({ ...of, count: 1_001, full: false });
  expect(change).toEqual({ count: 1_001, full: false, set: [], gone: ["ana"] });
  expect([...roster.people]).toEqual([["bob", "busy"]]);
});

test("a listener that throws does not stop the others, and its error is not swallowed", async () => {
  const emitter = new Emitter();
  const heard: number[] = [];
  const thrown: unknown[] = [];
  const listener = (error: unknown): void => void thrown.push(error);
  const others = process.rawListeners("uncaughtException") as (typeof listener)[];
  process.removeAllListeners("uncaughtException").on("uncaughtException", listener);
  emitter.on("typing", () => {
    throw new Error("mine");
  });
  const off = emitter.on("typing", () => heard.push(1));
  emitter.emit("typing", { conv: "~", from: "bob" });
  off();
  emitter.emit("typing", { conv: "~", from: "bob" });
  await vi.waitFor(() => expect(thrown.map(String)).toEqual(["Error: mine", "Error: mine"]));
  process.removeAllListeners("uncaughtException");
  for (const other of others) process.on("uncaughtException", other);
  expect(heard).toEqual([1]);
});
