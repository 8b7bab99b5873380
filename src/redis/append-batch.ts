/** The bytes of a batch of messages, as the Redis function `append` takes and answers it (lua/3-messages.lua). */
import { hash } from "node:crypto";
import { Unavailable, type Draft } from "../chat/ports.js";
import type { Place } from "./places.js";

/** Of a message's id, in Redis: see lua/3-ids.lua. */
const ID_BYTES = 14;
/** Bytes of each message's answer: a code and three numbers, and behind those of a refusal its text. */
const ANSWER_BYTES = 19;
const [STORED, STORED_BEFORE, SKIPPED, , WANTED, CONFLICT, BLOCKED] = [0, 1, 2, 3, 4, 5, 6];
/** Of a message: the inboxes' keys are passed; it is not to be stored; its author is the other user of those keys. */
const [HAS_ALL, IS_OVER, IS_OTHER] = [1, 2, 4];
/** A message begins with the number of a key, its flags and its id. */
const [FLAGS_AT, ID_AT] = [2, 3];
/** Of what comes before the messages. */
const HEAD_BYTES = 17;

/** Its time in ms since 1970. `repeated`: it was stored before, and this is its first answer. */
export interface Stored {
  readonly seq: number;
  readonly epoch: number;
  readonly time: number;
  readonly repeated: boolean;
}

/** `mid_conflict`: another message is stored under this id. `blocked`: there is a hint that its recipient blocks its author. */
export type Appended = Stored | "mid_conflict" | "blocked";

/** A message on its way. */
export interface Waiting {
  readonly draft: Draft;
  readonly place: Place;
  /** Its bytes, but for the first ones, which are written when it is sent. */
  readonly message: Buffer;
  /** Whether it is sent with all keys that it may need, or with those of the conversation and its history. */
  keys: "all" | "two";
  readonly untilMs: number;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: Error) => void;
}

/** Messages that go together, under a number of the incarnation that sends them first. */
export interface Batch {
  readonly messages: readonly Waiting[];
  incarnation: string;
  number: number;
}

/** The keys of a bucket that a batch needs. */
export interface BucketKeys {
  /** Of each batch. */
  readonly always: readonly string[];
  readonly ids: readonly string[];
  readonly sentOf: (draft: Draft) => string;
}

export interface BatchSettings {
  /** Messages kept per conversation. */
  readonly historyKeep: number;
  /** Older messages are not shown, and are dropped. */
  readonly historyMaxAgeMs: number;
}

/** Why a message fails whose time is over. */
export const TOO_LATE = "the store gave no answer in time";

type Word = string | Buffer | number;

export function messageOf({ mid, text, mayRepeat }: Draft, place: Place): Buffer {
  const fields = 3 + mid.length + place.author.length + place.to.length;
  const start = ID_AT + 1 + (mayRepeat ? ID_BYTES : 0);
  const message = Buffer.allocUnsafe(start + fields + text.length);
  let end = writeField(message, mid, start);
  end = writeField(message, place.author, end);
  end = writeField(message, place.to, end);
  message.set(text, end);
  message[ID_AT] = mayRepeat ? ID_BYTES : 0;
  if (mayRepeat) {
    hash("sha256", message.subarray(start, end), "buffer").copy(message, ID_AT + 1, 0, ID_BYTES);
  }
  return message;
}

/**
 * The keys and arguments of a batch.
 *
 * @param least replicas that must be connected
 * @param release mixed: the keys of answers are passed as well, as releases before 0.3 have them
 */
export function wordsOf(
  { messages, incarnation, number }: Batch,
  keys: BucketKeys,
  { historyKeep, historyMaxAgeMs }: BatchSettings,
  least: number,
  release: "alone" | "mixed",
): [string[], Word[]] {
  const names = [...keys.always];
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  const args: Word[] = [incarnation, historyKeep, head];
  const passed = new Map<string, { first: number; author: Buffer; flags: number }>();
  for (const { draft, place, message, untilMs } of messages) {
    const name = place.keys[0]!;
    let its = passed.get(name);
    if (its === undefined) {
      const all = messages.some((each) => each.keys === "all" && each.place.keys[0] === name);
      its = { first: names.length + 1, author: place.author, flags: all ? HAS_ALL : 0 };
      names.push(...(all ? [...place.keys, place.removed] : place.keys.slice(0, 2)));
      passed.set(name, its);
    }
    // only its outcome is asked for then, if an attempt before this one has stored it
    const isOver = draft.author.isLive === false || untilMs < performance.now();
    const isOther = !place.author.equals(its.author);
    message.writeUInt16BE(its.first, 0);
    message[FLAGS_AT] = its.flags | (isOver ? IS_OVER : 0) | (isOther ? IS_OTHER : 0);
    args.push(message);
  }
  const repeatable = messages.filter(({ draft }) => draft.mayRepeat);
  let [firstIds, firstSent] = [0, 0];
  if (repeatable.length > 0) {
    firstIds = names.length + 1;
    names.push(...keys.ids);
    if (release === "mixed") {
      firstSent = names.length + 1;
      names.push(...repeatable.map(({ draft }) => keys.sentOf(draft)));
    }
  }
  head.writeUIntBE(number, 0, 6);
  head.writeUIntBE(historyMaxAgeMs, 6, 6);
  head[12] = least;
  head.writeUInt16BE(firstIds, 13);
  head.writeUInt16BE(firstSent, 15);
  return [names, args];
}

/** What `append` returns: connected replicas, whether there are gateways of earlier releases, and for each message bytes. */
export type Answers = readonly [replicas: number, isMixed: 0 | 1, answers: Buffer];

/** Tells each message what became of it. Returns those that must be sent again, with all their keys. */
export function conclude({ messages }: Batch, [, , answers]: Answers): Waiting[] {
  let at = 0;
  return messages.filter(({ draft, resolve, reject }) => {
    const code = answers.readUInt8(at);
    const seq = answers.readUIntBE(at + 1, 6);
    const epoch = answers.readUIntBE(at + 7, 6);
    const time = answers.readUIntBE(at + 13, 6);
    at += ANSWER_BYTES;
    if (code === WANTED) return true;
    if (code === STORED || code === STORED_BEFORE) {
      resolve({ seq, epoch, time, repeated: code === STORED_BEFORE });
    } else if (code === CONFLICT) {
      resolve("mid_conflict");
    } else if (code === BLOCKED) {
      resolve("blocked");
    } else if (code === SKIPPED) {
      const isLost = draft.author.isLive === false;
      reject(new Unavailable(isLost ? "the session has lost its name" : TOO_LATE));
    } else {
      const refusal = answers.toString("latin1", at, at + seq);
      at += seq; // the length of its text
      const word = refusal.split(" ")[0];
      reject(new Unavailable(`the store refuses it (${word})`, { cause: new Error(refusal) }));
    }
    return false;
  });
}

/** Writes a length byte and the field. Returns where it ends. */
function writeField(message: Buffer, field: string | Buffer, start: number): number {
  message[start] = field.length;
  if (typeof field === "string") message.write(field, start + 1, "latin1");
  else message.set(field, start + 1);
  return start + 1 + field.length;
}
