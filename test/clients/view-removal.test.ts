/** The view when messages are removed: nobody reads them any more, whichever came first. */
import { describe, expect, test } from "vitest";
import { TertuliaError } from "#tertulia/clients/sdk/error.js";
import type { Message } from "#tertulia/clients/sdk/events.js";
import { conversationList, unreadTotal } from "#tertulia/clients/view/lists.js";
import { begin, type Action, type Effect, type View } from "#tertulia/clients/view/model.js";
import { mayRemove } from "#tertulia/clients/view/rights.js";
import { timelineRows } from "#tertulia/clients/view/timeline.js";
import { problemOf, update } from "#tertulia/clients/view/update.js";

const message = (seq: number, more: Partial<Message> = {}): Message => ({
  conv: "~",
  epoch: "1",
  seq,
  mid: `m${seq}`,
  from: "bea",
  ts: 1_000 + seq,
  text: `text ${seq}`,
  ...more,
});
const removal = (seq: number, removes: number, more: Partial<Message> = {}): Message =>
  message(seq, { text: "", removes, ...more });
const hear = (one: Message): Action => ({ type: "message", message: one });
const page = (ask: number, ...messages: Message[]): Action => ({
  type: "page",
  ask,
  page: { conv: "~", epoch: "1", messages, head: messages.at(-1)!.seq, floor: 1, more: false },
});

function after(...actions: Action[]): { view: View; effects: Effect[] } {
  let view = begin("ana");
  const effects: Effect[] = [];
  const opened: Action[] = [
    { type: "state", state: { name: "open" } },
    { type: "welcome", conversations: [], maxChars: 4_096 },
  ];
  for (const action of [...opened, ...actions]) {
    const step = update(view, action, 0);
    view = step.view;
    effects.push(...step.effects);
  }
  return { view, effects };
}

/** What is to be read in the open conversation. */
const shown = (view: View): string[] =>
  timelineRows(view).flatMap((row) => {
    if (row.type === "message") return row.message.removed === true ? "-" : row.message.text;
    return row.type === "gap" ? "gap" : [];
  });

describe("a removed message", () => {
  test("is empty as soon as its removal is heard, and the removal is no message of its own", () => {
    const { view } = after(page(1, message(1), message(2)), hear(removal(3, 1)), hear(message(4)));
    expect(shown(view)).toEqual(["-", "text 2", "text 4"]);
  });

  test("stays empty when a page with its text comes later", () => {
    const { view } = after(hear(removal(3, 1)), page(1, message(1), message(2), removal(3, 1)));
    expect(shown(view)).toEqual(["-", "text 2"]);
    const late = after(hear(message(2)), hear(removal(3, 1)), page(1, message(1), message(2)));
    expect(shown(late.view)).toEqual(["-", "text 2"]);
  });

  test("is empty when a page says so, although its text is here", () => {
    const gone = message(1, { text: "", removed: true });
    const { view } = after(hear(message(1)), page(1, gone, message(2)));
    expect(shown(view)).toEqual(["-", "text 2"]);
  });

  test("is not unread, nor is its removal, and nobody is notified", () => {
    const { view, effects } = after(page(1, message(1)), hear(message(2)), hear(removal(3, 2)));
    expect(unreadTotal(view)).toBe(1);
    expect(effects.filter(({ type }) => type === "notify")).toHaveLength(1);
  });

  test("is what the list shows last, not its removal", () => {
    const { view } = after(page(1, message(1)), hear(removal(2, 1)));
    expect(conversationList(view)[0]!.last).toMatchObject({ seq: 1, text: "", removed: true });
  });
});

test.each([
  ["one's own", undefined, message(1, { from: "ana" }), true],
  ["somebody else's", undefined, message(1), false],
  ["somebody else's, by a user", "user", message(1), false],
  ["somebody else's, by a moderator", "moderator", message(1), true],
  ["somebody else's, by an operator", "operator", message(1), true],
  [
    "a private one of somebody else, by an operator",
    "operator",
    message(1, { conv: "@bea" }),
    false,
  ],
  ["one that is removed", "operator", message(1, { removed: true }), false],
  ["a removal", "operator", removal(2, 1), false],
] as const)("%s: whether its removal is offered", (_, role, one, offered) => {
  expect(mayRemove({ me: "ana", role }, one)).toBe(offered);
});

test.each([
  ["revoked", { problem: "revoked" }],
  ["unregistered", { problem: "unregistered" }],
  ["kicked: too loud", { problem: "sent_away", why: "kicked: too loud" }],
])("who is closed with 4403 (%s) is told so", (reason, problem) => {
  expect(problemOf(4403, reason, new TertuliaError("closed", "closed"))).toEqual(problem);
});
