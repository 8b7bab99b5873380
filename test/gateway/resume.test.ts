/** What a hello costs, and what follows it: counted with a chat that writes down what it is asked. */
import { expect, test } from "vitest";
import type { Chat } from "#tertulia/chat/chat.js";
import { GENERAL, conversationBetween } from "#tertulia/chat/conversation.js";
import type { ConversationState, Page } from "#tertulia/chat/history.js";
import type { Name } from "#tertulia/chat/names.js";
import { resume } from "#tertulia/gateway/resume.js";
import type { Cursors } from "#tertulia/session/requests.js";

const ana = {
  kind: "session",
  name: "ana" as Name,
  id: "session-1",
  isLive: true,
  tenureMs: 0,
  formerMs: 0,
} as const;

const general: ConversationState = {
  conversation: GENERAL,
  epoch: 35,
  head: 700,
  floor: 1,
  time: 1,
  read: 0,
};

/** A private conversation, with so many unread messages. */
function withUser(i: number, unread: number): ConversationState {
  const conversation = conversationBetween(`user${i}` as Name, ana.name);
  return { conversation, epoch: 35, head: unread, floor: 1, time: i + 2, read: 0 };
}

function chatOf(listed: readonly ConversationState[]): { chat: Chat; pages: () => number } {
  let pages = 0;
  const empty = { epoch: 0, head: 0, floor: 1, time: 0, messages: [], more: false };
  const page: Page = { ...empty, epochThere: 0, hasEpoch: false };
  const chat = {
    conversations: async () => listed,
    execute: async () => {
      pages++;
      return { type: "page", conversation: GENERAL, page };
    },
  };
  return { chat: chat as unknown as Chat, pages: () => pages };
}

const always = (): boolean => true;

test("of cursors of conversations that are not listed 256 are looked at, and none that nobody can have", async () => {
  const { chat, pages } = chatOf([general]);
  const many = Object.fromEntries(
    Array.from({ length: 5_000 }, (_, i) => [`@x${i}`, ["0", 1]]),
  ) as Cursors;
  expect(await resume(chat, ana, many, always)).toHaveLength(1 + 256);
  expect(pages()).toBe(256);
  const impossible: Cursors = { [`@${"x".repeat(65)}`]: ["0", 5], "@#room": ["0", 5] };
  const [, ...told] = await resume(chat, ana, impossible, always);
  expect(told.map(({ after, gaps }) => [after, gaps])).toEqual([
    [0, [{ after: 5, before: 1, reason: "rolled_back" }]],
    [0, [{ after: 5, before: 1, reason: "rolled_back" }]],
  ]);
  expect(pages()).toBe(256);
});

test("once the client has gone nothing more is read for it", async () => {
  const { chat, pages } = chatOf([general]);
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`@x${i}`, ["0", 1]]),
  ) as Cursors;
  await resume(chat, ana, many, () => pages() === 0);
  expect(pages()).toBeLessThanOrEqual(32);
});

test("of all conversations together 1,000 messages follow: those of the newest", async () => {
  const listed = [general, ...Array.from({ length: 10 }, (_, i) => withUser(i, 600))];
  const { chat } = chatOf(listed);
  const resumed = await resume(chat, ana, {}, always);
  const following = resumed.map(({ state, after }) => state.head - after);
  expect(following).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 500]);
  // each tells what is left out, once
  for (const { state, after, gaps } of resumed.slice(1)) {
    expect(gaps).toEqual([{ after: 0, before: after + 1, reason: "limit" }]);
    expect(after).toBeLessThanOrEqual(state.head);
  }
  const few = [general, ...Array.from({ length: 10 }, (_, i) => withUser(i, 50))];
  const all = await resume(chatOf(few).chat, ana, {}, always);
  expect(all.flatMap(({ gaps }) => gaps)).toEqual([]);
});
