/**
 * Messages on their way to Redis. Each bucket has one call of `append` under way at a time: a message that comes while
 * none is goes at once, the others wait together until it returns.
 *
 * A batch has a number, and stays as it is until its outcome is known or its deadline is over. So an attempt whose answer
 * was lost may be repeated: Redis keeps the answers to a node's last batch, and refuses late copies of older ones.
 */
import { hash } from "node:crypto";
import { Unavailable, type Author, type Draft } from "../chat/ports.js";
import type { Membership } from "../cluster/ports.js";
import { isReply, type FunctionLibrary } from "./function-library.js";
import { BUCKETS, type Keys } from "./keys.js";
import type { Place, Places } from "./places.js";
import type { Replication } from "./replication.js";
import { retrying } from "./retry.js";

/** Of one call: Redis serves nobody else while it runs. */
const [MOST_MESSAGES, MOST_BYTES] = [64, 262_144];
/** Of a message's id, in Redis: see lua/3-ids.lua. */
const ID_BYTES = 14;
/** Words of an answer, for the batch and for each message: see `append` in lua/3-messages.lua. */
const [BATCH_WORDS, MESSAGE_WORDS] = [2, 4];
const [STORED, STORED_BEFORE, SKIPPED] = [0, 1, 2];
const NOTHING = Buffer.alloc(0);

export interface StoreSettings {
  /** Messages kept per conversation. */
  readonly historyKeep: number;
  /** Older messages are not shown, and are dropped. */
  readonly historyMaxAgeMs: number;
  /** What has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
}

/** Where messages are written, and what is demanded of its replicas, if anything. */
export interface MessageWriter {
  readonly library: FunctionLibrary;
  readonly replication: Replication | undefined;
}

/** Its time in ms since 1970. `repeated`: it was stored before, and this is its first answer. */
export interface Stored {
  readonly seq: number;
  readonly epoch: number;
  readonly time: number;
  readonly repeated: boolean;
}

interface Waiting {
  readonly author: Author;
  readonly place: Place;
  readonly message: Buffer;
  readonly id: Buffer;
  /** The key of its answer in mixed mode, if a client may send it again. */
  readonly sent: string | undefined;
  readonly untilMs: number;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: Error) => void;
}

/** Messages that go together, under a number of the incarnation that sends them first. */
interface Batch {
  readonly messages: readonly Waiting[];
  incarnation: string;
  number: number;
}

type Word = string | Buffer | number;

export class AppendQueue {
  readonly #buckets: readonly BucketQueue[];
  readonly #places: Places;
  readonly #keys: Keys;
  readonly #deadlineMs: number;

  constructor(
    writer: MessageWriter,
    keys: Keys,
    places: Places,
    membership: Membership,
    settings: StoreSettings,
  ) {
    this.#keys = keys;
    this.#places = places;
    this.#deadlineMs = settings.deadlineMs;
    this.#buckets = Array.from(
      { length: BUCKETS },
      (_, bucket) => new BucketQueue(bucket, writer, keys, membership, settings),
    );
  }

  /**
   * Stores a message behind those that were given before.
   *
   * @throws Unavailable if Redis refuses it, if there is no answer in time, or if its author has lost the name
   */
  append({ author, conversation, mid, text, mayRepeat }: Draft): Promise<Stored> {
    const place = this.#places.of(conversation, author.name);
    const head = 3 + mid.length + place.author.length + place.to.length;
    const message = Buffer.allocUnsafe(head + text.length);
    let end = writeField(message, mid, 0);
    end = writeField(message, place.author, end);
    message.set(text, writeField(message, place.to, end));
    const id = mayRepeat
      ? hash("sha256", message.subarray(0, head), "buffer").subarray(0, ID_BYTES)
      : NOTHING;
    const sent = mayRepeat
      ? this.#keys.sent(place.bucket, conversation, author.name, mid)
      : undefined;
    const untilMs = performance.now() + this.#deadlineMs;
    return new Promise((resolve, reject) => {
      const waiting = { author, place, message, id, sent, untilMs, resolve, reject };
      this.#buckets[place.bucket]!.add(waiting);
    });
  }
}

