/** Conversations on Redis: their messages, who has which, and how far each user has read. */
import { keyOf, otherOf, type Conversation } from "../chat/conversation.js";
import type { EphemeralEvent, Message } from "../chat/events.js";
import type { ConversationState, Page, Range } from "../chat/history.js";
import { NOBODY, type Name } from "../chat/names.js";
import type { ConversationStore, Draft, Removal, RemovalOutcome } from "../chat/ports.js";
import type { Membership } from "../cluster/ports.js";
import type { Observe } from "../observe.js";
import type { Appended } from "./append-batch.js";
import { AppendQueue, type MessageWriter, type StoreSettings } from "./append-queue.js";
import { RedisBlocks, type BlockSettings } from "./blocks.js";
import { markField } from "./conversation-fields.js";
import { DamagedValue } from "./damage.js";
import { decodeRecord, encodeEphemeral } from "./events.js";
import { isDamage, type FunctionLibrary, type LibraryFunction } from "./function-library.js";
import { bucketOfConversation, type Keys } from "./keys.js";
import { bytes } from "./name-bytes.js";
import { Places } from "./places.js";
import { Removals } from "./removals.js";
import { ReadGate } from "./read-gate.js";
import { attempting } from "./retry.js";
import { UserConversations } from "./user-conversations.js";

/** Of texts in a page: a client that takes some time to read it is not cut for what comes next. */
const PAGE_BYTES = 262_144;
/** Histories and pages that are read at the same time. */
const READS_AT_ONCE = 4;

export interface ConversationStoreSettings extends StoreSettings, BlockSettings {
  /** Most bytes of texts that are read for a history. */
  readonly historyBytes: number;
  /** Of a text in a history, so many bytes are read. */
  readonly historyTextBytes: number;
}

export class RedisConversationStore implements ConversationStore {
  readonly #library: FunctionLibrary;
  readonly #queue: AppendQueue;
  readonly #keys: Keys;
  readonly #settings: ConversationStoreSettings;
  readonly #observe: Observe;
  readonly #userConversations: UserConversations;
  readonly #removals: Removals;
  readonly #gate: ReadGate;
  readonly #blocks: RedisBlocks;

  constructor(
    library: FunctionLibrary,
    writer: MessageWriter,
    keys: Keys,
    membership: Membership,
    settings: ConversationStoreSettings,
    observe: Observe,
  ) {
    this.#library = library;
    const places = new Places(keys);
    this.#queue = new AppendQueue(writer, keys, places, membership, settings);
    this.#removals = new Removals(writer, keys, places, membership, settings);
    this.#keys = keys;
    this.#settings = settings;
    this.#observe = observe;
    this.#blocks = new RedisBlocks(library, writer, keys, settings);
    this.#userConversations = new UserConversations(library, keys, settings);
    this.#gate = new ReadGate(READS_AT_ONCE, settings.deadlineMs);
  }

