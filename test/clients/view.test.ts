/** The view model as dialogues: what is told and done, and what the screen shows then. */
import { expect, test } from "vitest";
import type { Conversation, Message, State } from "#tertulia/clients/sdk/events.js";
import { TertuliaError } from "#tertulia/clients/sdk/error.js";
import { begin, type View, type Action, type Effect } from "#tertulia/clients/view/model.js";
import {
  conversationList,
  peopleList,
  searchHit,
  secondsToRetry,
  typingIn,
  unreadTotal,
} from "#tertulia/clients/view/lists.js";
import {
  heldCount,
  ownStatus,
  restoreDoNotDisturb,
} from "#tertulia/clients/view/do-not-disturb.js";
import { timelineRows } from "#tertulia/clients/view/timeline.js";
import { update } from "#tertulia/clients/view/update.js";

const NOON = Date.UTC(2026, 4, 5, 12);

/** A screen of ana's on which things happen one after the other. */
class Screen {
  view: View = begin("ana");
  effects: Effect[] = [];
  nowMs = NOON;

  do(...events: Action[]): this {
    for (const event of events) {
      const { view, effects } = update(this.view, event, this.nowMs);
      this.view = view;
      this.effects.push(...effects);
    }
    return this;
  }

  later(ms: number, ...events: Action[]): this {
    this.nowMs += ms;
    return this.do(...events);
  }

  /** The effects of this type since the last call. */
  asks(type: Effect["type"]): Effect[] {
    const found = this.effects.filter(({ type: each }) => each === type);
    this.effects = this.effects.filter(({ type: each }) => each !== type);
    return found;
  }

  /** The lines of the open conversation, in short. */
  get lines(): string[] {
    return timelineRows(this.view).flatMap((row) => {
      switch (row.type) {
        case "message":
          return [row.message.text];
        case "outgoing":
          return [`${row.outgoing.text} (${row.outgoing.problem ?? row.outgoing.state})`];
        case "gap":
          return [`${row.isGone ? "gone" : "missing"} ${row.after}..${row.before}`];
        case "new":
          return ["new:"];
        case "day":
          return [];
        default:
          return row satisfies never;
      }
    });
  }
}

const OPEN: Action = { type: "state", state: { name: "open" } };
const TICK: Action = { type: "tick" };
const LOOK: Action = { type: "look", isLooking: true, isHere: true };

function welcome(
  ...conversations: [conv: string, head: number, read?: number][]
): Extract<Action, { type: "welcome" }> {
  return {
    type: "welcome",
    maxChars: 10,
    conversations: conversations.map((each) => inWelcome(...each)),
  };
}

function inWelcome(conv: string, head: number, read = head): Conversation {
  const [unread, after] = [head - read, head];
  return { conv, head, read, epoch: "a", floor: 1, unread, after, recovered: true };
}

function message(seq: number, from = "bea", more: Partial<Message> = {}): Message {
  const conv = "~";
  return { conv, epoch: "a", seq, mid: `m${seq}`, from, ts: NOON, text: `${from} ${seq}`, ...more };
}

function hear(seq: number, from = "bea", more: Partial<Message> = {}): Action {
  return { type: "message", message: message(seq, from, more) };
}

function page(ask: number, from: number, to: number, more: { conv?: string } = {}): Action {
  const { conv = "~" } = more;
  const seqs = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);
  const messages = seqs.map((seq) => message(seq, "bea", { conv }));
  return {
    type: "page",
    ask,
    page: { conv, epoch: "a", messages, head: to, floor: 1, more: from > 1 },
  };
}

/** Connected, with the newest page of the general chat. */
function joined(head = 2): Screen {
  const screen = new Screen().do(OPEN, welcome(["~", head]));
  screen.do(page(1, 1, head));
  screen.effects = [];
  return screen;
}

test("messages that came while nobody looked are marked as new", () => {
  const screen = joined().do(LOOK, { type: "look", isLooking: false, isHere: false }, hear(3));
  expect(screen.lines).toEqual(["bea 1", "bea 2", "bea 3"]);
  expect(screen.do(LOOK).lines).toEqual(["bea 1", "bea 2", "new:", "bea 3"]);
});

