/** The windows of presence: no follower is left with an older view than the snapshot and what came after. */
import { expect, test } from "vitest";
import type { PresenceWindow } from "#tertulia/chat/events.js";
import { STATUSES, type ConnectedStatus, type Name, type Status } from "#tertulia/chat/names.js";
import { PresenceRollup, type PresenceSnapshot } from "#tertulia/chat/presence.js";
import { Random } from "#verifier/random.js";

const WINDOW_MS = 250;
const names = (...texts: string[]): ReadonlySet<Name> => new Set(texts as Name[]);

/** A roll-up with a clock of its own; followers are names, and each keeps the windows that it was told. */
function world(fullUpTo: number) {
  const rollup = new PresenceRollup<string>({ windowMs: WINDOW_MS, fullUpTo });
  const told = new Map<string, PresenceWindow[]>();
  let [nowMs, offset] = [0, 0];
  const pass = (ms: number): void => {
    nowMs += ms;
    for (const { window, audience } of rollup.closeWindow(nowMs)) {
      for (const follower of audience) {
        told.set(follower, [...(told.get(follower) ?? []), window]);
      }
    }
  };
  return {
    rollup,
    pass,
    told: (follower: string) => told.get(follower) ?? [],
    is: (name: string, status: Status): void => {
      const at = { generation: 1, offset: ++offset };
      const user = { name: name as Name, status };
      rollup.hear({ type: "presence", user, at, cause: "asked" }, nowMs);
    },
    /** A reading of all buckets, as they were at an offset. */
    read: (at: number, ...users: [name: string, status: Status][]): void => {
      const present = users.map(([name, status]) => ({ name: name as Name, status }));
      const covers = () => true;
      rollup.take({ at: { generation: 1, offset: at }, users: present, covers }, nowMs);
    },
  };
}

test("a window closes once, after its time, and tells only the last state of each user", () => {
  const { rollup, pass, told, is } = world(9);
  rollup.follow("f", names());
  is("ana", "active");
  pass(WINDOW_MS - 1);
  is("ana", "busy");
  is("bob", "active");
  is("bob", "disconnected");
  expect(told("f")).toEqual([]);
  pass(1);
  const window = { type: "presence-window", count: 1, isFull: true, isSnapshot: false };
  expect(told("f")).toEqual([{ ...window, set: [["ana", "busy"]], gone: [] }]);
  expect(rollup.closesAtMs).toBeUndefined();
  pass(WINDOW_MS);
  is("ana", "disconnected");
  pass(WINDOW_MS);
  expect(told("f").slice(1)).toEqual([{ ...window, count: 0, set: [], gone: ["ana"] }]);
});

test("followers with the same knowledge share one window; watchers of others have their own", () => {
  const full = world(9);
  const crowd = world(0);
  for (const { rollup, is, pass } of [full, crowd]) {
    rollup.follow("early", names("ana"));
    rollup.follow("other", names("bob"));
    rollup.follow("third", names("eva"));
    rollup.follow("fourth", names("eva"));
    is("ana", "active");
    pass(WINDOW_MS);
  }
  expect(full.told("early")[0]).toBe(full.told("other")[0]);
  expect(crowd.told("early")[0]?.set).toEqual([["ana", "active"]]);
  expect(crowd.told("other")[0]).toMatchObject({ count: 1, isFull: false, set: [], gone: [] });
  expect(crowd.told("third")[0]).toBe(crowd.told("fourth")[0]);
});

