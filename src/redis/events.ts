/** Events and message records as the ledger packs them (big-endian; see lua/1-bucket.lua). */
import {
  conversationBetween,
  type Message,
  type Name,
  type Notice,
  type Position,
  type PresenceCause,
  type Status,
} from "../chat/model.js";

export const STATUSES: readonly Status[] = ["disconnected", "active", "busy", "inactive"];

const CAUSES: readonly PresenceCause[] = ["new", "back", "asked", "idle", "awake", "left", "lost"];

const HEADER_BYTES = 13;

/** The position of an event: readable without its record. */
export function positionOf(event: Buffer): Position {
  return { g: event.readUIntBE(1, 6), n: event.readUIntBE(7, 6) };
}

/** @throws RangeError if the bytes are no event of this version. */
export function decodeEvent(event: Buffer): Notice {
  const at = positionOf(event);
  const record = event.subarray(HEADER_BYTES);
  switch (event[0]) {
    case 1:
      return { type: "message", at, message: decodeRecord(record) };
    case 2:
      return {
        type: "presence",
        at,
        user: {
          name: nameAt(record, 8, record.length),
          status: pick(STATUSES, record.readUInt8(6)),
        },
        cause: pick(CAUSES, record.readUInt8(7) - 1),
      };
    case 3:
      return { type: "leader", at, node: record.toString("latin1", 6) };
    default:
      throw new RangeError(`unknown kind of event: ${event[0]}`);
  }
}

export function decodeRecord(record: Buffer): Message {
  let offset = 18;
  const field = (): Name => {
    const start = offset + 1;
    offset = start + record.readUInt8(offset);
    return nameAt(record, start, offset);
  };
  const mid = field();
  const author = field();
  const to = field();
  return {
    conversation: to === "" ? { kind: "general" } : conversationBetween(author, to),
    time: record.readUIntBE(0, 6),
    epoch: record.readUIntBE(6, 6),
    seq: record.readUIntBE(12, 6),
    mid,
    author,
    text: record.subarray(offset),
  };
}

function nameAt(record: Buffer, start: number, end: number): Name {
  return record.toString("latin1", start, end) as Name;
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no such value: ${index}`);
  return value;
}
