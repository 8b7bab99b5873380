/** Conversations and their addresses. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  GENERAL,
  addressOf,
  audienceOf,
  conversationBetween,
  conversationOf,
  formatAddress,
  keyOf,
  otherOf,
  parseAddress,
  type Address,
  type Conversation,
  type RoomName,
} from "#tertulia/chat/conversation.js";
import type { Name } from "#tertulia/chat/names.js";

const [ana, bob] = ["ana" as Name, "bob" as Name];
const room = "tea" as RoomName;

const addresses: [text: string, is: Address | undefined][] = [
  ["~", GENERAL],
  ["@bob", { kind: "direct", user: bob }],
  ["@@", { kind: "direct", user: "@" as Name }], // whether anybody can be called this is policy's
  ["@ ", { kind: "direct", user: " " as Name }],
  ["#tea", { kind: "room", room }],
  ["", undefined],
  ["@", undefined],
  ["#", undefined],
  ["@~", undefined], // it would be the general chat for a client that writes only the name
  ["#~", undefined],
  ["~~", undefined],
  ["bob", undefined],
  [" ~", undefined],
];

test("an address is ~, @user or #room, and nothing else", () => {
  for (const [text, is] of addresses) expect([text, parseAddress(text)]).toEqual([text, is]);
});

test("an address is written as it was read", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      for (const each of ["~", text, `@${text}`, `#${text}`]) {
        const address = parseAddress(each);
        if (address !== undefined) expect(formatAddress(address)).toBe(each);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** Who is in it, and how each of them addresses it. */
const conversations: [Conversation, audience: unknown, addresses: Record<string, string>][] = [
  [GENERAL, "everybody", { ana: "~", bob: "~" }],
  [conversationBetween(bob, ana), ["ana", "bob"], { ana: "@bob", bob: "@ana" }],
  [conversationBetween(ana, ana), ["ana"], { ana: "@ana" }],
  [{ kind: "room", room }, "members", { ana: "#tea", bob: "#tea" }],
];

test("both users of a private conversation mean the same by their addresses of it", () => {
  for (const [conversation, audience, its] of conversations) {
    expect(audienceOf(conversation)).toEqual(audience);
    for (const [self, text] of Object.entries(its)) {
      expect(formatAddress(addressOf(conversation, self as Name))).toBe(text);
      expect(conversationOf(parseAddress(text)!, self as Name)).toEqual(conversation);
    }
  }
});

test("a note to oneself has no other user", () => {
  expect(otherOf(conversationBetween(ana, bob), bob)).toBe("ana");
  expect(otherOf(conversationBetween(ana, ana), ana)).toBe("ana");
});

test("two conversations have the same key only if they are the same", () => {
  const short = fc.string({ unit: fc.constantFrom("a", "b", "~", "@", "#", "|"), maxLength: 3 });
  const any = fc
    .tuple(short, short)
    .map(([a, b]): Conversation[] => [
      conversationBetween(a as Name, b as Name),
      { kind: "room", room: a as RoomName },
      GENERAL,
    ]);
  fc.assert(
    fc.property(fc.tuple(any, any), ([some, others]) => {
      for (const one of some) {
        for (const other of others) {
          expect(keyOf(one) === keyOf(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
        }
      }
    }),
    { numRuns: 2_000 },
  );
});