test("conversations keep their order after a reload, and the newest are fetched", () => {
  const listed = Array.from({ length: 25 }, (_, index) => {
    const ts = NOON + ((index * 7) % 25);
    return { ...inWelcome(`@p${index}`, 3), ts };
  });
  const newest = listed.toSorted((one, two) => two.ts - one.ts).map(({ conv }) => conv);
  const screen = new Screen().do(OPEN, { ...welcome(["~", 0]), conversations: listed });
  const order = (): string[] => conversationList(screen.view).map(({ conv }) => conv);
  expect(order()).toEqual(["~", ...newest]);
  const fetched = screen.asks("history").map((effect) => "conv" in effect && effect.conv);
  expect(fetched).toEqual([...newest.slice(0, 20), "~"]);
  const last = newest[24]!;
  screen.do({ type: "open", conv: last });
  expect(order()).toEqual(["~", ...newest]); // what is looked at stays where it is
  screen.do(hear(4, "p", { conv: last, ts: NOON + 99 }));
  expect(order().slice(0, 3)).toEqual(["~", last, newest[0]]);
  screen.later(200, { type: "open", conv: "@new" }, { type: "send", text: "hi", mid: "x" });
  expect(order().slice(0, 3)).toEqual(["~", "@new", last]);
});

test("joining requests the newest page and the watch list", () => {
  const screen = new Screen().do(OPEN, welcome(["~", 3], ["@bea", 2], ["@new", 0]));
  expect(screen.asks("history")).toEqual([
    { type: "history", ask: 1, conv: "@bea" },
    { type: "history", ask: 2, conv: "~" },
  ]);
  expect(screen.asks("watch")).toEqual([{ type: "watch", names: ["ana", "bea", "new"] }]);
  screen.do(page(2, 1, 3));
  expect(screen.lines).toEqual(["bea 1", "bea 2", "bea 3"]);
});

test.each<[string, Action[], string[]]>([
  ["in order", [hear(3), hear(4)], ["bea 1", "bea 2", "bea 3", "bea 4"]],
  ["told twice, shown once", [hear(3), hear(3)], ["bea 1", "bea 2", "bea 3"]],
  ["a hole is shown", [hear(5)], ["bea 1", "bea 2", "missing 2..5", "bea 5"]],
  [
    "what is gone is told so",
    [{ type: "gap", gap: { conv: "~", after: 2, before: 5, reason: "trimmed" } }, hear(5)],
    ["missing 0..1", "bea 1", "bea 2", "gone 2..5", "bea 5"].slice(1),
  ],
  [
    "what was rolled back is forgotten",
    [
      { type: "gap", gap: { conv: "~", after: 1, before: 2, reason: "rolled_back" } },
      hear(2, "eva", { epoch: "b" }),
    ],
    ["eva 2"],
  ],
  [
    "of two epochs the newer one counts",
    [hear(2, "eva", { epoch: "b" }), hear(2)],
    ["bea 1", "eva 2"],
  ],
])("messages: %s", (_, events, lines) => {
  expect(joined().do(...events).lines).toEqual(lines);
});

test("a conversation that began and was read on another device meanwhile is requested", () => {
  const screen = joined().do({ type: "open", conv: "@bea" }, page(2, 1, 0, { conv: "@bea" }));
  screen.effects = [];
  screen.do({ type: "gap", gap: { conv: "@bea", after: 0, before: 3, reason: "limit" } });
  expect(screen.asks("history")).toEqual([{ type: "history", ask: 3, conv: "@bea" }]);
  screen.do(page(3, 1, 2, { conv: "@bea" }), hear(3, "bea", { conv: "@bea" }));
  expect(screen.lines).toEqual([1, 2, 3].map(line));
});

test("what is loaded before a gap is asked for again: it may have been removed meanwhile", () => {
  const screen = joined().do({ type: "open", conv: "@bea" }, page(2, 1, 3, { conv: "@bea" }));
  screen.effects = [];
  screen.do(
    { type: "gap", gap: { conv: "@bea", after: 3, before: 105, reason: "limit" } },
    hear(105, "bea", { conv: "@bea" }),
  );
  expect(screen.asks("history")).toEqual([{ type: "history", ask: 3, conv: "@bea", before: 4 }]);
  const [one, two, three] = [1, 2, 3].map((seq) => message(seq, "bea", { conv: "@bea" }));
  const removed = { ...two!, text: "", removed: true };
  const messages = [one!, removed, three!];
  const more = { conv: "@bea", epoch: "a", head: 105, floor: 1, more: false };
  screen.do({ type: "page", ask: 3, page: { ...more, messages } });
  expect(timelineRows(screen.view)).toContainEqual(expect.objectContaining({ message: removed }));
});

