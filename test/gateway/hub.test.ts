/** The hub: whom a notice is for. */
import { expect, test } from "vitest";
import type { Notice } from "#tertulia/chat/events.js";
import type { Name } from "#tertulia/chat/names.js";
import { Hub } from "#tertulia/gateway/hub.js";
import type { Session } from "#tertulia/gateway/session.js";
import { observe } from "#tertulia/observe.js";
import { jsonDialect } from "#tertulia/wire/json.js";

const at = { generation: 1, seq: 1 } as unknown as Extract<Notice, { type: "message" }>["at"];

test("what is for a name is not told to a session that has given it back; what everybody hears is", () => {
  const hub = new Hub(observe("silent", "hub").counters);
  const heard: string[] = [];
  const session = (who: string): Session =>
    ({
      dialect: jsonDialect,
      hear: (notice: Notice) => heard.push(`${who} ${notice.type}`) > 0,
    }) as unknown as Session;
  const [before, after] = [session("before"), session("after")];
  const [ana, bob] = ["ana", "bob"] as unknown as [Name, Name];
  hub.add(before, ana);
  hub.release(before, ana);
  expect(hub.has(ana)).toBe(false);
  hub.add(after, ana);
  hub.deliver({
    type: "typing",
    author: bob,
    conversation: { kind: "direct", between: [ana, bob] },
  });
  expect(heard).toEqual(["after typing"]);
  hub.deliver({ type: "leader", at, node: "n" });
  expect(heard).toEqual(["after typing", "before leader", "after leader"]);
  hub.remove(before, ana);
  expect(hub.has(ana)).toBe(true);
  expect([...hub.sessions]).toEqual([after]);
});
