/** Every rule of the chat, without sockets or Redis: rules × actors × commands. */
import { describe, expect, test } from "vitest";
import { activityOf } from "#tertulia/chat/activity.js";
import type { Command, Refusal } from "#tertulia/chat/commands.js";
import { GENERAL, parseAddress, type Address } from "#tertulia/chat/conversation.js";
import { nameFromBytes, type Name, type Status } from "#tertulia/chat/names.js";
import {
  TYPING_TOLD_UP_TO,
  createPolicy,
  isName,
  isTypingTold,
  recipientOf,
  type Actor,
  type Facts,
} from "#tertulia/chat/policy.js";

const [ana, bob] = ["ana" as Name, "bob" as Name];
const policy = createPolicy({ textMaxChars: 5, privateHistory: "tenure" });

const actors = {
  stranger: { kind: "stranger" },
  session: { kind: "session", name: ana, id: "session-1", isLive: true, tenureMs: 7, formerMs: 3 },
  bot: { kind: "bot", name: ana },
  operator: { kind: "operator" },
} as const satisfies Record<string, Actor>;
type Kind = keyof typeof actors;

const toBob = parseAddress("@bob")!;
const toRoom = parseAddress("#tea")!;
const present: Facts = { recipient: "active", isOwned: false };
const away: Facts = { recipient: "disconnected", isOwned: true };
const unowned: Facts = { recipient: "disconnected", isOwned: false };
const unknown: Facts = { recipient: undefined, isOwned: false };

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const send = (to: Address, text: string, more: object = {}): Command => ({
  type: "send",
  to,
  text: bytes(text),
  ...more,
});
/** As from a client that writes characters. */
const write = (to: Address, written: string, more: object = {}): Command =>
  send(to, written, { written, ...more });

/** What each actor is told; "ok" if nothing speaks against it. */
type Told = Refusal | "ok";
type Row = [what: string, Command, told: Record<Kind, Told>, facts?: Facts];

const everybody = (told: Told): Record<Kind, Told> => ({
  stranger: "not_registered",
  session: told,
  bot: told,
  operator: told,
});
const named = (told: Told): Record<Kind, Told> => ({ ...everybody(told), operator: "forbidden" });
const session = (told: Told): Record<Kind, Told> => ({ ...named(told), bot: "forbidden" });
const range = { direction: "before", seq: 9, limit: 50 } as const;

