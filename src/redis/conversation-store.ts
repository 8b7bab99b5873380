/** Conversations on Redis: their messages, who has which, and how far each user has read. */
import { otherOf, type Conversation } from "../chat/conversation.js";
import type { EphemeralEvent, Message } from "../chat/events.js";
import type { ConversationState, Page, Range } from "../chat/history.js";
import type { Name } from "../chat/names.js";
import { Unavailable, type ConversationStore, type Draft } from "../chat/ports.js";
import type { Membership } from "../cluster/ports.js";
import type { Observe } from "../observe.js";
import { markField, recipientField } from "./conversation-fields.js";
import { decodeRecord, encodeEphemeral } from "./events.js";
import type { FunctionLibrary, LibraryFunction } from "./function-library.js";
import { bucketOfConversation, type Keys } from "./keys.js";
import { bytes } from "./name-bytes.js";
import type { Replication } from "./replication.js";
import { retrying } from "./retry.js";
import { UserConversations } from "./user-conversations.js";

export interface ConversationStoreSettings {
  /** Messages kept per conversation. */
  readonly historyKeep: number;
  /** Older messages are not shown, and are dropped. */
  readonly historyMaxAgeMs: number;
  /** A step that has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
}

/** Where messages are written, and what is demanded of its replicas, if anything. */
export interface MessageWriter {
  readonly library: FunctionLibrary;
  readonly replication: Replication | undefined;
}

/** Of texts in a page: a client that takes some time to read it is not cut for what comes next. */
const PAGE_BYTES = 262_144;

export class RedisConversationStore implements ConversationStore {
  readonly #library: FunctionLibrary;
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #membership: Membership;
  readonly #settings: ConversationStoreSettings;
  readonly #observe: Observe;
  readonly #userConversations: UserConversations;

  constructor(
    library: FunctionLibrary,
    writer: MessageWriter,
    keys: Keys,
    membership: Membership,
    settings: ConversationStoreSettings,
    observe: Observe,
  ) {
    this.#library = library;
    this.#writer = writer;
    this.#keys = keys;
    this.#membership = membership;
    this.#settings = settings;
    this.#observe = observe;
    this.#userConversations = new UserConversations(library, keys, settings.historyMaxAgeMs);
  }

  async append(draft: Draft): ReturnType<ConversationStore["append"]> {
    const { author, conversation, mid, text } = draft;
    const bucket = bucketOfConversation(conversation);
    const keys = [
      this.#keys.meta(bucket),
      this.#keys.log(bucket),
      this.#keys.nodes(bucket),
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
      this.#keys.sent(bucket, conversation, author.name, mid),
      ...this.#inboxes(bucket, conversation, author.name),
    ];
    const { library, replication } = this.#writer;
    const { counters, log } = this.#observe;
    counters.delivery.begin(mid);
    const [answer, seq, epoch, time] = (await this.#retrying(() => {
      if (!this.#membership.isMember) throw new Error("FENCED this node is not a member");
      if (author.isLive === false) throw new Unavailable("the session has lost its name");
      const write = (): Promise<unknown> =>
        library.call("append", keys, [
          this.#membership.incarnation,
          bytes(author.name),
          bytes(recipientField(conversation, author.name)),
          mid,
          Buffer.from(text.buffer, text.byteOffset, text.length),
          this.#settings.historyKeep,
          this.#settings.historyMaxAgeMs,
          replication?.least ?? 0,
        ]);
      return replication === undefined
        ? write()
        : replication.covering(write, (reply) => (reply as number[])[4]!);
    })) as [Buffer, number, number, number];
    const repeated = answer.toString() === "again";
    if (repeated) {
      counters.repeats.inc();
      log.info({ event: "message_repeated" }, "message was stored already");
    } else counters.messages.of(conversation.kind).inc();
    return { seq, epoch, time, repeated };
  }

  async history(conversation: Conversation, limit: number): Promise<Message[]> {
    const keys = [this.#keys.history(bucketOfConversation(conversation), conversation)];
    const records = await this.#call("history", keys, [limit, this.#settings.historyMaxAgeMs]);
    return (records as Buffer[]).map(decodeRecord).toReversed();
  }

  conversations(name: Name): Promise<ConversationState[]> {
    return this.#retrying(() => this.#userConversations.of(name));
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
    )) as [number, number, number, number, number, number, ...Buffer[]];
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

  async tell(event: Extract<EphemeralEvent, { type: "typing" }>): Promise<void> {
    const channel = this.#keys.log(bucketOfConversation(event.conversation));
    await this.#library.redis.publish(channel, encodeEphemeral(event));
  }

  #keysOf(conversation: Conversation): [string, string] {
    const bucket = bucketOfConversation(conversation);
    return [
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
    ];
  }

  /** Of a private conversation: the author's inbox and marks, and the other user's, if it is another. */
  #inboxes(bucket: number, conversation: Conversation, author: Name): string[] {
    if (conversation.kind !== "direct") return [];
    const users = new Set([author, otherOf(conversation, author)]);
    return [...users].flatMap((name) => [
      this.#keys.inbox(bucket, name),
      this.#keys.marks(bucket, name),
    ]);
  }

  #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    return this.#retrying(() => this.#library.call(name, keys, args));
  }

  #retrying<T>(step: () => Promise<T>): Promise<T> {
    return retrying(this.#settings.deadlineMs, step);
  }
}

/** Those next to the number that was given; one at least. */
function fitting(messages: readonly Message[], direction: Range["direction"]): Message[] {
  const nearest = direction === "after" ? [...messages] : messages.toReversed();
  let size = 0;
  const end = nearest.findIndex(({ text }, i) => (size += text.length) > PAGE_BYTES && i > 0);
  const kept = end === -1 ? nearest : nearest.slice(0, end);
  return direction === "after" ? kept : kept.toReversed();
}
