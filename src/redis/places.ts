/** Where an author's messages to a conversation go: kept, since most messages go where others went just before. */
import type { Conversation } from "../chat/conversation.js";
import { otherOf } from "../chat/conversation.js";
import type { Name } from "../chat/names.js";
import { recipientField } from "./conversation-fields.js";
import { bucketOfConversation, type Keys } from "./keys.js";
import { bytes } from "./name-bytes.js";

/** So many are kept; then all are forgotten. */
const MOST_KEPT = 10_000;

export interface Place {
  readonly bucket: number;
  readonly author: Buffer;
  /** In a message record: empty for the general chat, else the other user. */
  readonly to: Buffer;
  /** Conversation and history; in private also inbox and marks of the author, and of the other user. */
  readonly keys: readonly string[];
  /** What is left of messages that were removed. */
  readonly removed: string;
  /** When all keys were passed last, by `performance.now()`. */
  passedAllMs: number;
}

export class Places {
  readonly #keys: Keys;
  readonly #kept = new Map<string, Place>();

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  of(conversation: Conversation, author: Name): Place {
    const to = recipientField(conversation, author);
    const name = `${author.length}:${author}${to}`; // names are not empty, and may have any character
    const kept = this.#kept.get(name);
    if (kept !== undefined) return kept;
    if (this.#kept.size === MOST_KEPT) this.#kept.clear();
    const bucket = bucketOfConversation(conversation);
    const inboxes = conversation.kind === "direct" ? [author, otherOf(conversation, author)] : [];
    const keys = [
      this.#keys.conversation(bucket, conversation),
      this.#keys.history(bucket, conversation),
      ...inboxes.flatMap((each) => [
        this.#keys.inbox(bucket, each),
        this.#keys.marks(bucket, each),
      ]),
    ];
    const removed = this.#keys.removed(bucket, conversation);
    const [its, other] = [bytes(author), bytes(to)];
    const place = { bucket, author: its, to: other, keys, removed, passedAllMs: -Infinity };
    this.#kept.set(name, place);
    return place;
  }
}