const table: Row[] = [
  ["a list", { type: "list" }, everybody("ok")],
  ["a look at a user", { type: "lookup", name: bob }, everybody("ok")],

  ["one's own status", { type: "status", status: "busy" }, session("ok")],
  ["one's own status, by name", { type: "status", name: ana, status: "busy" }, session("ok")],
  ["another's status", { type: "status", name: bob, status: "busy" }, session("forbidden")],
  ["a sign-out", { type: "status", status: "disconnected" }, session("ok")],
  [
    "another's sign-out",
    { type: "status", name: bob, status: "disconnected" },
    session("forbidden"),
  ],

  ["bytes to everybody", send(GENERAL, "hi"), named("ok")],
  ["no bytes to everybody", send(GENERAL, ""), named("empty_message")],
  ["bytes that are no text", send(GENERAL, "", { text: new Uint8Array([255]) }), named("ok")],
  ["a blank in bytes", send(GENERAL, " "), named("ok")],
  ["more bytes than characters are allowed", send(GENERAL, "123456"), named("ok")],
  ["255 bytes", send(GENERAL, "x".repeat(255)), named("ok")],
  ["256 bytes", send(GENERAL, "x".repeat(256)), named("too_large")],
  ["characters to everybody", write(GENERAL, "12345"), named("ok")],
  ["as many characters, not units", write(GENERAL, "😀😀😀😀😀"), named("ok")],
  ["too many characters", write(GENERAL, "123456"), named("too_large")],
  ["no characters", write(GENERAL, ""), named("empty_message")],
  ["characters that nobody sees", write(GENERAL, " \u200d"), named("empty_message")],
  ["an id of one's own", write(GENERAL, "hi", { mid: "m-1_A" }), named("ok")],
  ["an id of other characters", write(GENERAL, "hi", { mid: "m:1" }), named("bad_message_id")],
  ["an empty id", write(GENERAL, "hi", { mid: "" }), named("bad_message_id")],
  [
    "an id of 65 characters",
    write(GENERAL, "hi", { mid: "m".repeat(65) }),
    named("bad_message_id"),
  ],

  ["a message to a user", send(toBob, "hi"), named("ok"), present],
  ["a message to nobody", send(toBob, "hi"), named("unknown_user"), unknown],
  ["nothing to nobody", send(toBob, ""), named("unknown_user"), unknown],
  ["nothing to a user", send(toBob, ""), named("empty_message"), present],
  ["nothing to a user who is away", send(toBob, ""), named("empty_message"), away],
  ["a message to a user who is away", send(toBob, "hi"), named("recipient_disconnected"), away],
  ["one that may wait", send(toBob, "hi", { mayWait: true }), named("ok"), away],
  [
    "one that may wait, for nobody",
    send(toBob, "hi", { mayWait: true }),
    named("recipient_disconnected"),
    unowned,
  ],
  [
    "one that may wait for nobody",
    send(toBob, "hi", { mayWait: true }),
    named("unknown_user"),
    unknown,
  ],
  ["too many characters to nobody", write(toBob, "123456"), named("too_large"), unknown],
  ["unread facts: a user may not exist", send(toBob, ""), named("ok")],
  ["unread facts: too many characters", write(toBob, "123456"), named("too_large")],
  ["a message to a room", send(toRoom, "hi"), named("unknown_room")],

  ["the history of the general chat", { type: "history", of: GENERAL }, everybody("ok")],
  ["a private history", { type: "history", of: toBob }, named("ok")],
  ["the history of a room", { type: "history", of: toRoom }, everybody("unknown_room")],
  ["a page of the general chat", { type: "page", of: GENERAL, range }, everybody("ok")],
  ["a private page", { type: "page", of: toBob, range }, named("ok")],
  ["a page of a room", { type: "page", of: toRoom, range }, everybody("unknown_room")],

  ["a mark in the general chat", { type: "read", of: GENERAL, seq: 1 }, named("ok")],
  ["a private mark", { type: "read", of: toBob, seq: 1 }, named("ok")],
  ["a mark in a room", { type: "read", of: toRoom, seq: 1 }, named("unknown_room")],

  ["typing to everybody", { type: "typing", to: GENERAL }, named("ok")],
  ["typing to a user", { type: "typing", to: toBob }, named("ok")],
  [
    "typing to whom there cannot be",
    { type: "typing", to: parseAddress("@#x")! },
    named("unknown_user"),
  ],
  ["typing in a room", { type: "typing", to: toRoom }, named("unknown_room")],

  [
    "a registration",
    { type: "register", name: ana },
    { stranger: "ok", session: "ok", bot: "bad_name", operator: "bad_name" },
  ],
  [
    "a registration by another name",
    { type: "register", name: bob },
    { stranger: "ok", session: "bad_name", bot: "bad_name", operator: "bad_name" },
  ],
];

describe("who may do what", () => {
  for (const [what, command, told, facts] of table) {
    test(what, () => {
      for (const [kind, actor] of Object.entries(actors)) {
        expect([kind, policy.may(actor, command, facts) ?? "ok"]).toEqual([
          kind,
          told[kind as Kind],
        ]);
      }
    });
  }

  test("only a private message needs facts about the world", () => {
    for (const [, command] of table) {
      const isPrivate = command.type === "send" && command.to.kind === "direct";
      expect(recipientOf(command)).toBe(isPrivate ? "bob" : undefined);
    }
  });
});

