/**
 * Catch-up: the client first gets the messages that it missed, read from history, while live notices are buffered.
 * Then the buffered notices follow, without the messages that were in the history. So no message is lost or sent twice.
 */
import { keyOf } from "../chat/conversation.js";
import type { Message, Notice } from "../chat/events.js";
import type { Page } from "../chat/history.js";
import type { Effect } from "./effects.js";
import type { Encoded } from "./requests.js";
import type { Gap, Resumed } from "./resumed.js";

/** Buffered notices: a linked list, newest first. */
export interface Early {
  readonly bytes: number;
  readonly newest: EarlyNotice | undefined;
}

interface EarlyNotice {
  readonly notice: Notice;
  readonly frame: Encoded;
  readonly before: EarlyNotice | undefined;
}

export const nothingEarly: Early = { bytes: 0, newest: undefined };

export function withEarly(early: Early, notice: Notice, frame: Encoded): Early {
  return { bytes: early.bytes + frame.length, newest: { notice, frame, before: early.newest } };
}

/** For each conversation (by key) the last message that was sent from history. */
export type Told = ReadonlyMap<string, { readonly seq: number; readonly epoch: number }>;

/** How far catch-up has got. */
export interface Progress {
  readonly conversations: readonly Resumed[];
  /** The conversation that is being sent. */
  readonly index: number;
  readonly from: number;
  readonly head: number;
}

export interface CatchUpStep {
  /** Undefined when catch-up is complete. */
  readonly progress: Progress | undefined;
  readonly effects: readonly Effect[];
}

/** The starting point: where each conversation continues. */
export function toldAtFirst(conversations: readonly Resumed[]): Told {
  return new Map(
    conversations.map(({ state, after }) => [
      keyOf(state.conversation),
      { seq: after, epoch: state.epoch },
    ]),
  );
}

/** Starts with the conversation at `index`; skips conversations in which nothing was missed. */
export function beginAt(conversations: readonly Resumed[], index: number): CatchUpStep {
  const effects: Effect[] = [];
  for (let i = index; i < conversations.length; i++) {
    const { state, after, gaps } = conversations[i]!;
    const { conversation, head } = state;
    for (const gap of gaps) {
      effects.push({ type: "pushOutput", output: { type: "gap", conversation, gap } });
    }
    if (after >= head) continue;
    effects.push({ type: "readPage", conversation, after });
    return { progress: { conversations, index: i, from: after, head }, effects };
  }
  return { progress: undefined, effects };
}

/** Sends a page, preceded by a gap if messages before it are not kept any more; that may be all. */
export function tellPage(progress: Progress, { messages, head }: Page): CatchUpStep {
  const { conversations, index, from } = progress;
  const [first, last] = [messages[0], messages.at(-1)];
  const effects: Effect[] = [];
  const follows = first?.seq ?? head + 1;
  if (follows > from + 1) {
    const gap: Gap = { after: from, before: follows, reason: "trimmed" };
    const { conversation } = conversations[index]!.state;
    effects.push({ type: "pushOutput", output: { type: "gap", conversation, gap } });
  }
  if (last === undefined) {
    const next = beginAt(conversations, index + 1);
    return { ...next, effects: [...effects, ...next.effects] };
  }
  effects.push({ type: "pushMissed", messages });
  return { progress: { ...progress, from: last.seq, head }, effects };
}

/** Continues after a page: with the next page or the next conversation. */
export function afterPage({ conversations, index, from, head }: Progress): CatchUpStep {
  if (from >= head) return beginAt(conversations, index + 1);
  const { conversation } = conversations[index]!.state;
  const progress = { conversations, index, from, head };
  return { progress, effects: [{ type: "readPage", conversation, after: from }] };
}

export function withPage(told: Told, { conversations, index }: Progress, { messages }: Page): Told {
  const last = messages.at(-1);
  if (last === undefined) return told;
  const { state } = conversations[index]!;
  const epoch = Math.max(last.epoch, state.epoch);
  return new Map(told).set(keyOf(state.conversation), { seq: last.seq, epoch });
}

/**
 * Compares a live message with what was sent from history. `rolled-back`: history had another message under this
 * number. `passed`: it is newer than all that was sent, so its conversation need not be compared again.
 */
export function comparedWith(
  told: Told,
  message: Message,
): "new" | "passed" | "told" | "rolled-back" {
  if (told.size === 0) return "new";
  const last = told.get(keyOf(message.conversation));
  if (last === undefined) return "new";
  if (message.seq > last.seq) return "passed";
  return message.epoch > last.epoch ? "rolled-back" : "told";
}

export function without(told: Told, { conversation }: Message): Told {
  const rest = new Map(told);
  rest.delete(keyOf(conversation));
  return rest;
}

/** The buffered notices to send, oldest first, without messages that were sent from history. */
export function passEarly(
  { newest }: Early,
  told: Told,
): { readonly told: Told; readonly frames: readonly Encoded[]; readonly isRolledBack: boolean } {
  const early: EarlyNotice[] = [];
  for (let each = newest; each !== undefined; each = each.before) early.push(each);
  const rest = new Map(told);
  const frames: Encoded[] = [];
  for (const { notice, frame } of early.toReversed()) {
    if (notice.type !== "message") {
      frames.push(frame);
      continue;
    }
    const { message } = notice;
    const compared = comparedWith(rest, message);
    if (compared === "rolled-back") return { told: rest, frames, isRolledBack: true };
    if (compared === "told") continue;
    if (compared === "passed") rest.delete(keyOf(message.conversation));
    frames.push(frame);
  }
  return { told: rest, frames, isRolledBack: false };
}