  async append(draft: Draft): Promise<Appended> {
    const { counters, log } = this.#observe;
    counters.delivery.begin(draft.mid);
    let stored = await this.#append(draft);
    if (stored === "blocked" && !(await this.#isBlocked(draft))) stored = await this.#append(draft);
    if (stored === "mid_conflict" || stored === "blocked") return stored;
    if (stored.repeated) {
      counters.repeats.inc();
      log.info({ event: "message_repeated" }, "message was stored already");
    } else counters.messages.of(draft.conversation.kind).inc();
    return stored;
  }

  #append(draft: Draft): Promise<Appended> {
    return this.#queue.append(draft).catch((error: unknown) => {
      const refused = (error as Error).cause;
      if (isDamage(refused)) this.#library.damage.found("conversation", {}, refused);
      throw error;
    });
  }

  async #isBlocked({
    author,
    conversation,
  }: Pick<Draft, "author" | "conversation">): Promise<boolean> {
    if (conversation.kind !== "direct") return false;
    return this.#blocks.isBlocking(otherOf(conversation, author.name), author.name);
  }

  remove(removal: Removal): Promise<RemovalOutcome> {
    return this.#removals.remove(removal);
  }

  async history(conversation: Conversation, limit: number, sinceMs: number): Promise<Message[]> {
    const keys = this.#keysOf(conversation).slice(0, 2);
    const { historyMaxAgeMs, historyBytes, historyTextBytes } = this.#settings;
    const args = [limit, historyMaxAgeMs, sinceMs, historyBytes, historyTextBytes];
    const records = await this.#gate.pass(() => this.#call("history", keys, args));
    return this.#decoded(records as Buffer[], conversation)
      .filter((message) => message !== undefined)
      .toReversed();
  }

  conversations(
    name: Name,
    sinceMs: number,
    isAwaited: () => boolean,
  ): Promise<ConversationState[]> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, () =>
      this.#userConversations.of(name, sinceMs, isAwaited),
    );
  }

  async page(
    conversation: Conversation,
    { direction, seq, limit, epoch: of = 0 }: Range,
    sinceMs: number,
  ): Promise<Page> {
    const keys = this.#keysOf(conversation);
    const { historyMaxAgeMs } = this.#settings;
    const args = [direction, seq, limit, historyMaxAgeMs, sinceMs, of, PAGE_BYTES];
    const [epoch, head, floor, time, epochThere, isKnown, ...records] = (await this.#gate.pass(() =>
      this.#call("page", keys, args),
    )) as [number, number, number, number, number, number, ...Buffer[]];
    const hasEpoch = isKnown === 1;
    const messages = inARow(this.#decoded(records, conversation), direction);
    const [oldest, newest] = [messages[0]?.seq ?? 0, messages.at(-1)?.seq ?? head];
    const more = direction === "after" ? newest < head : oldest > floor;
    return { epoch, head, floor, time, epochThere, hasEpoch, messages, more };
  }

  async markRead(
    name: Name,
    conversation: Conversation,
    seq: number,
    sinceMs: number,
  ): Promise<{ read: number; unread: number }> {
    const bucket = bucketOfConversation(conversation);
    const [its, history, removed] = this.#keysOf(conversation);
    const keys = [this.#keys.marks(bucket, name), its, history, this.#keys.log(bucket), removed];
    const args = [
      bytes(name),
      bytes(markField(conversation, name)),
      seq,
      this.#settings.historyMaxAgeMs,
      sinceMs,
    ];
    const [read, unread] = (await this.#call("mark_read", keys, args)) as [number, number];
    return { read, unread };
  }

  async tell(event: Extract<EphemeralEvent, { type: "typing" }>): Promise<void> {
    const { author, conversation } = event;
    if (conversation.kind === "direct") {
      const other = otherOf(conversation, author);
      const isHinted = await this.#blocks.isHinted(conversation, other);
      if (isHinted && (await this.#blocks.isBlocking(other, author))) return;
    }
    const channel = this.#keys.log(bucketOfConversation(conversation));
    await this.#library.publish(channel, encodeEphemeral(event));
  }

  /** The messages of records of this conversation; undefined in the place of what is damaged. */
  #decoded(records: readonly Buffer[], conversation: Conversation): (Message | undefined)[] {
    const key = keyOf(conversation);
    return records.map((record) => {
      try {
        const message = decodeRecord(record);
        if (keyOf(message.conversation) === key) return message;
        // its author has left for good
        if (message.author === NOBODY) return { ...message, conversation };
        throw new DamagedValue("a record is of another conversation");
      } catch (error) {
        if (!(error instanceof DamagedValue)) throw error;
        this.#library.damage.found("conversation", { kind: conversation.kind }, error);
        return undefined;
      }
    });
  }

  #keysOf(conversation: Conversation): [string, string, string] {
    const bucket = bucketOfConversation(conversation);
    return [
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
      this.#keys.removed(bucket, conversation),
    ];
  }

  #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (string | Buffer | number)[],
  ): Promise<unknown> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, () =>
      this.#library.call(name, keys, args),
    );
  }
}

/**
 * A page ends before what is damaged. The next page begins behind it: so its reader is told of a gap, like of messages that
 * are not kept any more.
 */
function inARow(found: readonly (Message | undefined)[], direction: Range["direction"]): Message[] {
  const nearest = direction === "after" ? [...found] : found.toReversed();
  const begun = nearest.slice(
    Math.max(
      nearest.findIndex((each) => each !== undefined),
      0,
    ),
  );
  const end = begun.indexOf(undefined);
  const row = (end === -1 ? begun : begun.slice(0, end)).filter((each) => each !== undefined);
  return direction === "after" ? row : row.toReversed();
}
