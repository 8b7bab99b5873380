/**
 * The bytes of events and message records, as the Redis functions pack them: big-endian. See lua/1-bucket.lua. Whoever can
 * write to Redis can put anything there: what is too short, too long or out of range is a {@link DamagedValue}.
 */
import type { Message, EphemeralEvent, Notice, Position, PresenceCause } from "../chat/events.js";
import { ROLES, type Revoked } from "../chat/identity.js";
import { STATUSES, type Name } from "../chat/names.js";
import {
  conversationFromMark,
  conversationFromRecipient,
  markField,
} from "./conversation-fields.js";
import { DamagedValue } from "./damage.js";
import { bytes, nameAt } from "./name-bytes.js";

const CAUSES: readonly PresenceCause[] = ["new", "back", "asked", "idle", "awake", "left", "lost"];

const HEADER_BYTES = 13;
/** A batch has each event behind its length. */
const LENGTH_BYTES = 4;
/** Of a record, before its fields: time, epoch, seq. */
const RECORD_NUMBERS_BYTES = 18;
const NAME_BYTES = 64;
/** The mid of a message that removes another one: that one's number behind a sign that no client may choose. */
const REMOVES = /^!(\d{1,15})$/;
/** The longest text that a setting allows, 65,536 characters of four bytes. */
const TEXT_BYTES = 262_144;
/** Generations are times, and offsets count from 1: half of what 48 bits hold is beyond all of them (the year 6429). */
const BEYOND_POSITIONS = 2 ** 47;
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
const KINDS: ReadonlySet<number> = new Set(Object.values(KIND));

/** Whether an event is ephemeral: it has no position. Nothing at all is no event. */
export function isEphemeral(event: Buffer): boolean {
  return event.length > 0 && event[0]! >= FIRST_EPHEMERAL;
}

/** Whether this release knows the kind of event. A later release may write other kinds, which are passed over. */
export function isKnown(event: Buffer): boolean {
  return event.length > 0 && (event[0] === 0 || KINDS.has(event[0]!));
}

