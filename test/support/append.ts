/** Calls of the Redis function `append`, as redis/append-queue.ts makes them. */
import { createHash } from "node:crypto";
import { GENERAL, conversationBetween } from "#tertulia/chat/conversation.js";
import type { Name } from "#tertulia/chat/names.js";
import type { FunctionLibrary } from "#tertulia/redis/function-library.js";
import type { Keys } from "#tertulia/redis/keys.js";

export interface TestMessage {
  readonly mid: string;
  readonly author?: string;
  /** Absent: the general chat. */
  readonly to?: string;
  readonly text?: string;
  /** The message is skipped. */
  readonly isOver?: boolean;
  /** Whether a client chose the mid. */
  readonly mayRepeat?: boolean;
  /** Whether the keys of the inboxes are passed. */
  readonly hasAll?: boolean;
}

export interface TestBatch {
  /** 0 if absent: functions do not mind in which bucket a conversation is. */
  readonly bucket?: number;
  readonly node?: string;
  readonly number?: number;
  readonly keep?: number;
  readonly keepMs?: number;
  readonly least?: number;
  readonly isMixed?: boolean;
}

type Words = [string[], (string | Buffer | number)[]];
export type Outcome = readonly [code: number, seq: number | string, epoch: number, time: number];

let lastNumber = 0;

export function appendWords(
  keys: Keys,
  messages: readonly TestMessage[],
  {
    bucket = 0,
    node = "node-1",
    number = ++lastNumber,
    keep = 100,
    keepMs = 60_000,
    least = 0,
    isMixed = false,
  }: TestBatch = {},
): Words {
  const names = [keys.meta(bucket), keys.log(bucket), keys.nodes(bucket)];
  const head = Buffer.alloc(17);
  const args: (string | Buffer | number)[] = [node, keep, head];
  const sent: string[] = [];
  /** By the number of a conversation's first key: in whose order its keys are. */
  const authors: Record<number, string> = {};
  for (const each of messages) {
    const { mid, author = "ana", to = "", text = "hi" } = each;
    const { mayRepeat = true, hasAll = true, isOver = false } = each;
    const conversation = to === "" ? GENERAL : conversationBetween(author as Name, to as Name);
    const its = [keys.conversation(bucket, conversation), keys.history(bucket, conversation)];
    let first = names.indexOf(its[0]!) + 1;
    if (first === 0) {
      first = names.length + 1;
      names.push(...its);
      for (const user of to !== "" && hasAll ? [author, to] : []) {
        names.push(keys.inbox(bucket, user as Name), keys.marks(bucket, user as Name));
      }
      if (hasAll) names.push(keys.removed(bucket, conversation));
    }
    const fields = Buffer.concat([mid, author, to].map(field));
    const id = createHash("sha256")
      .update(fields)
      .digest()
      .subarray(0, mayRepeat ? 14 : 0);
    const isOther = (authors[first] ??= author) !== author;
    const flags = (hasAll ? 1 : 0) + (isOver ? 2 : 0) + (isOther ? 4 : 0);
    const start = Buffer.from([first >> 8, first & 255, flags, id.length]);
    args.push(Buffer.concat([start, id, fields, Buffer.from(text)]));
    if (mayRepeat) sent.push(keys.sent(bucket, conversation, author as Name, mid));
  }
  const firstIds = sent.length > 0 ? names.push(...keys.ids(bucket)) - 1 : 0;
  const firstSent = isMixed && sent.length > 0 ? names.push(...sent) - sent.length + 1 : 0;
  head.writeUIntBE(number, 0, 6);
  head.writeUIntBE(keepMs, 6, 6);
  head[12] = least;
  head.writeUInt16BE(firstIds, 13);
  head.writeUInt16BE(firstSent, 15);
  return [names, args];
}

/** What became of each message. */
export async function append(
  library: FunctionLibrary,
  ...given: Parameters<typeof appendWords>
): Promise<Outcome[]> {
  const answer = await library.call("append", ...appendWords(...given));
  const [, , bytes] = answer as [number, number, Buffer];
  const outcomes: Outcome[] = [];
  for (let at = 0; at < bytes.length; at += 19) {
    const code = bytes.readUInt8(at);
    const [seq, epoch, time] = [1, 7, 13].map((i) => bytes.readUIntBE(at + i, 6));
    if (code !== 3) outcomes.push([code, seq!, epoch!, time!]);
    else {
      outcomes.push([code, bytes.toString("latin1", at + 19, at + 19 + seq!), 0, 0]);
      at += seq!;
    }
  }
  return outcomes;
}

/** The bytes with which `append` answers: of each message a code and a number. */
export function answerBytes(
  outcomes: readonly (readonly [code: number, seq: number | string])[],
): Buffer {
  const parts = outcomes.map(([code, seq]) => {
    const bytes = Buffer.alloc(19);
    bytes[0] = code;
    bytes.writeUIntBE(typeof seq === "number" ? seq : seq.length, 1, 6);
    bytes.writeUIntBE(1, 7, 6);
    bytes.writeUIntBE(2, 13, 6);
    return typeof seq === "number" ? bytes : Buffer.concat([bytes, Buffer.from(seq)]);
  });
  return Buffer.concat(parts);
}

function field(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
}
