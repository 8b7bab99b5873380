/** The hub: whom a notice is for. */
import { expect, test } from "vitest";
import { GENERAL } from "#tertulia/chat/conversation.js";
import type { Notice, PresenceWindow } from "#tertulia/chat/events.js";
import type { Name } from "#tertulia/chat/names.js";
import type { Broadcast } from "#tertulia/gateway/broadcast.js";
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

const WINDOWS = { presence: { queue: () => {} }, other: { queue: () => {} } };

test("a session that has released its name hears what is for everybody, not what is for the name", () => {
  const hub = new Hub(observe("silent", "hub").counters, WINDOWS);
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

test("a session that compares messages with its history shares what is for everybody, and hears the next message by itself", () => {
  const hub = new Hub(observe("silent", "hub").counters, WINDOWS);
  const heard: string[] = [];
  let told = new Map([["~", { seq: 3, epoch: 1 }]]);
  let broadcast: Broadcast | undefined;
  const listener = { flush: () => {} };
  const session = {
    dialect: json,
    holder: { name: "ana" },
    get state() {
      return { delivery: { kind: "flowing", told } };
    },
    hear: (notice: Notice) => heard.push(notice.type) > 0,
    share(shared: Broadcast) {
      broadcast = shared;
      broadcast.add(listener);
      return true;
    },
    unshare() {
      if (broadcast === undefined) return;
      broadcast.delete(listener);
      broadcast = undefined;
      hub.unshared(session);
    },
  } as unknown as Session;
  hub.add(session, "ana" as Name);
  const typing: Notice = { type: "typing", author: "bob" as Name, conversation: GENERAL };
  const message = (seq: number): Notice => {
    const text = new Uint8Array();
    const { author, conversation, time } = {
      author: "bob" as Name,
      conversation: GENERAL,
      time: 1,
    };
    return {
      type: "message",
      at,
      message: { seq, epoch: 1, mid: "m", author, conversation, time, text },
    };
  };
  hub.deliver(typing);
  expect(heard).toEqual(["typing"]); // it shares from here on
  hub.deliver(typing);
  expect(heard).toHaveLength(1);
  hub.deliver(message(3)); // the session has it: the next one is compared as well
  hub.deliver(typing);
  told = new Map();
  hub.deliver(message(4));
  expect(heard).toEqual(["typing", "message", "message"]);
  hub.deliver(message(5));
  hub.deliver(typing);
  expect(heard).toHaveLength(3);
  expect(broadcast?.end).toBe(4); // typing, typing, the message with number 5, typing
});

test("a window of presence is encoded once for its audience, and told to nobody else", () => {
  const hub = new Hub(observe("silent", "hub").counters, WINDOWS);
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