test("a crowd is reported in full again only when it is a good deal smaller, then with everybody", () => {
  const { rollup, pass, told, is } = world(10);
  for (let i = 0; i < 11; i++) is(`user-${i}`, "active");
  rollup.follow("f", names());
  pass(WINDOW_MS);
  expect(told("f").at(-1)).toMatchObject({ count: 11, isFull: false, set: [] });
  is("user-0", "disconnected");
  is("user-1", "disconnected");
  pass(WINDOW_MS);
  expect(told("f").at(-1)).toMatchObject({ count: 9, isFull: false });
  is("user-2", "disconnected");
  pass(WINDOW_MS);
  expect(told("f").at(-1)).toMatchObject({ count: 8, isFull: true, isSnapshot: true, gone: [] });
  expect(
    told("f")
      .at(-1)!
      .set.map(([name]) => name),
  ).toEqual(Array.from({ length: 8 }, (_, i) => `user-${i + 3}`));
});

test.each([9, 0])(
  "a follower that begins within a window misses no change of it (full up to %i)",
  (fullUpTo) => {
    const { rollup, pass, told, is } = world(fullUpTo);
    rollup.follow("before", names("bob"));
    is("bob", "active");
    pass(WINDOW_MS);
    expect(told("before").length).toBe(1);
    is("bob", "disconnected");
    expect(rollup.follow("within", names("bob")).set).toEqual([]);
    is("bob", "active");
    pass(WINDOW_MS);
    expect(told("within").at(-1)?.set).toEqual([["bob", "active"]]);
    expect(told("before").length, "for those who were there nothing has changed").toBe(1);
  },
);

test("a follower that begins within a window of a crowd has the right count", () => {
  const { rollup, pass, told, is } = world(0);
  is("bob", "active");
  rollup.follow("before", names());
  pass(WINDOW_MS);
  expect(told("before").length).toBe(1);
  is("eva", "active");
  expect(rollup.follow("within", names()).count).toBe(2);
  is("eva", "disconnected");
  pass(WINDOW_MS);
  expect(told("within").at(-1)?.count).toBe(1);
});

test("a session that has stopped following is told nothing more", () => {
  const { rollup, pass, told, is } = world(9);
  is("bob", "active");
  rollup.follow("f", names());
  rollup.unfollow("f");
  is("eva", "active");
  pass(WINDOW_MS);
  expect(told("f")).toEqual([]);
});

test.each([10_000, 1_000])(
  "5,000 members of whom 500 a second come or go cost a follower four windows a second (full up to %i)",
  (fullUpTo) => {
    const { rollup, pass, told, is } = world(fullUpTo);
    for (let i = 0; i < 5_000; i++) is(`member-${i}`, "active");
    pass(WINDOW_MS);
    rollup.follow("f", names("member-7"));
    for (let i = 0; i < 1_000; i += 5) {
      for (let k = i; k < i + 5; k++) is(`member-${k}`, k % 2 === 0 ? "disconnected" : "busy");
      pass(10);
    }
    pass(WINDOW_MS);
    expect(told("f").at(-1)?.count).toBe(4_500);
    expect(told("f").length).toBeLessThanOrEqual(9);
  },
);

test.each([9, 0])(
  "a follower sees itself before the feed has announced it (full up to %i)",
  (fullUpTo) => {
    const { rollup, pass, is } = world(fullUpTo);
    const everybody = { count: 2, isFull: fullUpTo > 0 };
    is("bob", "busy");
    pass(WINDOW_MS);
    const before = rollup.follow("f", names("ana", "bob"), "ana" as Name);
    expect(before).toMatchObject(everybody);
    is("ana", "active");
    const after = rollup.follow("f", names("ana", "bob"), "ana" as Name);
    expect(after).toMatchObject(everybody);
    for (const { set } of [before, after]) {
      expect(new Map(set)).toEqual(new Map([["bob", "busy"], ["ana", "active"]])); // prettier-ignore
    }
  },
);