test("what is loaded before a gap in a conversation that is not open is dropped", () => {
  const screen = joined()
    .do({ type: "open", conv: "@bea" }, page(2, 1, 3, { conv: "@bea" }))
    .do({ type: "open", conv: "~" })
    .do({ type: "gap", gap: { conv: "@bea", after: 3, before: 105, reason: "limit" } })
    .do(hear(105, "bea", { conv: "@bea" }));
  expect(screen.view.conversations.get("@bea")!.messages.map(({ seq }) => seq)).toEqual([105]);
});

test("who removes a message has not read what came before", () => {
  const screen = joined().do(
    { type: "open", conv: "@eva" },
    hear(3),
    hear(4),
    hear(5, "ana", { mid: "removes-1", text: "", removes: 1 }),
  );
  expect(unreadTotal(screen.view)).toBe(2);
  // once all was read, a removal is not unread
  screen.do({ type: "open", conv: "~" }, { type: "look", isLooking: true, isHere: true });
  screen.later(5_000, TICK, { type: "look", isLooking: false, isHere: true });
  screen.do(hear(6, "ana", { mid: "removes-2", text: "", removes: 2 }));
  expect(screen.view.conversations.get("~")).toMatchObject({ read: 6, reportedRead: 6 });
});

test("writing, on any device, moves the read mark", () => {
  const screen = joined().do({ type: "open", conv: "@eva" }, hear(3), hear(4));
  expect(unreadTotal(screen.view)).toBe(2);
  screen.do(hear(5, "ana", { mid: "of the phone" }));
  expect(unreadTotal(screen.view)).toBe(0);
  screen.later(5_000, TICK, hear(6));
  expect(unreadTotal(screen.view)).toBe(1);
  expect(screen.asks("read")).toEqual([]); // the chat knows
});

test("a rolled back conversation starts again on the screen, with the chat's read marks", () => {
  const screen = new Screen().do(OPEN, welcome(["~", 9], ["@bea", 4]));
  screen.do(page(1, 1, 4, { conv: "@bea" }), page(2, 5, 9), LOOK, TICK);
  screen.do({ type: "send", text: "on its way", mid: "x1" }, published(11));
  expect(screen.lines.at(-1)).toBe("on its way (sent)");
  screen.effects = [];
  const lost = { ...inWelcome("~", 2, 0), recovered: false };
  screen.do({ type: "welcome", maxChars: 10, conversations: [lost, { ...lost, conv: "@bea" }] });
  expect(screen.asks("read"), "old numbers would mark new messages").toEqual([]);
  const gap = { after: 9, before: 3, reason: "rolled_back" } as const;
  screen.do({ type: "look", isLooking: false, isHere: false });
  screen.do({ type: "gap", gap: { conv: "~", ...gap } });
  screen.do({ type: "gap", gap: { conv: "@bea", ...gap } });
  expect(screen.asks("history")).toEqual([
    { type: "history", ask: 3, conv: "~" },
    { type: "history", ask: 4, conv: "@bea" },
  ]);
  expect(screen.lines).toEqual(["on its way (unconfirmed)"]);
  screen.do(page(3, 1, 2), page(4, 1, 2, { conv: "@bea" }), hear(3));
  expect(screen.lines).toEqual(["bea 1", "bea 2", "bea 3", "on its way (unconfirmed)"]);
  expect(unreadTotal(screen.view)).toBe(5);
  screen.do(LOOK);
  expect(screen.asks("read")).toEqual([{ type: "read", conv: "~", seq: 3 }]);
});

test("messages after a rollback are held back while busy", () => {
  const screen = joined().do(BUSY);
  screen.do({ type: "gap", gap: { conv: "~", after: 0, before: 1, reason: "rolled_back" } });
  screen.do(hear(1, "eva", { epoch: "b" }));
  expect(screen.lines).toEqual([]);
  expect(heldCount(screen.view)).toBe(1);
});

