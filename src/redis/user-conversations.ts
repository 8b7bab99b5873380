/**
 * The conversations of users: the general chat, and the private ones, which may be in any bucket. Users who ask
 * within a window are answered together: after a restart thousands come back at once, and each bucket has to be asked.
 */
import { GENERAL, type Conversation } from "../chat/conversation.js";
import type { ConversationState } from "../chat/history.js";
import type { Name } from "../chat/names.js";
import { Unavailable } from "../chat/ports.js";
import { conversationFromMark, markField } from "./conversation-fields.js";
import { isNameLength } from "./events.js";
import type { FunctionLibrary } from "./function-library.js";
import { ALL_BUCKETS, bucketOfConversation, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { takeOverdue } from "./overdue.js";
import { Window, longerUnderLoad, type Gatherer } from "../window.js";

/** Users that one call asks for: more would keep Redis from other work for too long. */
const MOST_AT_ONCE = 32;
/** The window of a node that does nothing else, and how much longer it is on one that is never idle. */
const [LEAST_WINDOW_MS, MORE_UNDER_LOAD_MS] = [4, 16];

interface Waiter {
  readonly name: Name;
  readonly sinceMs: number;
  /** Whether its client is still there. */
  readonly isAwaited: () => boolean;
  readonly untilMs: number;
  readonly resolve: (states: Promise<ConversationState[]>) => void;
  readonly reject: (error: unknown) => void;
}

interface Mark {
  readonly conversation: Conversation;
  /** How far the user has read, as far as is stored; or {@link FORMER_MARK}. */
  readonly read: number;
}

/** A user's marks in one bucket as the function tells them: name, number, name, number, … */
type Found = readonly (Buffer | number)[] | Error;

/** In place of the epoch: the conversation ended before the user's time. */
const BEFORE = -1;
/** Instead of an epoch. */
const DAMAGED = -2;
/** In place of the mark in the general chat: a former owner of the name has left one. */
const FORMER_MARK = -1;

type Five = [number, number, number, number, number];

const HOME = bucketOfConversation(GENERAL);

/** Why a waiter is not answered. */
const GONE = "nobody waits for it any more";

const helloWindow = longerUnderLoad(LEAST_WINDOW_MS, MORE_UNDER_LOAD_MS);

export interface UserConversationsSettings {
  /** Older messages do not count. */
  readonly historyMaxAgeMs: number;
  /** Who has waited so long is not asked for any more. */
  readonly deadlineMs: number;
}

export class UserConversations implements Gatherer {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #historyMaxAgeMs: number;
  readonly #deadlineMs: number;
  readonly #window = new Window(helloWindow);
  readonly #waiting: Waiter[] = [];
  #state: "idle" | "asking" = "idle";

  constructor(library: FunctionLibrary, keys: Keys, settings: UserConversationsSettings) {
    this.#library = library;
    this.#keys = keys;
    this.#historyMaxAgeMs = settings.historyMaxAgeMs;
    this.#deadlineMs = settings.deadlineMs;
  }

  /**
   * The general chat first. Of private conversations only what was written since. Not one atomic step: a message that is stored meanwhile counts or does not.
   *
   * @throws Unavailable if its turn does not come in time, or nobody waits for it by then; the error of Redis or of the connection (retry.ts knows which
   *   may be retried)
   */
  of(
    name: Name,
    sinceMs: number,
    isAwaited: () => boolean = () => true,
  ): Promise<ConversationState[]> {
    return new Promise((resolve, reject) => {
      const untilMs = performance.now() + this.#deadlineMs;
      const count = this.#waiting.push({ name, sinceMs, isAwaited, untilMs, resolve, reject });
      if (count === 1 && this.#state === "idle") this.#window.queue(this);
    });
  }

  /** Asks for those who wait. Those who come before the answer are asked for after it: at once, if they are many. */
  flush(): void {
    for (const { reject } of takeOverdue(this.#waiting, performance.now())) {
      reject(new Unavailable("the store gave no answer in time"));
    }
    if (this.#waiting.length > 0) void this.#run();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    this.#state = "asking";
    const batch = this.#take();
    if (batch.length > 0) await this.#answer(batch);
    this.#state = "idle";
    if (this.#waiting.length >= MOST_AT_ONCE) this.flush();
    else if (this.#waiting.length > 0) this.#window.queue(this);
  }

  /** The next ones, but for those whose client has gone. */
  #take(): Waiter[] {
    const batch: Waiter[] = [];
    let count = 0;
    for (const waiter of this.#waiting) {
      if (batch.length === MOST_AT_ONCE) break;
      count++;
      if (waiter.isAwaited()) batch.push(waiter);
      else waiter.reject(new Unavailable(GONE));
    }
    this.#waiting.splice(0, count);
    return batch;
  }

  /** Never rejects. */
  async #answer(batch: readonly Waiter[]): Promise<void> {
    const names = batch.map(({ name }) => name);
    try {
      const [general, found] = await Promise.all([
        this.#extents([GENERAL], HOME, names, 0),
        this.#marksOf(batch),
      ]);
      for (const [i, waiter] of batch.entries()) {
        const its = found.map((bucket) => bucket[i]!);
        if (!waiter.isAwaited()) waiter.reject(new Unavailable(GONE));
        else waiter.resolve(this.#statesOf(waiter, general.slice(5 * i, 5 * i + 5) as Five, its));
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  /** Of each bucket, what it has of each user. */
  #marksOf(batch: readonly Waiter[]): Promise<Found[][]> {
    const inboxes = batch.map(({ name }) => this.#keys.inboxesOf(name));
    const general = [markField(GENERAL, batch[0]!.name), ...batch.map(({ sinceMs }) => sinceMs)];
    const calls = ALL_BUCKETS.map(async (bucket) => {
      const keys = inboxes.flatMap((its) => its[bucket]!);
      const args = bucket === HOME ? general : [""];
      return (await this.#library.call("conversations", keys, args)) as Found[];
    });
    return Promise.all(calls);
  }

  /** @param found what each bucket has of the user; the home of the general chat begins with that */
  async #statesOf(
    { name, sinceMs }: Pick<Waiter, "name" | "sinceMs">,
    general: Five,
    found: readonly Found[],
  ): Promise<ConversationState[]> {
    const states: ConversationState[] = [];
    const others: Promise<ConversationState[]>[] = [];
    for (const [bucket, marks] of found.map((words) => this.#marksFrom(words, name)).entries()) {
      if (bucket === HOME) {
        const mark = marks.shift()!;
        states.push(this.#stateOf(mark, general));
        // before the user can read on from there
        if (mark.read === FORMER_MARK) others.push(this.#dropFormerMark(name, sinceMs));
      }
      if (marks.length > 0) others.push(this.#privateStates(bucket, name, marks, sinceMs));
    }
    for (const some of await Promise.all(others)) states.push(...some);
    return states;
  }

  async #dropFormerMark(name: Name, sinceMs: number): Promise<ConversationState[]> {
    const args = [markField(GENERAL, name), sinceMs];
    await this.#library.call("drop_former_mark", [this.#keys.marks(HOME, name)], args);
    return [];
  }

  async #privateStates(
    bucket: number,
    name: Name,
    marks: readonly Mark[],
    sinceMs: number,
  ): Promise<ConversationState[]> {
    const conversations = marks.map(({ conversation }) => conversation);
    const numbers = await this.#extents(conversations, bucket, [name], sinceMs);
    return marks.flatMap((mark, i) => {
      const its = numbers.slice(5 * i, 5 * i + 5) as Five;
      return its[0] === BEFORE ? [] : [this.#stateOf(mark, its, sinceMs > 0)];
    });
  }

  /** Five numbers for each conversation and, in it, for each user. */
  async #extents(
    conversations: readonly Conversation[],
    bucket: number,
    names: readonly Name[],
    sinceMs: number,
  ): Promise<number[]> {
    const keys = conversations.flatMap((each) => [
      this.#keys.conversation(bucket, each),
      this.#keys.history(bucket, each),
      this.#keys.removed(bucket, each),
    ]);
    const args = [this.#historyMaxAgeMs, sinceMs, ...names.map(bytes)];
    return (await this.#library.call("extents", keys, args)) as number[];
  }

  /** Without conversations with those whose name is none. */
  #marksFrom(words: Found, name: Name): Mark[] {
    if (words instanceof Error) throw words;
    const marks: Mark[] = [];
    for (let i = 0; i < words.length; i += 2) {
      const other = words[i] as Buffer;
      if (isNameLength(other.length)) {
        const conversation = conversationFromMark(nameAt(other), name);
        marks.push({ conversation, read: words[i + 1] as number });
      } else this.#library.damage.found("user", { field: "inbox" });
    }
    return marks;
  }

  /**
   * A conversation that is damaged has no messages. Who asks for them is told that they are unavailable.
   *
   * @param isTheirs how far somebody else has read under this name before is not told
   */
  #stateOf({ conversation, read: mark }: Mark, numbers: Five, isTheirs = false): ConversationState {
    const [epoch, head, floor, wrote, time] = numbers;
    if (epoch === DAMAGED) {
      this.#library.damage.found("conversation", { kind: conversation.kind });
      return { conversation, epoch: 0, head, floor, time, read: head };
    }
    const read = Math.min(Math.max(mark, wrote, isTheirs ? floor - 1 : 0), head);
    return { conversation, epoch, head, floor, time, read };
  }
}
