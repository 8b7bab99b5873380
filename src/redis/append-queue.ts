/**
 * Messages on their way to Redis. They leave at the end of a window, those of all buckets together: after a quiet time at
 * once, and on a busy node some milliseconds later, because to wake Redis and the gateways costs more than a message.
 * Each bucket has one call of `append` under way at a time: what comes meanwhile waits until it returns.
 *
 * A batch has a number, and stays as it is until its outcome is known or its deadline is over. So an attempt whose answer
 * was lost may be repeated: Redis keeps the answers to a node's last batch, and refuses late copies of older ones.
 */
import { Unavailable, type Draft } from "../chat/ports.js";
import type { Membership } from "../cluster/ports.js";
import {
  TOO_LATE,
  conclude,
  messageOf,
  wordsOf,
  type Answers,
  type Batch,
  type BatchSettings,
  type BucketKeys,
  type Appended,
  type Waiting,
} from "./append-batch.js";
import { isReply, type FunctionLibrary } from "./function-library.js";
import { BUCKETS, type Keys } from "./keys.js";
import { takeOverdue } from "./overdue.js";
import type { Places } from "./places.js";
import type { Replication } from "./replication.js";
import { retrying } from "./retry.js";
import { Window, longerUnderLoad, type Gatherer } from "../window.js";

/**
 * Of one call: Redis serves nobody else while it runs, one or two milliseconds. Fewer would limit a busy node, which reads
 * the answer only after it has written to all its sockets.
 */
const [MOST_MESSAGES, MOST_BYTES] = [256, 262_144];
/** The window of a node that does nothing else, and how much longer it is on one that is never idle. */
const [LEAST_WINDOW_MS, MORE_UNDER_LOAD_MS] = [2, 8];
/** So often the keys of the inboxes are passed: Redis puts a conversation there, and renews what expires. */
const PASS_ALL_EACH_MS = 30_000;

export const appendWindow = longerUnderLoad(LEAST_WINDOW_MS, MORE_UNDER_LOAD_MS);

export interface StoreSettings extends BatchSettings {
  /** What has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
}

/** Where messages are written, and what is demanded of its replicas, if anything. */
export interface MessageWriter {
  readonly library: FunctionLibrary;
  readonly replication: Replication | undefined;
}

export class AppendQueue {
  readonly #buckets: readonly BucketQueue[];
  readonly #places: Places;
  readonly #deadlineMs: number;

  constructor(
    writer: MessageWriter,
    keys: Keys,
    places: Places,
    membership: Membership,
    settings: StoreSettings,
    window: Pick<Window, "queue"> = new Window(appendWindow),
  ) {
    this.#places = places;
    this.#deadlineMs = settings.deadlineMs;
    this.#buckets = Array.from(
      { length: BUCKETS },
      (_, bucket) => new BucketQueue(bucket, window, writer, keys, membership, settings),
    );
  }

  /**
   * Stores a message behind those that were given before.
   *
   * @throws Unavailable if Redis refuses it, if there is no answer in time, or if its author has lost the name
   */
  append(draft: Draft): Promise<Appended> {
    const place = this.#places.of(draft.conversation, draft.author.name);
    const message = messageOf(draft, place);
    const untilMs = performance.now() + this.#deadlineMs;
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { draft, place, message, keys: "two", untilMs, resolve, reject };
      this.#buckets[place.bucket]!.add(waiting);
    });
  }
}

class BucketQueue implements Gatherer {
  readonly #window: Pick<Window, "queue">;
  readonly #keys: BucketKeys;
  readonly #writer: MessageWriter;
  readonly #membership: Membership;
  readonly #settings: StoreSettings;
  readonly #waiting: Waiting[] = [];
  #state: "idle" | "sending" = "idle";
  #lastNumber = 0;
  /** Mixed: a gateway of an earlier release may be there, so Redis wants the keys of answers (lua/3-ids.lua). */
  #release: "alone" | "mixed" = "alone";

