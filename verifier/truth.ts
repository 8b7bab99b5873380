/** The truth: what Redis holds when all is quiet, read without a gateway. */
import type { Redis } from "ioredis";
import type { Message } from "#tertulia/chat/events.js";
import { decodeRecord } from "#tertulia/redis/events.js";
import type { Stored } from "./rules/run-history.js";

export async function readMessages(redis: Redis): Promise<Stored[]> {
  const messages: Stored[] = [];
  for (const key of await redis.keys("tertulia:*:history:*")) {
    let start = "-";
    for (;;) {
      const page = await redis.xrangeBuffer(key, start, "+", "COUNT", 5_000);
      for (const [, fields] of page) messages.push(storedFrom(decodeRecord(fields[1]!)));
      if (page.length < 5_000) break;
      start = `(${page.at(-1)![0].toString()}`;
    }
  }
  return messages;
}

/** Names with any status but disconnected. */
export async function readConnected(redis: Redis): Promise<string[]> {
  const connected: string[] = [];
  for (const key of await redis.keys("tertulia:*:users")) {
    const users = await redis.hgetall(key);
    for (const [name, user] of Object.entries(users)) {
      if (!user.startsWith("0")) connected.push(name);
    }
  }
  return connected;
}

/** The text of a run's message is its conversation and its id. */
export function storedFrom({ conversation, seq, epoch, author, text }: Message): Stored {
  const conv = conversation.kind === "direct" ? [...new Set(conversation.between)].join("|") : "~";
  const [, id] = Buffer.from(text).toString("latin1").split(" ");
  return { conv, seq, epoch, author, id: id ?? "" };
}
