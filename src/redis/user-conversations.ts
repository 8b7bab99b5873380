/**
 * The conversations of users: the general chat, and the private ones, which may be in any bucket. Users who ask in
 * the same moment are answered together: after a restart thousands come back at once, and each bucket has to be asked.
 */
import { GENERAL, type Conversation } from "../chat/conversation.js";
import type { ConversationState } from "../chat/history.js";
import type { Name } from "../chat/names.js";
import { conversationFromMark, markField } from "./conversation-fields.js";
import type { FunctionLibrary } from "./function-library.js";
import { ALL_BUCKETS, bucketOfConversation, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";

/** Users that one call asks for: more would keep Redis from other work for too long. */
const MOST_AT_ONCE = 32;

interface Waiter {
  readonly name: Name;
  readonly resolve: (states: Promise<ConversationState[]>) => void;
  readonly reject: (error: unknown) => void;
}

interface Mark {
  readonly conversation: Conversation;
  /** How far the user has read, as far as is stored. */
  readonly read: number;
}

/** A user's marks in one bucket as the function tells them: name, number, name, number, … */
type Found = readonly (Buffer | number)[] | Error;

type Five = [number, number, number, number, number];

const HOME = bucketOfConversation(GENERAL);

export class UserConversations {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #historyMaxAgeMs: number;
  readonly #waiting: Waiter[] = [];
  #state: "idle" | "asking" = "idle";

  /** @param historyMaxAgeMs older messages do not count */
  constructor(library: FunctionLibrary, keys: Keys, historyMaxAgeMs: number) {
    this.#library = library;
    this.#keys = keys;
    this.#historyMaxAgeMs = historyMaxAgeMs;
  }

  /**
   * The general chat first. Not one atomic step: a message that is stored meanwhile counts or does not.
   *
   * @throws the error of Redis or of the connection; retry.ts knows which may be retried
   */
  of(name: Name): Promise<ConversationState[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, resolve, reject });
      if (this.#state === "idle") void this.#answerAll();
    });
  }

  /** One batch after the other: while one is asked for, the next one gathers. Never rejects. */
  async #answerAll(): Promise<void> {
    this.#state = "asking";
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MOST_AT_ONCE);
      const names = batch.map(({ name }) => name);
      try {
        const [general, found] = await Promise.all([
          this.#extents([GENERAL], HOME, names),
          Promise.all(ALL_BUCKETS.map((bucket) => this.#marksIn(bucket, names))),
        ]);
        for (const [i, { name, resolve }] of batch.entries()) {
          const its = found.map((bucket) => bucket[i]!);
          resolve(this.#statesOf(name, general.slice(5 * i, 5 * i + 5) as Five, its));
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#state = "idle";
  }

  async #marksIn(bucket: number, names: readonly Name[]): Promise<Found[]> {
    const keys = names.flatMap((name) => [
      this.#keys.inbox(bucket, name),
      this.#keys.marks(bucket, name),
    ]);
    const first = bucket === HOME ? markField(GENERAL, names[0]!) : "";
    return (await this.#library.call("conversations", keys, [first])) as Found[];
  }

  /** @param found what each bucket has of the user; the home of the general chat begins with that */
  async #statesOf(
    name: Name,
    general: Five,
    found: readonly Found[],
  ): Promise<ConversationState[]> {
    const states: ConversationState[] = [];
    const others: Promise<ConversationState[]>[] = [];
    for (const [bucket, words] of found.entries()) {
      const marks = marksOf(words, name);
      if (bucket === HOME) states.push(stateOf(marks.shift()!, general));
      if (marks.length > 0) others.push(this.#privateStates(bucket, name, marks));
    }
    for (const some of await Promise.all(others)) states.push(...some);
    return states;
  }

  async #privateStates(
    bucket: number,
    name: Name,
    marks: readonly Mark[],
  ): Promise<ConversationState[]> {
    const conversations = marks.map(({ conversation }) => conversation);
    const numbers = await this.#extents(conversations, bucket, [name]);
    return marks.map((mark, i) => stateOf(mark, numbers.slice(5 * i, 5 * i + 5) as Five));
  }

  /** Five numbers for each conversation and, in it, for each user. */
  async #extents(
    conversations: readonly Conversation[],
    bucket: number,
    names: readonly Name[],
  ): Promise<number[]> {
    const keys = conversations.flatMap((each) => [
      this.#keys.conversation(bucket, each),
      this.#keys.history(bucket, each),
    ]);
    const args = [this.#historyMaxAgeMs, ...names.map(bytes)];
    return (await this.#library.call("extents", keys, args)) as number[];
  }
}

function marksOf(words: Found, name: Name): Mark[] {
  if (words instanceof Error) throw words;
  const marks: Mark[] = [];
  for (let i = 0; i < words.length; i += 2) {
    const conversation = conversationFromMark(nameAt(words[i] as Buffer), name);
    marks.push({ conversation, read: words[i + 1] as number });
  }
  return marks;
}

function stateOf({ conversation, read }: Mark, numbers: Five): ConversationState {
  const [epoch, head, floor, wrote, time] = numbers;
  return { conversation, epoch, head, floor, time, read: Math.min(Math.max(read, wrote), head) };
}
