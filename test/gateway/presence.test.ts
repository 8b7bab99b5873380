/** The windows of presence: who follows is never left with an older view than the snapshot and what came after. */
import { expect, test } from "vitest";
import type { Name, Status } from "#tertulia/chat/names.js";
import { Presence } from "#tertulia/gateway/presence.js";
import { observe } from "#tertulia/observe.js";
import type { Events } from "#tertulia/wire/json-schema.js";
import { eventually } from "../support/eventually.js";

const unread = (): Promise<never> => Promise.reject(new Error("no test reads the store"));

function world(fullUpTo: number, windowMs = 20) {
  const presence = new Presence({ windowMs, fullUpTo }, unread, observe("silent", "presence").log);
  let n = 0;
  const told = (): { frames: Events["presence"][]; tell: (frame: Uint8Array) => void } => {
    const frames: Events["presence"][] = [];
    return {
      frames,
      tell: (frame) => frames.push(JSON.parse(/\{.*/s.exec(String(frame))![0]) as never),
    };
  };
  return {
    presence,
    told,
    is: (name: string, status: Status): void => {
      const user = { name: name as Name, status };
      presence.hear({ type: "presence", user, at: { generation: 1, offset: ++n } } as never);
    },
  };
}

test.each([9, 0])(
  "who begins to follow within a window misses nobody who cancels out in it (full up to %i)",
  async (fullUpTo) => {
    const { presence, told, is } = world(fullUpTo);
    const [before, within] = [told(), told()];
    presence.follow(before, new Set(["bob" as Name]));
    is("bob", "active");
    await eventually(() => expect(before.frames.length).toBe(1));
    is("bob", "disconnected");
    const { set } = presence.follow(within, new Set(["bob" as Name]));
    expect(set).toEqual([]);
    is("bob", "active");
    await eventually(() => expect(within.frames.at(-1)?.set).toEqual([["bob", "active"]]));
    expect(before.frames.length).toBe(1); // for those who were there nothing has changed
    presence.close();
  },
);

test("who begins to follow a crowd within a window is left with the right count", async () => {
  const { presence, told, is } = world(0);
  const [before, within] = [told(), told()];
  is("bob", "active");
  presence.follow(before, new Set());
  await eventually(() => expect(before.frames.length).toBe(1));
  is("eve", "active");
  expect(presence.follow(within, new Set()).count).toBe(2);
  is("eve", "disconnected");
  await eventually(() => expect(within.frames.at(-1)?.count).toBe(1));
  presence.close();
});

test.each([10_000, 1_000])(
  "5,000 members of whom 500 a second come or go cost a follower four frames a second (full up to %i)",
  async (fullUpTo) => {
    const { presence, told, is } = world(fullUpTo, 250);
    for (let i = 0; i < 5_000; i++) is(`member-${i}`, "active");
    const follower = told();
    presence.follow(follower, new Set(["member-7" as Name]));
    follower.frames.length = 0;
    const began = performance.now();
    for (let i = 0; i < 1_000; i += 5) {
      for (let k = i; k < i + 5; k++) is(`member-${k}`, k % 2 === 0 ? "disconnected" : "busy");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const seconds = (performance.now() - began) / 1_000;
    await eventually(() => expect(follower.frames.at(-1)?.count).toBe(4_500));
    expect(follower.frames.length).toBeLessThanOrEqual(4 * seconds + 2);
    presence.close();
  },
);

test.each([9, 0])(
  "who follows is there itself, before the feed has told so (full up to %i)",
  async (fullUpTo) => {
    const { presence, told, is } = world(fullUpTo);
    const [ana, bob] = ["ana" as Name, "bob" as Name];
    is("bob", "busy");
    const follower = told();
    const everybody = new Map([
      ["bob", "busy"],
      ["ana", "active"],
    ]);
    await eventually(() => {
      const { full, count, set } = presence.follow(follower, new Set([ana, bob]), ana);
      expect({ full, count }).toEqual({ full: fullUpTo > 0, count: 2 });
      expect(new Map(set)).toEqual(everybody);
    });
    is("ana", "active");
    const { count, set } = presence.follow(follower, new Set([ana, bob]), ana);
    expect({ count, set: new Map(set) }).toEqual({ count: 2, set: everybody });
    presence.close();
  },
);
