/** One conversation: its messages, each once and in order, and what this user is sending. */
import { isNewerEpoch } from "../../wire/epoch.js";
import type { HistoryPage, Message, Published } from "../sdk/events.js";
import type { Conversation, Outgoing, Problem } from "./model.js";

/** So many messages stay in memory; older ones can be requested again. */
const KEPT = 1_000;
/** Messages are dropped in batches, so that most additions drop none. */
const DROPPED_AT_ONCE = 200;

/**
 * Adds a live message. Its author, on whatever device, has read up to it; who removes another one, only if there was
 * nothing unread before: the chat counts the same way.
 */
export function withMessage(
  conversation: Conversation,
  message: Message,
  me: string,
): Conversation {
  const hasRead = message.removes === undefined || conversation.read >= message.seq - 1;
  const read = message.from === me && hasRead ? message.seq : 0;
  return {
    ...conversation,
    read: Math.max(conversation.read, read),
    reportedRead: Math.max(conversation.reportedRead, read),
    messages:
      message.removes === undefined
        ? merge(conversation.messages, [message])
        : withoutRemoved(merge(conversation.messages, [message])),
    outgoing: withoutArrived(conversation.outgoing, [message], me),
    head: Math.max(conversation.head, message.seq),
  };
}

/**
 * Drops the oldest messages, if there are too many. `seenUpTo`: those up to this number stay, because they are
 * on the screen; what is dropped then leaves a hole after them.
 */
export function withoutOldest(conversation: Conversation, seenUpTo = 0): Conversation {
  const { messages } = conversation;
  if (messages.length < KEPT + DROPPED_AT_ONCE) return conversation;
  const seen = messages.findLastIndex(({ seq }) => seq <= seenUpTo) + 1;
  if (messages.length - seen < KEPT + DROPPED_AT_ONCE) return conversation;
  return { ...conversation, messages: [...messages.slice(0, seen), ...messages.slice(-KEPT)] };
}

/** Adds a page of history, which may overlap with the messages that are there. */
export function withPage(conversation: Conversation, page: HistoryPage, me: string): Conversation {
  const before = conversation.loading?.before;
  // an empty page: there is nothing before it, whatever `floor` says, and it is not requested again
  const floor = page.messages.length === 0 && before !== undefined ? before : page.floor;
  return {
    ...conversation,
    messages: withoutRemoved(merge(conversation.messages, page.messages)),
    outgoing: withoutArrived(conversation.outgoing, page.messages, me),
    head: Math.max(conversation.head, page.head),
    floor: Math.max(conversation.floor, floor),
    loading: undefined,
    isLoaded: true,
  };
}

/**
 * Without the messages up to a number, but for the last `kept` of them: what happened to them since is not known, some
 * may have been removed.
 */
export function withoutStale(conversation: Conversation, upTo: number, kept: number): Conversation {
  const { messages } = conversation;
  const stale = messages.findLastIndex(({ seq }) => seq <= upTo) + 1;
  return { ...conversation, messages: messages.slice(Math.max(0, stale - kept)) };
}

/**
 * Forgets everything stored: it was rolled back, and its numbers mean other messages now. What is being sent
 * stays; what was stored and not seen yet becomes unconfirmed.
 */
export function withoutStored(conversation: Conversation, head: number): Conversation {
  const reportedRead = Math.min(conversation.reportedRead, head);
  return {
    ...conversation,
    messages: [],
    outgoing: conversation.outgoing.map((each) =>
      each.state === "sent" ? { ...each, state: "failed", problem: "unconfirmed" } : each,
    ),
    head,
    floor: 1,
    read: reportedRead,
    reportedRead,
    newFrom: undefined,
    loading: undefined,
    isLoaded: false,
  };
}

/** Adds a message that is being sent, as the last one, with a time after that of the one before it. */
export function withPending(
  conversation: Conversation,
  mid: string,
  text: string,
  sentTs: number,
): Conversation {
  const others = conversation.outgoing.filter((each) => each.mid !== mid);
  const ts = Math.max(sentTs, (others.at(-1)?.ts ?? 0) + 1);
  return { ...conversation, outgoing: [...others, { mid, text, ts, state: "pending" }] };
}