test("followers that come within a window share a snapshot, and each finds its own status in it", () => {
  const { rollup, pass, told, is } = world(9);
  is("ana", "active");
  is("bob", "active");
  pass(WINDOW_MS);
  const { set } = rollup.follow("first", names(), "ana" as Name);
  expect(rollup.follow("second", names(), "bob" as Name).set).toBe(set);
  is("ana", "busy");
  expect(rollup.follow("third", names(), "bob" as Name).set).toBe(set);
  const own = rollup.follow("own", names(), "ana" as Name);
  expect(new Map(own.set).get("ana" as Name)).toBe("busy");
  pass(WINDOW_MS);
  for (const follower of ["first", "second", "third"]) {
    expect(told(follower).map((window) => window.set)).toEqual([[["ana", "busy"]]]);
  }
  expect(told("own")).toEqual([]);
  expect(rollup.follow("later", names()).set).not.toBe(set);
});

test("of a snapshot and the notices that came meanwhile, the later position counts", () => {
  const { rollup, read, is } = world(9);
  is("stale", "active"); // 1
  is("renewed", "active"); // 2
  rollup.beginReading();
  is("left", "active"); // 3
  is("left", "disconnected"); // 4
  is("late", "active"); // 5
  is("renewed", "busy"); // 6
  read(3, ["left", "active"], ["renewed", "active"], ["found", "inactive"]);
  rollup.endReading();
  const { set } = rollup.follow("f", names());
  expect(Object.fromEntries(set)).toEqual({ renewed: "busy", late: "active", found: "inactive" });
});

/** What a client makes of what it is told: PROTOCOL.md, presence. */
class View {
  count = 0;
  isFull = true;
  readonly users = new Map<Name, ConnectedStatus>();
  readonly watch: ReadonlySet<Name>;

  constructor(watch: ReadonlySet<Name>, snapshot: PresenceSnapshot) {
    this.watch = watch;
    this.apply({ ...snapshot, gone: [], isSnapshot: true });
  }

  apply({ count, isFull, isSnapshot, set, gone }: Omit<PresenceWindow, "type">): void {
    this.count = count;
    this.isFull = isFull;
    if (isSnapshot) this.users.clear();
    for (const [name, status] of set) this.users.set(name, status);
    for (const name of gone) this.users.delete(name);
  }
}

test.each(Array.from({ length: 100 }, (_, seed) => seed))(
  "whatever happens, after each window every follower has the true count and statuses (seed %i)",
  (seed) => {
    const random = new Random(seed);
    const rollup = new PresenceRollup<object>({ windowMs: WINDOW_MS, fullUpTo: 6 });
    const everybody = Array.from({ length: 10 }, (_, i) => `user-${i}` as Name);
    const truth = new Map<Name, ConnectedStatus>();
    const views = new Map<object, View>();
    let [nowMs, offset] = [0, 0];
    const steps: (() => void)[] = [
      () => {
        const [name, status] = [random.pick(everybody), random.pick(STATUSES)];
        if (status === "disconnected") truth.delete(name);
        else truth.set(name, status);
        const at = { generation: 1, offset: ++offset };
        rollup.hear({ type: "presence", user: { name, status }, at, cause: "asked" }, nowMs);
      },
      () => {
        const watch = new Set(everybody.filter(() => random.next() < 0.3));
        const key = {}; // to the roll-up a follower is only an identity
        views.set(key, new View(watch, rollup.follow(key, watch)));
      },
      () => {
        const [key] = views.keys();
        if (key === undefined || random.next() < 0.5) return;
        views.delete(key);
        rollup.unfollow(key);
      },
      () => {
        nowMs += WINDOW_MS;
        const told = new Set<object>();
        for (const { window, audience } of rollup.closeWindow(nowMs)) {
          for (const follower of audience) {
            expect(told.has(follower), "one window, one notice").toBe(false);
            told.add(follower);
            views.get(follower)!.apply(window);
          }
        }
        for (const { count, isFull, users, watch } of views.values()) {
          expect(count).toBe(truth.size);
          const known = everybody.filter((name) => isFull || watch.has(name));
          for (const name of known) expect(users.get(name)).toBe(truth.get(name));
        }
      },
    ];
    for (let i = 0; i < 300; i++) (random.next() < 0.6 ? steps[0]! : random.pick(steps))();
  },
);