test("pages are merged without duplicates, one is requested at a time, and none after the end", () => {
  const screen = new Screen().do(OPEN, welcome(["~", 9]), page(1, 7, 9));
  screen.effects = [];
  const older: Action = { type: "older", conv: "~" };
  screen.do(older, older);
  expect(screen.asks("history")).toEqual([{ type: "history", ask: 2, conv: "~", before: 7 }]);
  screen.do(page(2, 4, 8));
  expect(screen.lines).toEqual(["missing 0..4", 4, 5, 6, 7, 8, 9].map(line));
  screen.do(older, page(3, 2, 1)); // nothing is left before 4, whatever the floor was
  expect(screen.lines).toEqual([4, 5, 6, 7, 8, 9].map(line));
  screen.effects = [];
  expect(screen.do(older).effects).toEqual([]);
});

/** Told of all messages after the first two. */
const many = (upTo: number): Action[] =>
  Array.from({ length: upTo - 2 }, (_, index) => hear(index + 3));

test.each<[string, Action[], string[], number]>([
  ["one who looks has the newest, and can have the others", [LOOK], ["missing 0..1601"], 2_600],
  [
    "nor are they kept where nobody is",
    [{ type: "open", conv: "@eva" }],
    ["missing 0..1601"],
    2_600,
  ],
  ["one who reads further up goes on there", [], ["bea 1", "bea 2", "missing 2..1603"], 2_602],
  ["a hundred more are only added", [LOOK], ["missing 0..1601"], 2_700],
])("of thousands of messages, some stay: %s", (_, first, lines, upTo) => {
  const screen = joined().do(...first, ...many(upTo), { type: "open", conv: "~" });
  const from = Number(lines.at(-1)!.split("..")[1]);
  const rest = Array.from({ length: upTo - from + 1 }, (__, index) => `bea ${from + index}`);
  expect(screen.lines.filter((each) => each !== "new:")).toEqual([...lines, ...rest]);
});

test("while busy, visible messages stay however many are held back, and nothing is requested", () => {
  const screen = joined().do(LOOK, { type: "choose status", status: "busy" }, ...many(3_000));
  expect(screen.lines).toEqual(["bea 1", "bea 2"]);
  expect(heldCount(screen.view)).toBe(2_998);
  const early = new Screen().do(OPEN, welcome(["~", 0]), page(1, 1, 0), LOOK);
  early.do({ type: "choose status", status: "busy" }, hear(1), hear(2), ...many(3_000));
  expect(early.lines).toEqual([]);
  early.do({ type: "choose status", status: "active" });
  expect(early.lines.slice(0, 2)).toEqual(["missing 0..2001", "new:"]);
});

test("an outdated page is dropped; a failed one can be requested again", () => {
  const screen = joined().do(hear(9), { type: "older", conv: "~", before: 9 });
  const failed: Action = { type: "page failed", ask: 2, conv: "~", problem: "unavailable" };
  screen.do(failed, page(2, 3, 8));
  expect(screen.lines).toEqual(["bea 1", "bea 2", "missing 2..9", "bea 9"]);
  expect(screen.view.problem).toBe("unavailable");
  screen.do({ type: "older", conv: "~", before: 9 }, page(3, 3, 8), { type: "dismiss" });
  expect(screen.lines).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map(line));
  expect(screen.view.problem).toBeUndefined();
});

const SEND: Action = { type: "send", text: "hi", mid: "x1" };
const published = (seq: number): Action => ({
  type: "published",
  published: { conv: "~", epoch: "a", seq, mid: "x1", ts: NOON },
});
const own = (seq: number): Action => hear(seq, "ana", { mid: "x1", text: "hi" });
const refused: Action = {
  type: "publish failed",
  conv: "~",
  mid: "x1",
  problem: "not_found",
};

test.each<[string, Action[], string[]]>([
  ["at first", [SEND], ["hi (pending)"]],
  ["its message comes, then the answer", [SEND, own(3), published(3)], ["hi"]],
  ["the answer comes, then its message", [SEND, published(3), own(3)], ["hi"]],
  ["the answer, others' before it still to come", [SEND, published(4)], ["hi (sent)"]],
  ["… until they are there", [SEND, published(4), hear(3), own(4)], ["bea 3", "hi"]],
  ["refused", [SEND, refused], ["hi (not_found)"]],
  ["tried again", [SEND, refused, { type: "retry", conv: "~", mid: "x1" }], ["hi (pending)"]],
  ["given up", [SEND, refused, { type: "discard", conv: "~", mid: "x1" }], []],
  [
    "somebody else's message with its id",
    [SEND, hear(3, "eve", { mid: "x1" })],
    ["eve 3", "hi (pending)"],
  ],
  ["found in history after all", [SEND, refused, own(3)], ["hi"]],
  ["nothing but blanks", [{ ...SEND, text: " \n " }], []],
  ["too long", [{ ...SEND, text: "12345678901" }], []],
])("sending: %s", (_, events, lines) => {
  expect(joined().do(...events).lines).toEqual(["bea 1", "bea 2", ...lines]);
});

