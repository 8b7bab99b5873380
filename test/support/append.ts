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
  /** Empty: the message is skipped. */
  readonly text?: string;
  /** Whether a client chose the mid. */
  readonly mayRepeat?: boolean;
}

export interface TestBatch {
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

/** All in bucket 0. */
export function appendWords(
  keys: Keys,
  messages: readonly TestMessage[],
  {
    node = "node-1",
    number = ++lastNumber,
    keep = 100,
    keepMs = 60_000,
    least = 0,
    isMixed = false,
  }: TestBatch = {},
): Words {
  const names = [keys.meta(0), keys.log(0), keys.nodes(0), ...keys.ids(0)];
  const args: (string | Buffer | number)[] = [node, number, keep, keepMs, least, isMixed ? 1 : 0];
  const all = messages.map(({ mid, author = "ana", to = "", text = "hi", mayRepeat = true }) => {
    const conversation = to === "" ? GENERAL : conversationBetween(author as Name, to as Name);
    const head = Buffer.concat([mid, author, to].map(field));
    const id = mayRepeat ? createHash("sha256").update(head).digest().subarray(0, 14) : "";
    return { mid, author, to, text, conversation, head, id };
  });
  if (isMixed) {
    for (const { conversation, author, mid, id } of all) {
      if (id !== "") names.push(keys.sent(0, conversation, author as Name, mid));
    }
  }
  for (const { author, to, text, conversation, head, id } of all) {
    const its = [keys.conversation(0, conversation), keys.history(0, conversation)];
    let first = names.indexOf(its[0]!) + 1;
    if (first === 0) {
      first = names.length + 1;
      names.push(...its);
      if (to !== "") {
        for (const each of [author, to]) {
          names.push(keys.inbox(0, each as Name), keys.marks(0, each as Name));
        }
      }
    }
    const message = text === "" ? "" : Buffer.concat([head, Buffer.from(text)]);
    args.push(first, author, to, id, message);
  }
  return [names, args];
}

/** What became of each message. */
export async function append(
  library: FunctionLibrary,
  ...given: Parameters<typeof appendWords>
): Promise<Outcome[]> {
  const [, , ...words] = (await library.call("append", ...appendWords(...given))) as unknown[];
  return Array.from({ length: words.length / 4 }, (_, i) => {
    const [code, seq, epoch, time] = words.slice(4 * i, 4 * i + 4) as number[];
    return [code!, Buffer.isBuffer(seq) ? String(seq) : seq!, epoch!, time!];
  });
}

function field(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);
}
