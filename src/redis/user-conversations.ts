/**
 * The conversations of a user: the general chat, and the private ones of each bucket. Most users have none in most
 * buckets, so each bucket is first asked how many it has, by a plain read: that costs Redis far less than a function.
 */
import { GENERAL, type Conversation } from "../chat/conversation.js";
import type { ConversationState } from "../chat/history.js";
import type { Name } from "../chat/names.js";
import { conversationFromMark, markField } from "./conversation-fields.js";
import type { FunctionLibrary } from "./function-library.js";
import { ALL_BUCKETS, bucketOfConversation, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";

interface Mark {
  readonly conversation: Conversation;
  /** How far the user has read, as far as is stored. */
  readonly read: number;
}

type Five = [number, number, number, number, number];

const HOME = bucketOfConversation(GENERAL);

export class UserConversations {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #historyMaxAgeMs: number;

  /** @param historyMaxAgeMs older messages do not count */
  constructor(library: FunctionLibrary, keys: Keys, historyMaxAgeMs: number) {
    this.#library = library;
    this.#keys = keys;
    this.#historyMaxAgeMs = historyMaxAgeMs;
  }

  /** The general chat first. Not one atomic step: a message that is stored meanwhile counts or does not. */
  async of(name: Name): Promise<ConversationState[]> {
    const parts = [
      this.#general(name),
      ...ALL_BUCKETS.map((bucket) => this.#privateIn(bucket, name)),
    ];
    return (await Promise.all(parts)).flat();
  }

  async #general(name: Name): Promise<ConversationState[]> {
    const field = markField(GENERAL, name);
    const [read, numbers] = await Promise.all([
      this.#library.redis.hget(this.#keys.marks(HOME, name), field),
      this.#extents([GENERAL], HOME, name),
    ]);
    return states([{ conversation: GENERAL, read: Number(read ?? 0) }], numbers);
  }

  async #privateIn(bucket: number, name: Name): Promise<ConversationState[]> {
    const inbox = this.#keys.inbox(bucket, name);
    if ((await this.#library.redis.zcard(inbox)) === 0) return [];
    const found = (await this.#library.call(
      "conversations",
      [inbox, this.#keys.marks(bucket, name)],
      [""],
    )) as (Buffer | number)[];
    const marks: Mark[] = [];
    for (let i = 0; i < found.length; i += 2) {
      const conversation = conversationFromMark(nameAt(found[i] as Buffer), name);
      marks.push({ conversation, read: found[i + 1] as number });
    }
    if (marks.length === 0) return []; // forgotten since
    const conversations = marks.map(({ conversation }) => conversation);
    return states(marks, await this.#extents(conversations, bucket, name));
  }

  async #extents(
    conversations: readonly Conversation[],
    bucket: number,
    name: Name,
  ): Promise<number[]> {
    const keys = conversations.flatMap((each) => [
      this.#keys.conversation(bucket, each),
      this.#keys.history(bucket, each),
    ]);
    const args = [this.#historyMaxAgeMs, bytes(name)];
    return (await this.#library.call("extents", keys, args)) as number[];
  }
}

/** @param numbers five for each conversation, as `extents` returns them */
function states(marks: readonly Mark[], numbers: readonly number[]): ConversationState[] {
  return marks.map(({ conversation, read }, i) => {
    const [epoch, head, floor, wrote, time] = numbers.slice(5 * i, 5 * i + 5) as Five;
    return { conversation, epoch, head, floor, time, read: Math.min(Math.max(read, wrote), head) };
  });
}