  constructor(
    bucket: number,
    window: Pick<Window, "queue">,
    writer: MessageWriter,
    keys: Keys,
    membership: Membership,
    settings: StoreSettings,
  ) {
    this.#window = window;
    this.#keys = {
      always: [keys.meta(bucket), keys.log(bucket), keys.nodes(bucket)],
      ids: keys.ids(bucket),
      sentOf: ({ conversation, author, mid }) => keys.sent(bucket, conversation, author.name, mid),
    };
    this.#writer = writer;
    this.#membership = membership;
    this.#settings = settings;
  }

  add(waiting: Waiting): void {
    if (this.#waiting.push(waiting) === 1 && this.#state === "idle") this.#window.queue(this);
  }

  /** Sends the messages that wait. Those that come before the answer leave after it: at once, if they are many. */
  flush(): void {
    this.#rejectOverdue();
    if (this.#waiting.length > 0) void this.#run();
  }

  /** They were never sent, or Redis has not stored them: a slow Redis is not asked for what nobody waits for. */
  #rejectOverdue(): void {
    for (const { reject } of takeOverdue(this.#waiting, performance.now())) {
      reject(new Unavailable(TOO_LATE));
    }
  }

  /** Never rejects: {@link #settle} does not. */
  async #run(): Promise<void> {
    this.#state = "sending";
    await this.#settle(this.#take());
    this.#state = "idle";
    if (this.#waiting.length >= MOST_MESSAGES) this.flush();
    else if (this.#waiting.length > 0) this.#window.queue(this);
  }

  #take(): Batch {
    let [count, size] = [0, 0];
    for (const { message } of this.#waiting) {
      size += message.length;
      if (count === MOST_MESSAGES || (count > 0 && size > MOST_BYTES)) break;
      count++;
    }
    const messages = this.#waiting.splice(0, count);
    const nowMs = performance.now();
    for (const waiting of messages) {
      const { place } = waiting;
      if (nowMs - place.passedAllMs < PASS_ALL_EACH_MS) continue;
      waiting.keys = "all";
      place.passedAllMs = nowMs;
    }
    return { messages, incarnation: this.#membership.incarnation, number: ++this.#lastNumber };
  }

  /** Never rejects: every message of the batch has an outcome then. */
  async #settle(batch: Batch): Promise<void> {
    const untilMs = batch.messages.at(-1)!.untilMs;
    try {
      const answers = await retrying(untilMs - performance.now(), () => this.#attempt(batch));
      const wanting = conclude(batch, answers);
      for (const { place } of wanting) place.passedAllMs = -Infinity;
      this.#waiting.unshift(...wanting);
    } catch (error) {
      for (const { place, reject } of batch.messages) {
        place.passedAllMs = -Infinity; // perhaps nothing of it has arrived
        reject(error as Error);
      }
    }
  }

  /** Sends the batch. Repeating it is safe. @throws the error of Redis, of the connection or of {@link Replication} */
  async #attempt(batch: Batch): Promise<Answers> {
    const nowMs = performance.now();
    for (const { untilMs, reject } of batch.messages) {
      if (untilMs < nowMs) reject(new Unavailable(TOO_LATE));
    }
    if (!this.#membership.isMember) throw new Error("FENCED this node is not a member");
    try {
      return await this.#send(batch);
    } catch (error) {
      if (isReply(error, "MIXED")) {
        this.#release = "mixed";
        return this.#send(batch);
      }
      // the incarnation is over, and has not stored it
      if (isReply(error, "FENCED") && batch.incarnation !== this.#membership.incarnation) {
        batch.incarnation = this.#membership.incarnation;
        batch.number = ++this.#lastNumber;
      }
      throw error;
    }
  }

  async #send(batch: Batch): Promise<Answers> {
    const { library, replication } = this.#writer;
    const words = wordsOf(
      batch,
      this.#keys,
      this.#settings,
      replication?.least ?? 0,
      this.#release,
    );
    const write = () => library.call("append", ...words) as Promise<Answers>;
    const answers =
      replication === undefined
        ? await write()
        : await replication.covering(write, (each) => each[0]);
    this.#release = answers[1] === 1 ? "mixed" : "alone";
    return answers;
  }
}