class BucketQueue {
  readonly #keys: readonly string[];
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
    writer: MessageWriter,
    keys: Keys,
    membership: Membership,
    settings: StoreSettings,
  ) {
    this.#keys = [keys.meta(bucket), keys.log(bucket), keys.nodes(bucket), ...keys.ids(bucket)];
    this.#writer = writer;
    this.#membership = membership;
    this.#settings = settings;
  }

  add(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#state === "idle") void this.#run();
  }

  /** Never rejects: {@link #settle} does not. */
  async #run(): Promise<void> {
    this.#state = "sending";
    // what was read in this turn of the event loop goes together
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) await this.#settle(this.#take());
    this.#state = "idle";
  }

  #take(): Batch {
    let [count, size] = [0, 0];
    for (const { message } of this.#waiting) {
      size += message.length;
      if (count === MOST_MESSAGES || (count > 0 && size > MOST_BYTES)) break;
      count++;
    }
    const messages = this.#waiting.splice(0, count);
    return { messages, incarnation: this.#membership.incarnation, number: ++this.#lastNumber };
  }

  /** Never rejects: every message of the batch has an outcome then. */
  async #settle(batch: Batch): Promise<void> {
    const untilMs = batch.messages.at(-1)!.untilMs;
    try {
      const answers = await retrying(untilMs - performance.now(), () => this.#attempt(batch));
      batch.messages.forEach((message, i) =>
        conclude(message, answers, BATCH_WORDS + i * MESSAGE_WORDS),
      );
    } catch (error) {
      for (const { reject } of batch.messages) reject(error as Error);
    }
  }

  /** Sends the batch. Repeating it is safe. @throws the error of Redis, of the connection or of {@link Replication} */
  async #attempt(batch: Batch): Promise<unknown[]> {
    if (!this.#membership.isMember) throw new Error("FENCED this node is not a member");
    const nowMs = performance.now();
    for (const { untilMs, reject } of batch.messages) {
      if (untilMs < nowMs) reject(new Unavailable("the store gave no answer in time"));
    }
    try {
      return await this.#send(batch, nowMs);
    } catch (error) {
      if (isReply(error, "MIXED")) {
        this.#release = "mixed";
        return this.#send(batch, nowMs);
      }
      // the incarnation is over, and has not stored it
      if (isReply(error, "FENCED") && batch.incarnation !== this.#membership.incarnation) {
        batch.incarnation = this.#membership.incarnation;
        batch.number = ++this.#lastNumber;
      }
      throw error;
    }
  }

  async #send(batch: Batch, nowMs: number): Promise<unknown[]> {
    const { library, replication } = this.#writer;
    const [keys, args] = this.#words(batch, nowMs, replication?.least ?? 0);
    const write = () => library.call("append", keys, args) as Promise<unknown[]>;
    const answers =
      replication === undefined
        ? await write()
        : await replication.covering(write, (each) => each[0] as number);
    this.#release = answers[1] === 1 ? "mixed" : "alone";
    return answers;
  }

  /** The keys and arguments of `append` in lua/3-messages.lua. */
  #words(
    { messages, incarnation, number }: Batch,
    nowMs: number,
    least: number,
  ): [string[], Word[]] {
    const { historyKeep, historyMaxAgeMs } = this.#settings;
    const keys = [...this.#keys];
    const args: Word[] = [incarnation, number, historyKeep, historyMaxAgeMs, least];
    const isMixed = this.#release === "mixed";
    args.push(isMixed ? 1 : 0);
    if (isMixed) {
      for (const { sent } of messages) if (sent !== undefined) keys.push(sent);
    }
    const firsts = new Map<string, number>();
    for (const { author, place, message, id, untilMs } of messages) {
      let first = firsts.get(place.keys[0]!);
      if (first === undefined) {
        firsts.set(place.keys[0]!, (first = keys.length + 1));
        keys.push(...place.keys);
      }
      // only its outcome is asked for then, if an attempt before this one has stored it
      const isOver = author.isLive === false || untilMs < nowMs;
      args.push(first, place.author, place.to, id, isOver ? NOTHING : message);
    }
    return [keys, args];
  }
}

function conclude({ resolve, reject }: Waiting, answers: readonly unknown[], at: number): void {
  const [code, seq, epoch, time] = answers.slice(at, at + MESSAGE_WORDS) as number[];
  if (code === STORED || code === STORED_BEFORE) {
    return resolve({ seq: seq!, epoch: epoch!, time: time!, repeated: code === STORED_BEFORE });
  }
  if (code === SKIPPED) return reject(new Unavailable("the session has lost its name"));
  const refusal = String(answers[at + 1]);
  reject(new Unavailable(`the store refuses it (${refusal.split(" ")[0]})`, { cause: refusal }));
}

/** Writes a length byte and the field. Returns where it ends. */
function writeField(message: Buffer, field: string | Buffer, start: number): number {
  message[start] = field.length;
  if (typeof field === "string") message.write(field, start + 1, "latin1");
  else message.set(field, start + 1);
  return start + 1 + field.length;
}