test("a retry publishes the message under the same id", () => {
  const screen = joined().do(SEND, refused, { type: "retry", conv: "~", mid: "x1" });
  const publish = { type: "publish", conv: "~", text: "hi", mid: "x1" };
  expect(screen.asks("publish")).toEqual([publish, publish]);
});

test("trailing empty lines of a paste are not sent", () => {
  const screen = new Screen().do(OPEN, welcome(["~", 0]), page(1, 1, 0));
  screen.do({ type: "send", text: "  one\n\ntwo \n\n", mid: "x1" });
  screen.do({ type: "send", text: " \n\n", mid: "x2" });
  expect(screen.asks("publish")).toEqual([
    { type: "publish", conv: "~", text: "  one\n\ntwo", mid: "x1" },
  ]);
});

test("messages of an earlier page are sent in order; failed ones wait for the user", () => {
  const screen = new Screen().do(
    { type: "state", state: { name: "connecting" } },
    {
      type: "unsent",
      messages: [
        { conv: "~", mid: "x2", text: "two", ts: NOON - 20 },
        { conv: "@bea", mid: "x3", text: "hi bea", ts: NOON - 10, problem: "not_found" },
        { conv: "~", mid: "x1", text: "one", ts: NOON - 30 },
      ],
    },
  );
  expect(screen.asks("publish")).toEqual([
    { type: "publish", conv: "~", text: "one", mid: "x1", firstSentMs: NOON - 30 },
    { type: "publish", conv: "~", text: "two", mid: "x2", firstSentMs: NOON - 20 },
  ]);
  screen.do(OPEN, welcome(["~", 2]), page(1, 1, 2));
  expect(screen.lines).toEqual(["bea 1", "bea 2", "one (pending)", "two (pending)"]);
  // it was stored before the page was loaded again: history has it
  screen.do(hear(3, "ana", { mid: "x1", text: "one" }));
  expect(screen.lines.slice(2)).toEqual(["one", "two (pending)"]);
  screen.do({ type: "publish failed", conv: "~", mid: "x2", problem: "unconfirmed" });
  expect(screen.lines.slice(2)).toEqual(["one", "two (unconfirmed)"]);
  screen.do({ type: "retry", conv: "~", mid: "x2" });
  expect(screen.asks("publish")).toEqual([{ type: "publish", conv: "~", text: "two", mid: "x2" }]);
  screen.do({ type: "open", conv: "@bea" });
  expect(screen.lines).toEqual(["hi bea (not_found)"]);
});

test("messages sent in the same moment have different times, in order", () => {
  const send = (mid: string): Action => ({ type: "send", text: mid, mid });
  const { outgoing } = joined().do(send("x1"), send("x2"), send("x3")).view.conversations.get("~")!;
  expect(outgoing.map(({ ts }) => ts - NOON)).toEqual([0, 1, 2]);
});

test("drafts stay with their conversation until they are sent", () => {
  const screen = joined().do(
    { type: "draft", conv: "~", text: "to all" },
    { type: "open", conv: "@bea" },
    { type: "draft", conv: "@bea", text: "to bea" },
    { type: "send", text: "to bea", mid: "x2" },
  );
  expect(conversationList(screen.view).map(({ conv, draft }) => [conv, draft])).toEqual([
    ["~", "to all"],
    ["@bea", ""],
  ]);
  expect(screen.asks("typing").length).toBe(2);
});

