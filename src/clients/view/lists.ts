/** What stands beside the open conversation: conversations, people, who is typing, how long to the next attempt. */
import type { Message, Status } from "../sdk/events.js";
import { unreadCount } from "./conversation.js";
import { EVERYBODY, type Conv, type Conversation, type View } from "./model.js";
import { quietFrom } from "./quiet.js";

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

/** Everybody's first, then the private ones, the latest first; those that match the search. */
export function conversationList(view: View): readonly ConversationLine[] {
  const wanted = fold(view.search);
  const lines = [...view.conversations.values()]
    .filter(({ conv }) => conv === EVERYBODY || fold(conv.slice(1)).includes(wanted))
    .map((conversation) => lineOf(view, conversation));
  const [everybody, ...others] = lines.toSorted((one, two) => {
    if (one.conv === EVERYBODY || two.conv === EVERYBODY) return one.conv === EVERYBODY ? -1 : 1;
    return two.ts - one.ts || compare(one.conv, two.conv);
  });
  return everybody === undefined ? others : [everybody, ...others];
}

export interface Person {
  readonly name: string;
  readonly status: Status;
}

/** The connected ones that match the search, by name; oneself is not among them. */
export function peopleList(view: View): readonly Person[] {
  const wanted = fold(view.search);
  const found: Person[] = [];
  for (const [name, status] of view.people) {
    if (name !== view.me && fold(name).includes(wanted)) found.push({ name, status });
  }
  return found.toSorted((one, two) => compare(one.name, two.name));
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

/** Whole seconds to the next attempt to connect, by the desk's clock; undefined: none is waited for. */
export function secondsToRetry({ connection }: View, nowMs: number): number | undefined {
  if (connection.name !== "waiting") return undefined;
  return Math.max(0, Math.ceil((connection.retryAtMs - nowMs) / 1_000));
}

function lineOf(view: View, conversation: Conversation): ConversationLine {
  const { conv, messages, draft, outgoing, ts } = conversation;
  const upTo = quietFrom(view, conv) ?? Infinity;
  const peer = conv === EVERYBODY ? undefined : conv.slice(1);
  const last = messages.findLast(({ seq, from }) => seq <= upTo || from === view.me);
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
  return unreadCount(conversation, view.me, quietFrom(view, conversation.conv));
}

const { compare } = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** So that `José` is found by `jose`. */
function fold(text: string): string {
  return text
    .normalize("NFD")
    .replaceAll(/\p{Mn}/gu, "")
    .toLowerCase();
}
