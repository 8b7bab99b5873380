/** The hub: whom a notice is for. */
import { expect, test } from "vitest";
import { GENERAL } from "#tertulia/chat/conversation.js";
import type { Notice, PresenceWindow } from "#tertulia/chat/events.js";
import type { Name } from "#tertulia/chat/names.js";
import type { Frame } from "#tertulia/gateway/frame.js";
import { Hub } from "#tertulia/gateway/hub.js";
import type { Session } from "#tertulia/gateway/session.js";
import { observe } from "#tertulia/observe.js";
import { classicDialect } from "#tertulia/wire/classic.js";
import type { Dialect } from "#tertulia/wire/dialect.js";
import { jsonDialect } from "#tertulia/wire/json-dialect.js";

const json = jsonDialect({
  node: "n",
  textMaxChars: 10_000,
  maxFrameBytes: 65_536,
  requestsPerSecond: 50,
});

const at = { generation: 1, seq: 1 } as unknown as Extract<Notice, { type: "message" }>["at"];

test("a session that has released its name hears what is for everybody, not what is for the name", () => {
  const hub = new Hub(observe("silent", "hub").counters, { queue: () => {} });
  const heard: string[] = [];
  const session = (who: string): Session =>
    ({
      dialect: json,
      hear: (notice: Notice) => heard.push(`${who} ${notice.type}`) > 0,
      share: () => false,
      holder: { name: "ana" },
      unshare: () => {},
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
  hub.deliver({ type: "typing", author: bob, conversation: GENERAL });
  expect(heard).toEqual(["after typing", "before typing", "after typing"]);
  hub.deliver({ type: "leader", at, node: "n" }); // their dialect has no word for it
  expect(heard).toHaveLength(3);
  hub.remove(before, ana);
  expect(hub.has(ana)).toBe(true);
  expect([...hub.sessions]).toEqual([after]);
});

test("a window of presence is encoded once for its audience, and told to nobody else", () => {
  const hub = new Hub(observe("silent", "hub").counters, { queue: () => {} });
  const frames = new Map<string, (Frame | undefined)[]>();
  const session = (who: string, dialect: Dialect = json): Session => {
    const heard: (Frame | undefined)[] = [];
    frames.set(who, heard);
    const hear = (_: Notice, frame: Frame | undefined): boolean => heard.push(frame) > 0;
    return { dialect, hear, unshare: () => {} } as unknown as Session;
  };
  const window = (...gone: Name[]): PresenceWindow => {
    const isFull = gone.length > 0;
    return { type: "presence-window", count: 2, isFull, isSnapshot: false, set: [], gone };
  };
  const classic = classicDialect({ generalOrigin: "sender", replyMaxBytes: 4_096 }, json as never);
  const [one, two, other, bytes] = [
    session("one"),
    session("two"),
    session("other"),
    session("bytes", classic),
  ];
  for (const each of [one, two, other, bytes]) hub.add(each, "ana" as Name);
  hub.deliverPresence([
    { window: window("bob" as Name), audience: [one, two, bytes] },
    { window: window(), audience: [other] },
  ]);
  expect(frames.get("one")![0]).toBe(frames.get("two")![0]);
  const text = (who: string): unknown[] =>
    frames.get(who)!.map((frame) => frame && String(frame.subarray(2)));
  expect(text("one")).toEqual(['{"type":"presence","count":2,"full":true,"gone":["bob"]}']);
  expect(text("other")).toEqual(['{"type":"presence","count":2,"full":false}']);
  expect(text("bytes")).toEqual([undefined]);
});