test("messages of others count as unread until the conversation is looked at", () => {
  const screen = joined().do(
    hear(3, "ana"),
    hear(4),
    hear(1, "eva", { conv: "@eva" }),
    hear(2, "eva", { conv: "@eva" }),
  );
  const unread = (): unknown =>
    conversationList(screen.view).map((each) => [each.conv, each.unread]);
  expect(unread()).toEqual([
    ["~", 1],
    ["@eva", 2],
  ]);
  expect(unreadTotal(screen.view)).toBe(3);
  expect(screen.asks("notify").length).toBe(3);
  screen.do(LOOK, { type: "open", conv: "@eva" });
  expect(unreadTotal(screen.view)).toBe(0);
  expect(screen.lines).toEqual(["new:", "eva 1", "eva 2"]);
  expect(screen.asks("read")).toEqual([
    { type: "read", conv: "~", seq: 4 },
    { type: "read", conv: "@eva", seq: 2 },
  ]);
  screen.do(hear(3, "eva", { conv: "@eva" }));
  expect(screen.asks("notify")).toEqual([]);
  expect(screen.asks("read"), "told at most once a second").toEqual([]);
  screen.later(1_000, TICK);
  expect(screen.asks("read")).toEqual([{ type: "read", conv: "@eva", seq: 3 }]);
});

test("leaving reports read marks first", () => {
  const screen = joined().do(LOOK, hear(3), hear(4));
  screen.effects = [];
  screen.do({ type: "leave" });
  expect(screen.effects).toEqual([{ type: "read", conv: "~", seq: 4 }, { type: "close" }]);
});

test("a read mark of another device counts here", () => {
  const screen = joined().do(hear(3), { type: "read", mark: { conv: "~", read: 3, unread: 0 } });
  expect(unreadTotal(screen.view)).toBe(0);
});

test("an inactive user reads nothing, and is active again when back", () => {
  const screen = joined()
    .do(LOOK)
    .later(3_000, people(["ana", "inactive"]), hear(3));
  expect(ownStatus(screen.view)).toBe("inactive");
  expect(unreadTotal(screen.view)).toBe(1);
  screen.effects = [];
  screen.do(LOOK);
  expect(screen.asks("status")).toEqual([{ type: "status", status: "active" }]);
  screen.do(people(["ana", "active"]));
  expect(unreadTotal(screen.view)).toBe(0);
});

test("an idle user is active again by an input, not by a change of the screen", () => {
  const screen = joined().later(3_000, people(["ana", "inactive"]));
  screen.do({ type: "look", isLooking: true, isHere: false });
  expect(screen.asks("status"), "a layout that has changed").toEqual([]);
  screen.do({ type: "look", isLooking: false, isHere: true });
  expect(screen.asks("status"), "who leafs back").toEqual([{ type: "status", status: "active" }]);
});

const SET: Action = { type: "status set" };
const AWAY: Action = { type: "state", state: { name: "connecting" } };
const BUSY: Action = { type: "choose status", status: "busy" };
const ACTIVE: Action = { type: "choose status", status: "active" };

test("while busy, messages of others are held back and counted; then they are shown as new", () => {
  const screen = joined().do(BUSY, hear(3), SEND, own(4), hear(1, "eva", { conv: "@eva" }));
  expect(screen.asks("status")).toEqual([{ type: "status", status: "busy" }]);
  expect(screen.lines).toEqual(["bea 1", "bea 2", "hi"]);
  expect([heldCount(screen.view), unreadTotal(screen.view)]).toEqual([2, 0]);
  expect(screen.asks("notify")).toEqual([]);
  screen.do(ACTIVE);
  expect(screen.lines).toEqual(["bea 1", "bea 2", "new:", "bea 3", "hi"]);
  // who wrote in a conversation has read it, however busy
  expect([heldCount(screen.view), unreadTotal(screen.view)]).toEqual([0, 1]);
});

test.each<[string, (screen: Screen) => unknown, string, number]>([
  [
    "a report older than the choice changes nothing",
    (s) => s.do(BUSY, SET, people(["ana", "active"])),
    "busy",
    1,
  ],
  [
    "nor does one while the chat has not taken the choice, however long that takes",
    (s) => s.do(BUSY).later(30_000, people(["ana", "active"]), TICK),
    "busy",
    1,
  ],
  [
    "a report that came too early to be believed is believed later",
    (s) => s.do(BUSY, SET, people(["ana", "active"])).later(5_000, TICK),
    "active",
    0,
  ],
  [
    "… also when another device begins it",
    (s) => s.do(BUSY, SET, ACTIVE, SET, people(["ana", "busy"])).later(5_000, TICK),
    "busy",
    1,
  ],
  [
    "what is shown is what is done, until then as well",
    (s) => s.do(BUSY, SET, ACTIVE, SET, people(["ana", "busy"])),
    "active",
    0,
  ],
  [
    "nothing ends it while the chat is away",
    (s) => s.do(BUSY, SET, AWAY).later(60_000, TICK),
    "busy",
    1,
  ],
  [
    "another device ends it",
    (s) => s.do(BUSY, SET).later(5_000, people(["ana", "active"])),
    "active",
    0,
  ],
  ["another device begins it", (s) => s.later(5_000, people(["ana", "busy"])), "busy", 1],
  [
    "a new connection does not know it yet",
    (s) => s.do(BUSY, SET).later(9_000, welcome(["~", 2]), people(["ana", "active"])),
    "busy",
    1,
  ],
  [
    "it was refused",
    (s) => s.do(BUSY, { type: "status failed", problem: "unavailable" }),
    "active",
    0,
  ],
])("busy: %s", (_, happens, status, held) => {
  const screen = joined();
  happens(screen);
  screen.do(hear(3));
  expect([ownStatus(screen.view), heldCount(screen.view)]).toEqual([status, held]);
});

