/** How transcripts write conversations, messages, pages and notices. */
import {
  addressOf,
  conversationOf as conversationAt,
  formatAddress,
  parseAddress,
  type Conversation,
} from "#tertulia/chat/conversation.js";
import type { Message, Notice, Position } from "#tertulia/chat/events.js";
import type { ConversationState, Page } from "#tertulia/chat/history.js";
import type { Name, Status, User } from "#tertulia/chat/names.js";

/** When everything is written. */
export const TIME = 1_795_401_600_000;

/** `~`, or `@` and with whom. */
export function conversationOf(text: string, self: Name): Conversation {
  return conversationAt(parseAddress(text)!, self);
}

export function describeConversation(conversation: Conversation, self: Name): string {
  return formatAddress(addressOf(conversation, self));
}

/** `2.17`: generation and offset. */
export function positionOf(text: string): Position {
  const [generation = 0, offset = 0] = text.split(".").map(Number);
  return { generation, offset };
}

/** The value behind a word of a line, if it is there: `epoch 2`. */
export function after(words: readonly string[], word: string): string | undefined {
  const at = words.indexOf(word);
  return at === -1 ? undefined : words[at + 1];
}

/** The same, as a number. */
export function numberAfter(words: readonly string[], word: string, otherwise: number): number {
  return Number(after(words, word) ?? otherwise);
}

export function messageOf(
  conversation: Conversation,
  seq: number,
  { author = "bob", text = `m${seq}`, epoch = 1 } = {},
): Message {
  return {
    conversation,
    epoch,
    seq,
    mid: `mid${seq}`,
    author: author as Name,
    time: TIME,
    text: Buffer.from(text),
  };
}

/** `bob busy` */
export function userOf(words: readonly string[]): User {
  return { name: words[0] as Name, status: words[1] as Status };
}

/** `@bob 7 read 5 floor 2 epoch 1` */
export function stateOf(line: string, self: Name): ConversationState {
  const words = line.trim().split(" ");
  const head = Number(words[1] ?? 0);
  return {
    conversation: conversationOf(words[0]!, self),
    epoch: numberAfter(words, "epoch", head > 0 ? 1 : 0),
    head,
    floor: numberAfter(words, "floor", 1),
    time: head > 0 ? TIME : 0,
    read: numberAfter(words, "read", 0),
  };
}

/** `3-5 of 9 floor 2 epoch 1 there 1`, or `none of 9`; `foreign`: the epoch is none of the conversation's. */
export function pageOf(words: readonly string[], conversation: Conversation): Page {
  const epoch = numberAfter(words, "epoch", 1);
  const [first = 1, last = first] = words[0] === "none" ? [1, 0] : words[0]!.split("-").map(Number);
  const messages: Message[] = [];
  for (let seq = first; seq <= last; seq++) messages.push(messageOf(conversation, seq, { epoch }));
  const head = numberAfter(words, "of", last);
  return {
    messages,
    head,
    floor: numberAfter(words, "floor", 1),
    epoch,
    time: head > 0 ? TIME : 0,
    more: last < head,
    epochThere: numberAfter(words, "there", epoch),
    hasEpoch: !words.includes("foreign"),
  };
}

/** @param nextAt where the event stands if the line does not say so */
export function noticeOf(line: string, self: Name, nextAt: () => Position): Notice {
  const words = line.split(" ");
  const [type, ...rest] = words;
  const said = after(words, "at");
  const at = (): Position => (said === undefined ? nextAt() : positionOf(said));
  switch (type) {
    case "message": {
      const [conv = "~", seq = "1", author = "bob"] = rest;
      const text = /"(.*)"/.exec(line)?.[1] ?? `m${seq}`;
      const epoch = numberAfter(words, "epoch", 1);
      const of = conversationOf(conv, self);
      return { type, at: at(), message: messageOf(of, Number(seq), { author, text, epoch }) };
    }
    case "status": {
      const cause = (after(words, "cause") ?? "asked") as "asked";
      return { type: "presence", at: at(), user: userOf(rest), cause };
    }
    case "gap": {
      const hasMissed = rest[0] === "missed";
      const reason = hasMissed ? "trimmed" : "rolled_back";
      return { type, bucket: 0, after: at(), reason, hasMissed };
    }
    case "typing":
      return { type, author: rest[0] as Name, conversation: conversationOf(rest[1]!, self) };
    case "read": {
      const [conv = "~", read = "0", unread = "0"] = rest;
      const conversation = conversationOf(conv, self);
      return { type, reader: self, conversation, read: Number(read), unread: Number(unread) };
    }
    case "leader":
      return { type, at: at(), node: "gw-2" };
    case "contested":
    case "defended":
      return { type, name: rest[0] as Name };
    default:
      throw new Error(`no such notice: ${line}`);
  }
}
