/** The archive on Redis: a user's conversations, what they hold, and how far each was read. */
import { GENERAL, type Conversation } from "../chat/conversation.js";
import type { Message, EphemeralEvent } from "../chat/events.js";
import type { ConversationState, Page, Range } from "../chat/history.js";
import { STATUSES, type Name, type User } from "../chat/names.js";
import type { ConversationStore, Present } from "../chat/ports.js";
import { conversationFromMark, markField } from "./conversation-fields.js";
import { decodeRecord, encodeEphemeral } from "./events.js";
import { ALL_BUCKETS, bucketOfConversation, bucketOfUser, type Keys } from "./keys.js";
import type { FunctionLibrary } from "./function-library.js";
import { retrying } from "./retry.js";

export interface ConversationStoreSettings {
  /** Older messages are not shown. */
  readonly historyMaxAgeMs: number;
  /** A step that was not answered within this time fails as Unavailable. */
  readonly deadlineMs: number;
}

/** Of texts in a page: a reader that takes some time for it is not cut for what comes next. */
const PAGE_BYTES = 262_144;

type Five = [number, number, number, number, number];

export class RedisConversationStore implements ConversationStore {
  readonly #ledger: FunctionLibrary;
  readonly #keys: Keys;
  readonly #settings: ConversationStoreSettings;

  constructor(ledger: FunctionLibrary, keys: Keys, settings: ConversationStoreSettings) {
    this.#ledger = ledger;
    this.#keys = keys;
    this.#settings = settings;
  }

  async conversations(name: Name): Promise<ConversationState[]> {
    const parts = await Promise.all(
      ALL_BUCKETS.map((bucket) => this.#conversationsIn(bucket, name)),
    );
    const all = parts.flat();
    const isGeneral = ({ conversation }: ConversationState): boolean =>
      conversation.kind === "general";
    return [...all.filter(isGeneral), ...all.filter((each) => !isGeneral(each))];
  }

  async page(
    conversation: Conversation,
    { direction, seq, limit, epoch: of = 0 }: Range,
  ): Promise<Page> {
    const keys = this.#keysOf(conversation);
    const args = [direction, seq, limit, this.#settings.historyMaxAgeMs, of];
    const [epoch, head, floor, time, epochThere, isKnown, ...records] = (await this.#call(
      "page",
      keys,
      args,
    )) as [...Five, number, ...Buffer[]];
    const hasEpoch = isKnown === 1;
    const messages = fitting(records.map(decodeRecord), direction);
    const [oldest, newest] = [messages[0]?.seq ?? 0, messages.at(-1)?.seq ?? head];
    const more = direction === "after" ? newest < head : oldest > floor;
    return { epoch, head, floor, time, epochThere, hasEpoch, messages, more };
  }

  async markRead(
    name: Name,
    conversation: Conversation,
    seq: number,
  ): Promise<{ read: number; unread: number }> {
    const bucket = bucketOfConversation(conversation);
    const keys = [
      this.#keys.marks(bucket, name),
      ...this.#keysOf(conversation),
      this.#keys.log(bucket),
    ];
    const args = [
      bytes(name),
      bytes(markField(conversation, name)),
      seq,
      this.#settings.historyMaxAgeMs,
    ];
    const [read, unread] = (await this.#call("mark_read", keys, args)) as [number, number];
    return { read, unread };
  }

  async tell(moment: Exclude<EphemeralEvent, { type: "read" }>): Promise<void> {
    const bucket =
      moment.type === "typing"
        ? bucketOfConversation(moment.conversation)
        : bucketOfUser(moment.name);
    await this.#ledger.redis.publish(this.#keys.log(bucket), encodeEphemeral(moment));
  }

  async present(bucket: number): Promise<Present> {
    const keys = [this.#keys.meta(bucket), this.#keys.users(bucket), this.#keys.online(bucket)];
    const [generation, offset, ...found] = (await this.#call("present", keys, [])) as [
      number,
      number,
      ...unknown[],
    ];
    const users: User[] = [];
    for (let i = 0; i < found.length; i += 2) {
      const name = (found[i] as Buffer).toString("latin1") as Name;
      users.push({ name, status: STATUSES[found[i + 1] as number]! });
    }
    return { at: { generation, offset }, covers: (name) => bucketOfUser(name) === bucket, users };
  }

  async #conversationsIn(bucket: number, name: Name): Promise<ConversationState[]> {
    const isHome = bucketOfConversation(GENERAL) === bucket;
    const found = (await this.#call(
      "conversations",
      [this.#keys.inbox(bucket, name), this.#keys.marks(bucket, name)],
      [isHome ? markField(GENERAL, name) : ""],
    )) as (Buffer | number)[];
    const marks: { conversation: Conversation; read: number }[] = [];
    for (let i = 0; i < found.length; i += 2) {
      const conversation = conversationFromMark((found[i] as Buffer).toString("latin1"), name);
      marks.push({ conversation, read: found[i + 1] as number });
    }
    if (marks.length === 0) return [];
    const keys = marks.flatMap(({ conversation }) => this.#keysOf(conversation));
    const numbers = (await this.#call("extents", keys, [
      this.#settings.historyMaxAgeMs,
      bytes(name),
    ])) as number[];
    return marks.map(({ conversation, read }, i) => {
      const [epoch, head, floor, wrote, time] = numbers.slice(5 * i, 5 * i + 5) as Five;
      const mark = Math.min(Math.max(read, wrote), head);
      return { conversation, epoch, head, floor, time, read: mark };
    });
  }

  #keysOf(conversation: Conversation): [string, string] {
    const bucket = bucketOfConversation(conversation);
    return [
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
    ];
  }

  #call(
    name: "conversations" | "extents" | "page" | "mark_read" | "present",
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    return retrying(this.#settings.deadlineMs, () => this.#ledger.call(name, keys, args));
  }
}

/** Those next to the number that was given; one at least. */
function fitting(messages: readonly Message[], direction: Range["direction"]): Message[] {
  const nearest = direction === "after" ? [...messages] : messages.toReversed();
  let bytes = 0;
  const end = nearest.findIndex(({ text }, i) => (bytes += text.length) > PAGE_BYTES && i > 0);
  const kept = end === -1 ? nearest : nearest.slice(0, end);
  return direction === "after" ? kept : kept.toReversed();
}

function bytes(name: string): Buffer {
  return Buffer.from(name, "latin1");
}