test("the people list has active, busy, then inactive users, each by name, without this user", () => {
  const screen = joined().do(
    people(["ana", "active"], ["Zoe", "busy"], ["josé", "inactive"], ["bea", "active"]),
    people(["Abe", "inactive"], ["Cleo", "active"], ["al", "busy"]),
  );
  const names = (): string[] => peopleList(screen.view).map(({ name }) => name);
  expect(names()).toEqual(["bea", "Cleo", "al", "Zoe", "Abe", "josé"]);
  screen.do({ type: "search", text: "JOSE" });
  expect(peopleList(screen.view), "accents do not matter").toEqual([
    { name: "josé", status: "inactive" },
  ]);
  screen.do({
    type: "presence",
    change: { count: 3, full: true, set: [], gone: ["josé"] },
  });
  expect(peopleList(screen.view)).toEqual([]);
});

test.each<[string, string, string | undefined, string[], string[]]>([
  ["nothing", " ", undefined, ["~", "@banana", "@Bo"], ["Álan", "an", "an a", "joan", "Ban"]],
  [
    "the name itself before all others",
    "an",
    "@an",
    ["@banana"],
    ["an", "an a", "Álan", "joan", "Ban"],
  ],
  ["with an @", "@an", "@an", ["@banana"], ["an", "an a", "Álan", "joan", "Ban"]],
  ["whatever its case and accents", "alan", "@Álan", [], ["Álan"]],
  ["its beginning before some part of it", "ban", "@Ban", ["@banana"], ["Ban"]],
  ["a conversation before a person", "b", "@banana", ["@banana", "@Bo", "~"], ["Ban"]],
  ["who is here before who is not, if they fit as well", "joa", "@joan", [], ["joan"]],
  ["some part of it", "nan", "@banana", ["@banana"], []],
  ["everybody, if it fits", "every", "~", ["~"], []],
  ["everybody by a part behind a better one", "bo", "@Bo", ["@Bo", "~"], []],
  ["oneself", "ana", "@ana", ["@banana"], []],
  ["nobody there is", "zoe ", "@zoe", [], []],
  ["in another spelling of the same letters", "\u00c1lan".normalize("NFD"), "@Álan", [], ["Álan"]],
])("search: %s", (_, text, hit, conversations, names) => {
  const screen = joined().do(
    people(["ana", "active"], ["Ban", "busy"], ["an", "active"], ["an a", "active"]),
    people(["joan", "active"], ["Álan", "active"]),
    hear(1, "banana", { conv: "@banana", ts: NOON + 2 }),
    hear(1, "Bo", { conv: "@Bo", ts: NOON + 1 }),
    { type: "search", text },
  );
  const everybody = "Everybody (bo)";
  expect(searchHit(screen.view, everybody)).toBe(hit);
  expect(conversationList(screen.view, everybody).map(({ conv }) => conv)).toEqual(conversations);
  expect(peopleList(screen.view).map(({ name }) => name)).toEqual(names);
});

