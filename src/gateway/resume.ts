/**
 * Resume: where each conversation continues for a client that reconnects, and which gaps it is told of. Every message
 * after that point follows, now or when it is written.
 */
import type { Chat } from "../chat/chat.js";
import {
  addressOf,
  conversationOf,
  type Address,
  type Conversation,
} from "../chat/conversation.js";
import type { ConversationState, Extent, Page } from "../chat/history.js";
import { isName, type SessionActor } from "../chat/policy.js";
import type { Cursors } from "../session/requests.js";
import { epochFromText, epochText } from "../wire/epoch.js";
import { addressFromConv, convOf } from "../wire/json-names.js";
import type { Gap, Resumed } from "../session/resumed.js";

type Cursor = Cursors[string];

/** Of more missed messages than this, only the newest follow. */
const FOLLOWING = 500;
/** Of all conversations together. */
const FOLLOWING_IN_ALL = 1_000;
/** Messages of a page. */
const PAGE = 100;
const AT_ONCE = 32;
/** Of cursors of conversations that the store does not list, so many are looked at: each is read by itself. */
const UNLISTED = 256;

/**
 * Where the conversations continue that the user may read, given the client's cursors.
 *
 * @param isAwaited whether the client is still there. Once it is gone, nothing more is read
 */
export async function resume(
  chat: Chat,
  actor: SessionActor,
  cursors: Cursors,
  isAwaited: () => boolean,
): Promise<Resumed[]> {
  const { name } = actor;
  const left = new Map<string, Cursor>(Object.entries(cursors));
  const listed = (await chat.conversations(actor, isAwaited)).map((state) => {
    const conv = convOf(state.conversation, name);
    const cursor = left.get(conv);
    left.delete(conv);
    return (): Ends => goOn(chat, actor, state, cursor);
  });
  const unlisted = [...left].slice(0, UNLISTED).map(([conv, cursor]) => {
    const address = addressFromConv(conv);
    return (): Ends => goOnUnlisted(chat, actor, address, cursor);
  });
  const all = [...listed, ...unlisted];
  const resumed: Resumed[] = [];
  for (let i = 0; i < all.length && isAwaited(); i += AT_ONCE) {
    const some = all.slice(i, i + AT_ONCE).map((each) => each());
    for (const each of await Promise.all(some)) if (each !== undefined) resumed.push(each);
  }
  return withinAll(resumed);
}

/** Undefined if the user may not read the conversation: to the client it is as if there were none. */
type Ends = Promise<Resumed | undefined>;

async function goOn(
  chat: Chat,
  actor: SessionActor,
  state: ConversationState,
  cursor: Cursor | undefined,
): Ends {
  if (cursor === undefined) return { state, ...fresh(state) };
  return goOnBehind(chat, actor, state, cursor);
}

/** A conversation that the store does not list: its extent comes with the page after the cursor. */
async function goOnUnlisted(
  chat: Chat,
  actor: SessionActor,
  address: Address,
  cursor: Cursor,
): Ends {
  const conversation = conversationOf(address, actor.name);
  const state = { conversation, epoch: 0, head: 0, floor: 1, time: 0, read: 0 };
  if (address.kind === "direct" && !isName(address.user)) {
    return { state, ...continued({ ...state, epochThere: 0, hasEpoch: false }, cursor) };
  }
  return goOnBehind(chat, actor, state, cursor);
}

async function goOnBehind(
  chat: Chat,
  actor: SessionActor,
  state: ConversationState,
  cursor: Cursor,
): Ends {
  const [epoch, seq] = cursor;
  const page = await pageAfter(chat, actor, state.conversation, seq, 1, epochFromText(epoch));
  if (page === undefined) return undefined;
  return { state: { ...state, ...extentOf(page) }, ...continued(page, cursor) };
}

/** Of more messages in all, those of the conversations follow that are newest: the general chat first. */
function withinAll(resumed: readonly Resumed[]): Resumed[] {
  const rank = ({ state }: Resumed): number =>
    state.conversation.kind === "general" ? Infinity : state.time;
  const newestFirst = resumed.toSorted((a, b) => rank(b) - rank(a));
  let left = FOLLOWING_IN_ALL;
  const allowed = new Map<Resumed, number>();
  for (const each of newestFirst) {
    const following = Math.min(each.state.head - each.after, left);
    allowed.set(each, following);
    left -= following;
  }
  return resumed.map((each) => withAtMost(each, allowed.get(each)!));
}

function withAtMost(resumed: Resumed, most: number): Resumed {
  const { state, after: was, gaps } = resumed;
  if (state.head - was <= most) return resumed;
  const after = state.head - most;
  const last = gaps.at(-1);
  const isLimited = last?.reason === "limit";
  const gap: Gap = { after: isLimited ? last.after : was, before: after + 1, reason: "limit" };
  return { state, after, gaps: [...(isLimited ? gaps.slice(0, -1) : gaps), gap] };
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
