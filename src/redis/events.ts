/** The bytes of events and message records, as the Redis functions pack them: big-endian. See lua/1-bucket.lua. */
import type { Message, EphemeralEvent, Notice, Position, PresenceCause } from "../chat/events.js";
import type { Revoked } from "../chat/identity.js";
import { STATUSES, type Name } from "../chat/names.js";
import {
  conversationFromMark,
  conversationFromRecipient,
  markField,
} from "./conversation-fields.js";
import { bytes, nameAt } from "./name-bytes.js";

const CAUSES: readonly PresenceCause[] = ["new", "back", "asked", "idle", "awake", "left", "lost"];

const HEADER_BYTES = 13;
/** From this kind on, events are ephemeral: published on the log's channel, and not in the log. */
const FIRST_EPHEMERAL = 16;
/** The first byte of an event. Those that Lua writes are its `KIND_…` as well (lua/1-bucket.lua). */
export const KIND = {
  message: 1,
  presence: 2,
  leader: 3,
  batch: 4,
  revoked: 5,
  typing: 16,
  read: 17,
  contested: 18,
  defended: 19,
} as const;

/** Whether an event is ephemeral: it has no position. */
export function isEphemeral(event: Buffer): boolean {
  return event.readUInt8(0) >= FIRST_EPHEMERAL;
}

/** @throws RangeError if the bytes are no ephemeral event of this version */
export function decodeEphemeral(event: Buffer): EphemeralEvent {
  switch (event[0]) {
    case KIND.typing: {
      const fields = new Fields(event, 1);
      const author = fields.next();
      return { type: "typing", author, conversation: conversationFromMark(fields.next(), author) };
    }
    case KIND.read: {
      const fields = new Fields(event, HEADER_BYTES);
      const reader = fields.next();
      const conversation = conversationFromMark(fields.next(), reader);
      const [read, unread] = [event.readUIntBE(1, 6), event.readUIntBE(7, 6)];
      return { type: "read", reader, conversation, read, unread };
    }
    case KIND.contested:
      return { type: "contested", name: new Fields(event, 1).next() };
    case KIND.defended:
      return { type: "defended", name: new Fields(event, 1).next() };
    default:
      throw new RangeError(`unknown kind of ephemeral event: ${event[0]}`);
  }
}

export function encodeEphemeral(event: Exclude<EphemeralEvent, { type: "read" }>): Buffer {
  const fields = fieldsOf(event).map((name) =>
    Buffer.concat([Buffer.from([name.length]), bytes(name)]),
  );
  return Buffer.concat([Buffer.from([KIND[event.type]]), ...fields]);
}

function fieldsOf(event: Exclude<EphemeralEvent, { type: "read" }>): string[] {
  if (event.type !== "typing") return [event.name];
  const { author, conversation } = event;
  return [author, markField(conversation, author)];
}

/** What was published or is an entry of the log: an event; or a batch, which has events of the log behind their lengths. */
export function eventsOf(bytes: Buffer): readonly Buffer[] {
  if (bytes[0] !== KIND.batch) return [bytes];
  const events: Buffer[] = [];
  for (let start = HEADER_BYTES; start + 4 <= bytes.length;) {
    const end = start + 4 + bytes.readUInt32BE(start);
    events.push(bytes.subarray(start + 4, end));
    start = end;
  }
  return events;
}

/** Where an event of the log stands. Read without its record, so for kinds of any version. */
export function positionOf(event: Buffer): Position {
  return { generation: event.readUIntBE(1, 6), offset: event.readUIntBE(7, 6) };
}

/** @throws RangeError if the bytes are no event of this version */
export function decodeEvent(event: Buffer, at = positionOf(event)): Notice {
  const record = event.subarray(HEADER_BYTES);
  switch (event[0]) {
    case KIND.message:
      return { type: "message", at, message: decodeRecord(record) };
    case KIND.presence:
      return {
        type: "presence",
        at,
        user: {
          name: nameAt(record, 8, record.length),
          status: pick(STATUSES, record.readUInt8(6)),
        },
        cause: pick(CAUSES, record.readUInt8(7) - 1),
      };
    case KIND.leader:
      return { type: "leader", at, node: record.toString("latin1", 6) };
    case KIND.revoked: {
      const fields = new Fields(record, 6);
      const revoked = revokedFrom(fields.next(), fields.next(), fields.next());
      return { type: "revoked", at, name: fields.next(), revoked };
    }
    default:
      throw new RangeError(`unknown kind of event: ${event[0]}`);
  }
}

function revokedFrom(kind: string, what: string, but: string): Revoked {
  switch (kind) {
    case "login":
      return { kind, digest: what };
    case "others":
      return { kind, version: what, but };
    case "tokens":
      return { kind, untilMs: Number(what) };
    default:
      throw new RangeError(`no such kind of what is revoked: ${kind}`);
  }
}

export function decodeRecord(record: Buffer): Message {
  const fields = new Fields(record, 18);
  const mid = fields.next();
  const author = fields.next();
  const to = fields.next();
  return {
    conversation: conversationFromRecipient(to, author),
    time: record.readUIntBE(0, 6),
    epoch: record.readUIntBE(6, 6),
    seq: record.readUIntBE(12, 6),
    mid,
    author,
    text: record.subarray(fields.offset),
  };
}

/** Fields in a row: a length byte, then that many bytes. */
class Fields {
  readonly #bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  next(): Name {
    const start = this.offset + 1;
    this.offset = start + this.#bytes.readUInt8(this.offset);
    return nameAt(this.#bytes, start, this.offset);
  }
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no such value: ${index}`);
  return value;
}