test("busy survives a reload and a rollback, with what was held back", () => {
  const again = (marks: unknown, head: number): Screen => {
    const screen = new Screen();
    screen.view = restoreDoNotDisturb(screen.view, marks);
    return screen.do(OPEN, welcome(["~", head]), page(1, 1, head));
  };
  const held = again([["~", 2]], 4).do(people(["ana", "active"]), hear(5));
  expect([ownStatus(held.view), held.lines, heldCount(held.view)]).toEqual([
    "busy",
    ["bea 1", "bea 2"],
    3,
  ]);
  const lost = again([["~", 500]], 0).do(hear(1));
  expect([lost.lines, heldCount(lost.view)]).toEqual([[], 1]);
  for (const marks of [undefined, null, "~", 7]) {
    expect(ownStatus(again(marks, 1).view), String(marks)).toBe("active");
  }
  const odd = again([["~", 1], ["~"], [1, 2], null], 2);
  expect([odd.lines, heldCount(odd.view)]).toEqual([["bea 1"], 1]);
});

test("messages seen while the chat is away are read, and reported when it is back", () => {
  const screen = joined().do(hear(1, "eva", { conv: "@eva" }));
  screen.do({ type: "state", state: waiting(NOON) }, LOOK);
  screen.do({ type: "open", conv: "@eva" });
  expect(unreadTotal(screen.view)).toBe(0);
  expect(screen.asks("read")).toEqual([]);
  screen.later(1_000, OPEN, welcome(["~", 2], ["@eva", 1, 0]));
  expect(screen.asks("read")).toEqual([{ type: "read", conv: "@eva", seq: 1 }]);
});

test("with too many users for all, those with a conversation are watched", () => {
  const screen = joined().do({
    type: "presence",
    change: { count: 5_000, full: false, set: [], gone: [] },
  });
  screen.effects = [];
  screen.do({ type: "open", conv: "@eva" }, TICK);
  expect(screen.asks("watch")).toEqual([{ type: "watch", names: ["ana", "eva"] }]);
});

test("typing is shown for five seconds, or until the message comes", () => {
  const screen = joined();
  const typing = (from: string): Action => ({ type: "typing", typing: { conv: "~", from } });
  const who = (): unknown => typingIn(screen.view, "~");
  screen.do(typing("bea"), typing("eva"), typing("ana"));
  expect(who()).toEqual(["bea", "eva"]);
  screen.do(hear(3, "bea"));
  expect(who()).toEqual(["eva"]);
  screen.later(5_000, TICK);
  expect(who()).toEqual([]);
  const { view } = screen;
  expect(screen.do(TICK).view, "nothing changed, so it is the same").toBe(view);
});

test.each<[string, State[], object]>([
  ["at the beginning", [{ name: "connecting" }], { name: "connecting", wasOpen: false }],
  ["lost", [{ name: "open" }, waiting(NOON + 2_500)], { name: "waiting", wasOpen: true }],
  [
    "trying",
    [{ name: "open" }, waiting(0), { name: "connecting" }],
    { name: "connecting", wasOpen: true },
  ],
  ["left", [{ name: "open" }, { name: "closed", code: 1000, reason: "bye" }], { name: "away" }],
  ["refused", [closed(1000, "name_taken")], { name: "closed", problem: "name_taken" }],
  ["replaced", [closed(4409, "closed")], { name: "closed", problem: "replaced" }],
])("connection: %s", (_, states, connection) => {
  const screen = new Screen();
  for (const state of states) screen.do({ type: "state", state });
  expect(screen.view.connection).toMatchObject(connection);
  const seconds = secondsToRetry(screen.view, NOON);
  expect(seconds).toBe(screen.view.connection.name === "waiting" ? 3 : undefined);
});

test("a card requests a user's status, and drops the answer to an older request", () => {
  const screen = joined().do(
    { type: "show card", user: "bea" },
    { type: "show card", user: "eva" },
  );
  expect(screen.asks("user").length).toBe(2);
  screen.do({ type: "user", user: "bea", status: "busy" });
  expect(screen.view.card).toEqual({ user: "eva", status: "asking" });
  screen.do({ type: "user", user: "eva", status: "unknown" });
  expect(screen.view.card).toEqual({ user: "eva", status: "unknown" });
});

function people(...set: [string, "active" | "busy" | "inactive"][]): Action {
  return { type: "presence", change: { count: set.length, full: true, set, gone: [] } };
}

function waiting(retryAtMs: number): State {
  return { name: "waiting", retryAtMs, error: new TertuliaError("lost", "") };
}

function closed(code: number, error: "name_taken" | "closed"): State {
  return { name: "closed", code, reason: "", error: new TertuliaError(error, "") };
}

function line(each: number | string): string {
  return typeof each === "number" ? `bea ${each}` : each;
}