/** @throws DamagedValue if the bytes are no ephemeral event of this version */
export function decodeEphemeral(event: Buffer): EphemeralEvent {
  switch (event[0]) {
    case KIND.typing: {
      const fields = new Fields(event, 1);
      const author = fields.name();
      return { type: "typing", author, conversation: conversationFromMark(fields.name(), author) };
    }
    case KIND.read: {
      const fields = new Fields(event, HEADER_BYTES);
      const reader = fields.name();
      const conversation = conversationFromMark(fields.name(), reader);
      const [read, unread] = [event.readUIntBE(1, 6), event.readUIntBE(7, 6)];
      return { type: "read", reader, conversation, read, unread };
    }
    case KIND.contested:
      return { type: "contested", name: new Fields(event, 1).name() };
    case KIND.defended:
      return { type: "defended", name: new Fields(event, 1).name() };
    default:
      throw new DamagedValue(`unknown kind of ephemeral event: ${event[0]}`);
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

/**
 * What was published or is an entry of the log: an event; or a batch, which has events of the log behind their lengths.
 * @throws DamagedValue if it is no event with a position, or no batch of such events in a row
 */
export function eventsOf(bytes: Buffer): readonly Buffer[] {
  const { generation, offset } = positionOf(bytes);
  if (bytes[0] !== KIND.batch) return [bytes];
  const events: Buffer[] = [];
  for (let start = HEADER_BYTES; start < bytes.length;) {
    const first = start + LENGTH_BYTES;
    if (first > bytes.length) throw new DamagedValue("a batch is cut");
    const end = first + bytes.readUInt32BE(start);
    if (end > bytes.length) throw new DamagedValue("a batch is cut");
    const event = bytes.subarray(first, end);
    if (event[0] === KIND.batch) throw new DamagedValue("a batch is in a batch");
    events.push(event);
    start = end;
  }
  for (const [i, event] of events.entries()) {
    const at = positionOf(event);
    const isInRow = at.generation === generation && at.offset === offset - events.length + 1 + i;
    if (!isInRow) throw new DamagedValue("a batch is not in a row");
  }
  if (events.length === 0) throw new DamagedValue("a batch is empty");
  return events;
}

/** Where an event of the log stands. Read without its record, so for kinds of any version. @throws DamagedValue */
export function positionOf(event: Buffer): Position {
  if (event.length < HEADER_BYTES) throw new DamagedValue("an event is cut");
  const at = { generation: event.readUIntBE(1, 6), offset: event.readUIntBE(7, 6) };
  if (!isPosition(at)) throw new DamagedValue("a position is out of range");
  return at;
}

/** Whether there can be an event at this position. */
export function isPosition({ generation, offset }: Position): boolean {
  return generation < BEYOND_POSITIONS && offset < BEYOND_POSITIONS;
}

/** @throws DamagedValue if the bytes are no event of this version */
export function decodeEvent(event: Buffer, at = positionOf(event)): Notice {
  const record = event.subarray(HEADER_BYTES);
  switch (event[0]) {
    case KIND.message:
      return { type: "message", at, message: decodeRecord(record) };
    case KIND.presence: {
      if (record.length < 8) throw new DamagedValue("an event is cut");
      const status = pick(STATUSES, record[6]!);
      const name = nameOf(record, 8, record.length);
      return { type: "presence", at, user: { name, status }, cause: pick(CAUSES, record[7]! - 1) };
    }
    case KIND.leader:
      if (record.length <= 6) throw new DamagedValue("an event is cut");
      return { type: "leader", at, node: record.toString("latin1", 6, 6 + NAME_BYTES) };
    case KIND.revoked: {
      const fields = new Fields(record, 6);
      const revoked = revokedFrom(fields.next(), fields.next(), fields.next());
      return { type: "revoked", at, name: fields.name(), revoked };
    }
    default:
      throw new DamagedValue(`unknown kind of event: ${event[0]}`);
  }
}

function revokedFrom(kind: string, what: string, but: string): Revoked {
  switch (kind) {
    case "login":
      return { kind, digest: what };
    case "others":
      return { kind, version: what, but };
    case "tokens":
    case "name":
      if (!Number.isFinite(Number(what))) throw new DamagedValue("a time is no number");
      return { kind, untilMs: Number(what) };
    case "role": {
      const role = ROLES.find((each) => each === what);
      if (role === undefined) throw new DamagedValue("no such role");
      return { kind, role };
    }
    default:
      throw new DamagedValue(`no such kind of what is revoked: ${kind}`);
  }
}

/** @throws DamagedValue */
export function decodeRecord(record: Buffer): Message {
  if (record.length < RECORD_NUMBERS_BYTES) throw new DamagedValue("a record is cut");
  const fields = new Fields(record, RECORD_NUMBERS_BYTES);
  const mid = fields.next();
  const author = fields.name();
  const to = fields.next();
  if (to.length > NAME_BYTES) throw new DamagedValue("a name has another length");
  const text = record.subarray(fields.offset);
  if (text.length > TEXT_BYTES) throw new DamagedValue("a text is too long");
  return {
    conversation: conversationFromRecipient(to, author),
    time: record.readUIntBE(0, 6),
    epoch: record.readUIntBE(6, 6),
    seq: record.readUIntBE(12, 6),
    mid,
    author,
    text,
    ...silenceOf(mid, text),
  };
}

/** What a record without a text is. */
function silenceOf(mid: string, text: Buffer): Pick<Message, "removes" | "removed"> {
  if (text.length > 0) return {};
  const removes = REMOVES.exec(mid)?.[1];
  return removes === undefined ? { removed: true } : { removes: Number(removes) };
}

/** See {@link REMOVES}. */
export function midOfRemoval(seq: number): string {
  return `!${seq}`;
}

/** Fields in a row: a length byte, then that many bytes. */
class Fields {
  readonly #bytes: Buffer;
  offset: number;

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  /** @throws DamagedValue if it is cut */
  next(): string {
    const start = this.offset + 1;
    if (start > this.#bytes.length) throw new DamagedValue("a field is cut");
    this.offset = start + this.#bytes[start - 1]!;
    if (this.offset > this.#bytes.length) throw new DamagedValue("a field is cut");
    return nameAt(this.#bytes, start, this.offset);
  }

  /** @throws DamagedValue if it is cut, or no name can be so long */
  name(): Name {
    const start = this.offset + 1;
    this.next();
    return nameOf(this.#bytes, start, this.offset);
  }
}

/** @throws DamagedValue if no name can be so long */
function nameOf(bytes: Buffer, start: number, end: number): Name {
  if (!isNameLength(end - start)) throw new DamagedValue("a name has another length");
  return nameAt(bytes, start, end);
}

/** Whether a name can have so many bytes. */
export function isNameLength(length: number): boolean {
  return length > 0 && length <= NAME_BYTES;
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new DamagedValue(`no such value: ${index}`);
  return value;
}
