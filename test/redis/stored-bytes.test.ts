/** The bytes of stored data: after a change here, existing data is no longer found. */
import { expect, test } from "vitest";
import { GENERAL, conversationBetween } from "#tertulia/chat/conversation.js";
import type { Name } from "#tertulia/chat/names.js";
import {
  decodeEphemeral,
  decodeEvent,
  decodeRecord,
  encodeEphemeral,
} from "#tertulia/redis/events.js";
import { Keys, bucketOfConversation, bucketOfUser } from "#tertulia/redis/keys.js";

const [ana, bob] = ["ana" as Name, "b\u{f3}b" as Name];
const keys = new Keys("t");
const L = (text: string): Buffer =>
  Buffer.concat([Buffer.from([text.length]), Buffer.from(text, "latin1")]);

const stored = [
  { conversation: GENERAL, id: "~", bucket: 6, recipient: "", other: "~" },
  {
    conversation: conversationBetween(bob, ana),
    id: "YW5h.YvNi",
    bucket: 6,
    recipient: bob,
    other: bob,
  },
  {
    conversation: conversationBetween(ana, ana),
    id: "YW5h.YW5h",
    bucket: 10,
    recipient: ana,
    other: ana,
  },
] as const;

test("keys and buckets of conversations and users stay where they are", () => {
  for (const { conversation, id, bucket } of stored) {
    expect(bucketOfConversation(conversation)).toBe(bucket);
    expect(keys.conversation(3, conversation)).toBe(`t:{03}:conversation:${id}`);
    expect(keys.history(3, conversation)).toBe(`t:{03}:history:${id}`);
    expect(keys.sent(3, conversation, ana, "m-1")).toBe(`t:{03}:sent:${id}:YW5h:m-1`);
  }
  expect(keys.ids(3)).toEqual(["t:{03}:ids:0", "t:{03}:ids:1"]);
  expect(keys.inbox(3, ana)).toBe("t:{03}:inbox:YW5h");
  expect(keys.marks(3, ana)).toBe("t:{03}:marks:YW5h");
  expect(bucketOfUser(ana)).toBe(2);
});

test("a record names the recipient; in the general chat it names nobody", () => {
  const record = (recipient: string): Buffer => {
    const numbers = Buffer.alloc(18);
    [1_795_401_600_000, 7, 3].forEach((each, i) => numbers.writeUIntBE(each, 6 * i, 6));
    return Buffer.concat([numbers, L("m-1"), L(ana), L(recipient), Buffer.from("hi")]);
  };
  for (const { conversation, recipient } of stored) {
    const message = { conversation, author: ana, epoch: 7, seq: 3, mid: "m-1" };
    expect(decodeRecord(record(recipient))).toMatchObject(message);
    const at = Buffer.alloc(13);
    at.writeUInt8(1);
    const event = decodeEvent(Buffer.concat([at, record(recipient)]));
    expect(event).toMatchObject({ type: "message", message });
  }
});

test("ephemeral events name the other user, and ~ in the general chat", () => {
  for (const { conversation, other } of stored) {
    const typing = { type: "typing", author: ana, conversation } as const;
    const bytes = Buffer.concat([Buffer.from([16]), L(ana), L(other)]);
    expect(encodeEphemeral(typing)).toEqual(bytes);
    expect(decodeEphemeral(bytes)).toEqual(typing);
    const read = Buffer.concat([Buffer.from([17]), Buffer.alloc(12), L(ana), L(other)]);
    expect(decodeEphemeral(read)).toMatchObject({ type: "read", reader: ana, conversation });
  }
});
