/** The windows of presence: who follows is never left with an older view than the snapshot and what came after. */
import { expect, test } from "vitest";
import type { Name, Status } from "#tertulia/chat/model.js";
import { Presence } from "#tertulia/gateway/presence.js";
import type { Events } from "#tertulia/wire/json-schema.js";
import { eventually } from "../support/eventually.js";

function world(fullUpTo: number) {
  const presence = new Presence({ windowMs: 20, fullUpTo });
  let n = 0;
  const told = (): { frames: Events["presence"][]; tell: (frame: Uint8Array) => void } => {
    const frames: Events["presence"][] = [];
    return {
      frames,
      tell: (frame) => frames.push(JSON.parse(new TextDecoder().decode(frame)) as never),
    };
  };
  return {
    presence,
    told,
    is: (name: string, status: Status): void => {
      const user = { name: name as Name, status };
      presence.hear({ type: "presence", user, at: { g: 1, n: ++n } } as never);
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