describe("names", () => {
  const byte = (...codes: number[]): Name => nameFromBytes(Uint8Array.from(codes));
  const register = (name: Name, written?: string) =>
    policy.may(actors.stranger, { type: "register", name, written });
  const names: [what: string, name: Name, isGood: boolean][] = [
    ["letters", ana, true],
    ["one byte", "a" as Name, true],
    ["no byte", "" as Name, false],
    ["64 bytes", "a".repeat(64) as Name, true],
    ["65 bytes", "a".repeat(65) as Name, false],
    ["bytes that are no UTF-8", byte(0xff, 0xfe), true],
    ["a byte that C1 calls control", byte(0x80), true],
    ["NUL", byte(97, 0), false],
    ["a line feed", byte(97, 10), false],
    ["a byte below the blank", byte(0x1f), false],
    ["a blank", byte(0x20), true],
    ["DEL", byte(0x7f), false],
    ["the general chat", "~" as Name, false],
    ["what begins as the general chat", "~a" as Name, true],
    ["the general chat, and a line feed", "~\n" as Name, false],
    ["a room's address", "#tea" as Name, false],
    ["a user's address", "@ana" as Name, false],
    ["signs elsewhere", "a#@~" as Name, true],
  ];

  for (const [what, name, isGood] of names) {
    test(`${what}: ${isGood ? "good" : "bad"}`, () => {
      expect(isName(name)).toBe(isGood);
      expect(register(name)).toBe(isGood ? undefined : "bad_name");
    });
  }

  test("a name written in characters must be visible as what it is", () => {
    expect(register(ana, "ana")).toBeUndefined();
    const hidden = "ana\u200d";
    const name = nameFromBytes(bytes(hidden));
    expect(register(name)).toBeUndefined();
    expect(register(name, hidden)).toBe("bad_name");
  });

  test("an operator's pattern reads UTF-8, and the other rules hold besides", () => {
    const own = createPolicy({
      textMaxChars: 5,
      privateHistory: "tenure",
      namePattern: "^[\\p{L}#]{2,3}$",
    });
    const name = (text: string): Name => nameFromBytes(bytes(text));
    const asks = (wanted: Name) => own.may(actors.stranger, { type: "register", name: wanted });
    for (const good of ["añb", "山田", "ana"]) expect(asks(name(good))).toBeUndefined();
    for (const bad of ["a", "anas", "a1", "#aa", "~"]) expect(asks(name(bad))).toBe("bad_name");
    expect(asks(byte(0xff, 0xfe))).toBe("bad_name");
  });
});

test("only what a person does counts as activity", () => {
  const activities: [Command, ReturnType<typeof activityOf>][] = [
    [send(GENERAL, "hi"), "message"],
    [send(toBob, ""), "message"], // refused or not
    [{ type: "typing", to: GENERAL }, "typing"],
    [{ type: "status", status: "busy" }, "status"],
    [{ type: "status", name: ana, status: "busy" }, "status"],
    [{ type: "status", name: bob, status: "busy" }, undefined],
    [{ type: "list" }, undefined],
    [{ type: "lookup", name: bob }, undefined],
    [{ type: "history", of: GENERAL }, undefined],
    [{ type: "page", of: GENERAL, range }, undefined],
    [{ type: "read", of: GENERAL, seq: 1 }, undefined],
    [{ type: "register", name: ana }, undefined],
  ];
  for (const [command, is] of activities) {
    expect([command.type, activityOf(command, ana)]).toEqual([command.type, is]);
  }
});

test("typing reaches everybody up to a crowd, and always the other user of a private conversation", () => {
  const told: [Address, connected: number, isTold: boolean][] = [
    [GENERAL, 2, true],
    [GENERAL, TYPING_TOLD_UP_TO, true],
    [GENERAL, TYPING_TOLD_UP_TO + 1, false],
    [toBob, TYPING_TOLD_UP_TO + 1, true],
  ];
  for (const [to, connected, is] of told) expect(isTypingTold(to, connected)).toBe(is);
});

test("a message waits for an absent user only if its sender says so", () => {
  const statuses: Status[] = ["active", "busy", "inactive"];
  for (const recipient of statuses) {
    expect(
      policy.may(actors.session, send(toBob, "hi"), { recipient, isOwned: true }),
    ).toBeUndefined();
  }
});

test("a session sees the private messages of its tenure; the operator's choice may show it all", () => {
  const trusting = createPolicy({ textMaxChars: 5, privateHistory: "name" });
  expect(policy.seesPrivateFromMs(actors.session)).toBe(7);
  expect(policy.seesPrivateFromMs(actors.bot)).toBe(0);
  // since somebody has left for good who had the name
  expect(trusting.seesPrivateFromMs(actors.session)).toBe(3);
  expect(trusting.may(actors.session, send(toBob, "hi", { mayWait: true }), unowned)).toBe(
    undefined,
  );
});