/**
 * The message is stored. It is put in place if that leaves no hole; otherwise the feed brings it, after those
 * before it.
 */
export function withPublished(
  conversation: Conversation,
  published: Published,
  me: string,
): Conversation {
  const { mid, seq } = published;
  const own = conversation.outgoing.find((each) => each.mid === mid);
  if (own === undefined) return conversation;
  const last = conversation.messages.at(-1)?.seq ?? conversation.head;
  if (seq <= last + 1) {
    return withMessage(conversation, { ...published, from: me, text: own.text }, me);
  }
  return withOutgoingState(conversation, mid, { state: "sent" });
}

export function withFailed(
  conversation: Conversation,
  mid: string,
  problem: Problem,
): Conversation {
  return withOutgoingState(conversation, mid, { state: "failed", problem });
}

export function withoutOutgoing(conversation: Conversation, mid: string): Conversation {
  const outgoing = conversation.outgoing.filter((each) => each.mid !== mid);
  return { ...conversation, outgoing };
}

/** Whether there is nothing to read in it: it was removed, or removes another one. */
export function isSilent({ removed, removes }: Pick<Message, "removed" | "removes">): boolean {
  return removed === true || removes !== undefined;
}

/** Counts unread messages of others, up to a number. */
export function unreadCount(
  { messages, read, floor, head }: Conversation,
  me: string,
  upTo = head,
): number {
  const from = Math.max(read, floor - 1);
  let count = Math.max(0, upTo - from);
  for (let at = messages.length - 1; at >= 0 && messages[at]!.seq > from; at--) {
    const message = messages[at]!;
    if ((message.from === me || isSilent(message)) && message.seq <= upTo) count--;
  }
  return Math.max(0, count);
}

/** The number before which messages are missing that can be requested; undefined: none are missing. */
export function missingBefore({
  messages,
  floor,
  head,
  isLoaded,
}: Conversation): number | undefined {
  const oldest = messages[0]?.seq;
  if (oldest === undefined) return isLoaded || head === 0 ? undefined : head + 1;
  return oldest > Math.max(1, floor) ? oldest : undefined;
}

function withOutgoingState(
  conversation: Conversation,
  mid: string,
  change: Pick<Outgoing, "state" | "problem">,
): Conversation {
  const outgoing = conversation.outgoing.map((each) =>
    each.mid === mid ? { mid, text: each.text, ts: each.ts, ...change } : each,
  );
  return { ...conversation, outgoing };
}

/** Merges two lists that are sorted by number. Of two messages with the same number, the one of the newer epoch stays. */
function merge(have: readonly Message[], come: readonly Message[]): readonly Message[] {
  if (come.length === 0) return have;
  if (have.length === 0 || have.at(-1)!.seq < come[0]!.seq) return have.concat(come);
  if (come.at(-1)!.seq < have[0]!.seq) return come.concat(have);
  const merged: Message[] = [];
  let left = 0;
  let right = 0;
  while (left < have.length || right < come.length) {
    const mine = have[left];
    const other = come[right];
    if (other === undefined || (mine !== undefined && mine.seq < other.seq)) {
      merged.push(mine!);
      left++;
    } else if (mine === undefined || other.seq < mine.seq) {
      merged.push(other);
      right++;
    } else {
      const isNewer = isNewerEpoch(other.epoch, mine.epoch) || other.removed === true;
      merged.push(isNewer ? other : mine);
      left++;
      right++;
    }
  }
  return merged;
}

/** Without the texts that are removed: a page with one may come after the event that removes it. */
function withoutRemoved(messages: readonly Message[]): readonly Message[] {
  const gone = new Set(messages.flatMap(({ removes }) => removes ?? []));
  if (gone.size === 0) return messages;
  return messages.map((message) =>
    gone.has(message.seq) && message.removed !== true
      ? { ...message, text: "", removed: true }
      : message,
  );
}

function withoutArrived(
  outgoing: readonly Outgoing[],
  messages: readonly Message[],
  me: string,
): readonly Outgoing[] {
  if (outgoing.length === 0) return outgoing;
  const arrived = new Set(messages.map(({ from, mid }) => (from === me ? mid : undefined)));
  return outgoing.filter(({ mid }) => !arrived.has(mid));
}
