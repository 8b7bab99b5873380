/**
 * Resume: where each conversation continues for a client that reconnects, and which gaps it is told of. Every message
 * after that point follows, now or when it is written.
 */
import type { Chat } from "../chat/chat.js";
import { addressOf, conversationOf, type Conversation } from "../chat/conversation.js";
import type { ConversationState, Extent, Page } from "../chat/history.js";
import type { SessionActor } from "../chat/policy.js";
import type { Cursors } from "../session/requests.js";
import { epochFromText, epochText } from "../wire/epoch.js";
import { addressFromConv, convOf } from "../wire/json.js";
import type { Gap, Resumed } from "../session/resumed.js";

type Cursor = Cursors[string];

/** Of more missed messages than this, only the newest follow. */
const FOLLOWING = 500;
/** Messages of a page. */
const PAGE = 100;
const AT_ONCE = 32;

/** Where the conversations continue that the user may read, given the client's cursors. */
export async function resume(
  chat: Chat,
  actor: SessionActor,
  cursors: Cursors,
): Promise<Resumed[]> {
  const { name } = actor;
  const left = new Map<string, Cursor>(Object.entries(cursors));
  const all = (await chat.conversations(actor)).map((state) => {
    const conv = convOf(state.conversation, name);
    const cursor = left.get(conv);
    left.delete(conv);
    return { state, cursor };
  });
  // conversations that the store does not list: their extent comes with the page after the cursor
  for (const [conv, cursor] of left) {
    const state = {
      conversation: conversationOf(addressFromConv(conv), name),
      epoch: 0,
      head: 0,
      floor: 1,
      time: 0,
      read: 0,
    };
    all.push({ state, cursor });
  }
  const resumed: Resumed[] = [];
  for (let i = 0; i < all.length; i += AT_ONCE) {
    const some = all
      .slice(i, i + AT_ONCE)
      .map(({ state, cursor }) => goOn(chat, actor, state, cursor));
    for (const each of await Promise.all(some)) if (each !== undefined) resumed.push(each);
  }
  return resumed;
}

/** Undefined if the user may not read the conversation: to the client it is as if there were none. */
async function goOn(
  chat: Chat,
  actor: SessionActor,
  state: ConversationState,
  cursor: Cursor | undefined,
): Promise<Resumed | undefined> {
  if (cursor === undefined) return { state, ...fresh(state) };
  const [epoch, seq] = cursor;
  const page = await pageAfter(chat, actor, state.conversation, seq, 1, epochFromText(epoch));
  if (page === undefined) return undefined;
  return { state: { ...state, ...extentOf(page) }, ...continued(page, cursor) };
}

/** Without a cursor: unread private messages; nothing of the general chat. */
function fresh(state: ConversationState): Pick<Resumed, "after" | "gaps"> {
  const { conversation, head, floor, read } = state;
  if (conversation.kind === "general") return { after: head, gaps: [] };
  return limited(Math.max(read, floor - 1), state, []);
}

/** After a cursor. The message at the cursor, if it is kept, tells whether it is the one that the client has. */
export function continued(
  page: Omit<Page, "messages" | "more">,
  [epoch, seq]: Cursor,
): Pick<Resumed, "after" | "gaps"> {
  const { head, floor, epochThere } = page;
  const gap = (before: number, reason: Gap["reason"]): Gap => ({ after: seq, before, reason });
  // an older epoch there is fine: the cursor may come from a welcome, with the epoch of a later message. If the epoch
  // is unknown, the cursor comes from data that was lost
  const isOther = epochThere > epochFromText(epoch) || !page.hasEpoch;
  // beyond the head: rolled back, or the conversation is gone and its numbers began anew
  if (seq > head || (seq > 0 && isOther)) {
    return { after: head, gaps: [gap(head + 1, "rolled_back")] };
  }
  // if that message is not kept any more, only an unchanged epoch proves it
  const isVouchedFor = seq === 0 || epochThere !== 0 || epochText(page.epoch) === epoch;
  if (seq >= floor - 1 && isVouchedFor) return limited(seq, page, []);
  return limited(floor - 1, page, [gap(floor, "trimmed")]);
}

function limited(
  after: number,
  { head }: Pick<Extent, "head">,
  gaps: readonly Gap[],
): Pick<Resumed, "after" | "gaps"> {
  if (head - after <= FOLLOWING) return { after, gaps };
  const before = head - FOLLOWING + 1;
  return { after: before - 1, gaps: [...gaps, { after, before, reason: "limit" }] };
}

/** A page of the messages after a number; undefined if the user may not read it. @throws Unavailable */
export async function pageAfter(
  chat: Chat,
  actor: SessionActor,
  conversation: Conversation,
  seq: number,
  limit = PAGE,
  epoch = 0,
): Promise<Page | undefined> {
  const range = { direction: "after", seq, limit, epoch } as const;
  const of = addressOf(conversation, actor.name);
  const reply = await chat.execute(actor, { type: "page", of, range });
  return reply.type === "page" ? reply.page : undefined;
}

function extentOf({ epoch, head, floor, time }: Extent): Extent {
  return { epoch, head, floor, time };
}
