/** One reading of the list for all who ask within a moment. */
import { expect, test } from "vitest";
import type { Name, Status } from "#tertulia/chat/names.js";
import type { Heard } from "#tertulia/chat/roster.js";
import { SharedRoster } from "#tertulia/gateway/shared-roster.js";

const heard = (name: string, status: Status, offset: number): Heard => ({
  user: { name: name as Name, status },
  at: { generation: 1, offset },
});

/** A roster whose readings wait until they are answered. */
function world() {
  const clock = { nowMs: 0 };
  const readings: { resolve: (read: Heard[]) => void; reject: (error: Error) => void }[] = [];
  const roster = new SharedRoster(
    {
      roster: () => new Promise((resolve, reject) => readings.push({ resolve, reject })),
    },
    255,
    () => clock.nowMs,
  );
  const list = async (): Promise<string> =>
    (await roster.list()).map(({ name, status }) => `${name} ${status}`).join(", ");
  return { clock, readings, roster, list };
}

test("all who ask within half a second share a reading", async () => {
  const { clock, readings, list } = world();
  const lists = Array.from({ length: 100 }, list);
  readings[0]!.resolve([heard("ana", "active", 1)]);
  expect(new Set(await Promise.all(lists))).toEqual(new Set(["ana active"]));
  clock.nowMs = 499;
  expect(await list()).toBe("ana active");
  expect(readings).toHaveLength(1);
  clock.nowMs = 500;
  const next = list();
  readings[1]!.resolve([heard("bob", "busy", 2)]);
  expect(await next).toBe("bob busy");
});

test("what is heard is in the list: before the reading has come, and after it", async () => {
  const { readings, roster, list } = world();
  const first = list();
  roster.hear(heard("bob", "active", 2));
  readings[0]!.resolve([heard("ana", "active", 1)]);
  expect(await first).toBe("ana active, bob active");
  roster.hear(heard("bob", "busy", 3));
  expect(await list()).toBe("ana active, bob busy");
});

test("all who share a reading that fails are told, and the next one is made", async () => {
  const { readings, list } = world();
  const lists = [list(), list()];
  readings[0]!.reject(new Error("no answer"));
  for (const each of lists) await expect(each).rejects.toThrow("no answer");
  const next = list();
  readings[1]!.resolve([]);
  expect(await next).toBe("");
});

test("nothing is remembered while nobody asks", async () => {
  const { clock, readings, roster, list } = world();
  const first = list();
  readings[0]!.resolve([heard("ana", "active", 1)]);
  await first;
  clock.nowMs = 500;
  roster.hear(heard("bob", "active", 2));
  const next = list();
  readings[1]!.resolve([heard("ana", "active", 3)]);
  expect(await next).toBe("ana active");
});
