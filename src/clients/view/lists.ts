/** What is shown beside the open conversation: conversations, people, who is typing, the time to the next attempt. */
import type { Message, Status } from "../sdk/events.js";
import { unreadCount } from "./conversation.js";
import { EVERYBODY, type Conv, type Conversation, type View } from "./model.js";
import { shownUpTo } from "./do-not-disturb.js";
import { matchRank, searchedName } from "./search.js";

export interface ConversationLine {
  readonly conv: Conv;
  /** With whom; undefined: with everybody. */
  readonly peer: string | undefined;
  readonly unread: number;
  /** The newest message that is shown. */
  readonly last: Message | undefined;
  /** When something was written last, on either side; 0: never. */
  readonly ts: number;
  readonly draft: string;
  readonly isOpen: boolean;
  readonly hasFailed: boolean;
  /** Of the other one; undefined: not connected. */
  readonly status: Status | undefined;
}

/**
 * The general chat first, then private conversations, the latest first. In a search: those that match, the
 * best first, and the general chat after others that match equally well. `everybody`: the name of the general chat.
 */
export function conversationList(view: View, everybody = ""): readonly ConversationLine[] {
  const searched = searchedName(view);
  const ranks = new Map<Conv, number>();
  for (const conv of view.conversations.keys()) {
    ranks.set(conv, matchRank(conv === EVERYBODY ? everybody : conv.slice(1), searched));
  }
  const general = (one: ConversationLine): number =>
    Number(one.peer === undefined) * (searched === "" ? -1 : 1);
  return [...view.conversations.values()]
    .filter(({ conv }) => ranks.get(conv) !== Infinity)
    .map((conversation) => lineOf(view, conversation))
    .toSorted(
      (one, two) =>
        (searched === "" ? 0 : ranks.get(one.conv)! - ranks.get(two.conv)!) ||
        general(one) - general(two) ||
        two.ts - one.ts ||
        compare(one.conv, two.conv),
    );
}

export interface Person {
  readonly name: string;
  readonly status: Status;
}

/**
 * Connected users without this one: active before busy before inactive, each by name. In a search: those that
 * match, the best first.
 */
export function peopleList(view: View): readonly Person[] {
  const searched = searchedName(view);
  const found: (Person & { readonly place: number })[] = [];
  for (const [name, status] of view.people) {
    const place = (searched === "" ? 0 : matchRank(name, searched)) * 3 + STATUSES.indexOf(status);
    if (name !== view.me && place !== Infinity) found.push({ name, status, place });
  }
  return found
    .toSorted((one, two) => one.place - two.place || compare(one.name, two.name))
    .map(({ name, status }) => ({ name, status }));
}

/** In the order of the list. */
export const STATUSES: readonly Status[] = ["active", "busy", "inactive"];

/**
 * The conversation that Enter opens in a search: the best match, a conversation before a person; without a
 * match, the name as it is typed. `everybody`: the name of the general chat.
 */
export function searchHit(view: View, everybody: string): Conv | undefined {
  const searched = searchedName(view);
  if (searched === "") return undefined;
  if (searched === view.me) return `@${view.me}`;
  const [line] = conversationList(view, everybody);
  const [person] = peopleList(view);
  const lineRank = line === undefined ? Infinity : matchRank(line.peer ?? everybody, searched);
  const personRank = person === undefined ? Infinity : matchRank(person.name, searched);
  const isWithPerson =
    personRank < lineRank || (line?.peer === undefined && personRank === lineRank);
  if (person !== undefined && isWithPerson) return `@${person.name}`;
  return line?.conv ?? `@${searched}`;
}

/** Who is writing in a conversation. */
export function typingIn(view: View, conv: Conv): readonly string[] {
  return [...(view.typing.get(conv)?.keys() ?? [])];
}

/** Unread messages in all conversations. */
export function unreadTotal(view: View): number {
  let count = 0;
  for (const conversation of view.conversations.values()) {
    count += unreadIn(view, conversation);
  }
  return count;
}

/** Whole seconds to the next attempt to connect, by the store's clock; undefined: no attempt is scheduled. */
export function secondsToRetry({ connection }: View, nowMs: number): number | undefined {
  if (connection.name !== "waiting") return undefined;
  return Math.max(0, Math.ceil((connection.retryAtMs - nowMs) / 1_000));
}

function lineOf(view: View, conversation: Conversation): ConversationLine {
  const { conv, messages, draft, outgoing, ts } = conversation;
  const upTo = shownUpTo(view, conv) ?? Infinity;
  const peer = conv === EVERYBODY ? undefined : conv.slice(1);
  const last = messages.findLast(
    ({ seq, from, removes }) => removes === undefined && (seq <= upTo || from === view.me),
  );
  return {
    conv,
    peer,
    unread: unreadIn(view, conversation),
    last,
    ts: Math.max(last?.ts ?? ts, outgoing.at(-1)?.ts ?? 0),
    draft,
    isOpen: conv === view.open,
    hasFailed: outgoing.some(({ state }) => state === "failed"),
    status: peer === undefined ? undefined : view.people.get(peer),
  };
}

function unreadIn(view: View, conversation: Conversation): number {
  return unreadCount(conversation, view.me, shownUpTo(view, conversation.conv));
}

const { compare } = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
