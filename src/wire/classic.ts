/** The classic dialect: the bytes that the clients of twenty teams send and read. PROTOCOL.md, classic. */
import type { Reply } from "../chat/commands.js";
import { GENERAL, type Address } from "../chat/conversation.js";
import type { Message, Notice } from "../chat/events.js";
import { STATUSES, bytesFromName, nameFromBytes, type User } from "../chat/names.js";
import { FieldReader, cutAtCharacter, frameOf } from "./bytes.js";
import type { ByteDialect, ClassicOptions, Decoded } from "./dialect.js";
import { REFUSALS } from "./error-codes.js";
import { recognising } from "./recognise.js";

/** A text that is longer is told like its first so many bytes: see {@link classicText}. */
export const HISTORY_TEXT_BYTES = 256;

/** The dialect of connections without a subprotocol. An op 10 as the first frame switches to ws-protocol. */
export function classicDialect(configured: ClassicOptions, wsProtocol: ByteDialect): ByteDialect {
  return recognising(
    configured,
    (options) => ({
      name: "classic",
      decode: (frame) =>
        frame[0] === OP.register ? { kind: "speaks", dialect: wsProtocol } : decodeClassic(frame),
      encodeReply: (reply, op) => encodeReply(reply, options, op),
      encodeNotice: (notice) => encodeNotice(notice, options),
    }),
    { nameInRequest: "required" },
  );
}

export const OP = {
  list: 1,
  lookup: 2,
  status: 3,
  send: 4,
  history: 5,
  directory: 6,
  register: 10,
} as const;

export const CODE = {
  error: 50,
  users: 51,
  user: 52,
  registered: 53,
  status: 54,
  message: 55,
  history: 56,
  directory: 57,
} as const;

/** Decodes ops 1 to 6. A send may have the classic layout or that of ws-protocol; `prefers` decides if both fit. */
export function decodeClassic(
  frame: Uint8Array,
  prefers: "classic" | "wsProtocol" = "classic",
): Decoded {
  const fields = new FieldReader(frame, 1);
  switch (frame[0]) {
    case undefined:
      return { kind: "ignored", why: "empty" };
    case OP.list:
    case OP.directory:
      return { kind: "command", command: { type: "list" } };
    case OP.lookup: {
      const name = fields.field();
      if (name === undefined) return TRUNCATED;
      return { kind: "command", command: { type: "lookup", name: nameFromBytes(name) } };
    }
    case OP.status:
      return decodeStatus(frame, fields);
    case OP.send:
      return decodeSend(frame, prefers);
    case OP.history: {
      const of = fields.field();
      if (of === undefined) return TRUNCATED;
      return { kind: "command", command: { type: "history", of: addressFrom(of) } };
    }
    default:
      return { kind: "ignored", why: "unknown_op" };
  }
}

/** `[3] L(name) s`, or `[3] s` for the sender's own status. One client writes the status as L(digit). */
function decodeStatus(frame: Uint8Array, fields: FieldReader): Decoded {
  if (frame.length === 2) {
    const status = STATUSES[frame[1]!];
    if (status === undefined) return { kind: "refused", refusal: "bad_status" };
    return { kind: "command", command: { type: "status", status } };
  }
  const name = fields.field();
  const byte = fields.byte();
  if (name === undefined || byte === undefined) return TRUNCATED;
  const digit = fields.remaining === 1 && byte === 1 ? digitOf(fields.byte()!) : undefined;
  const status = STATUSES[digit ?? byte];
  if (status === undefined) return { kind: "refused", refusal: "bad_status" };
  return { kind: "command", command: { type: "status", name: nameFromBytes(name), status } };
}

/** The number that an ASCII digit stands for. */
function digitOf(byte: number): number | undefined {
  return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : undefined;
}

/**
 * `[4] L(to) L(text)`, or ws-protocol's `[4] [T] L(to) L(text)`. The lengths tell them apart; only a text
 * of exactly 255 bytes fits both layouts. If neither fits to the byte, the frame is read in the layout of
 * the connection, and bytes left over are ignored.
 */
function decodeSend(frame: Uint8Array, prefers: "classic" | "wsProtocol"): Decoded {
  const fits = {
    classic: frame.length === 3 + at(frame, 1) + at(frame, 2 + at(frame, 1)),
    wsProtocol:
      at(frame, 1) === (frame.length - 2) % 256 &&
      frame.length === 4 + at(frame, 2) + at(frame, 3 + at(frame, 2)),
  };
  const layout =
    fits.classic === fits.wsProtocol ? prefers : fits.wsProtocol ? "wsProtocol" : "classic";
  const fields = new FieldReader(frame, layout === "wsProtocol" ? 2 : 1);
  const to = fields.field();
  const text = fields.field();
  if (to === undefined || text === undefined) return TRUNCATED;
  return { kind: "command", command: { type: "send", to: addressFrom(to), text } };
}

/** `~` is the general chat. Everything else is a user, who may not exist: these dialects know no rooms. */
function addressFrom(field: Uint8Array): Address {
  if (field.length === 1 && field[0] === TILDE[0]) return GENERAL;
  return { kind: "direct", user: nameFromBytes(field) };
}

/** @param op of the request */
export function encodeReply(
  reply: Reply,
  options: ClassicOptions,
  op?: number,
): Uint8Array | undefined {
  switch (reply.type) {
    case "accepted":
    case "stored":
    case "page":
    case "read":
    case "removed":
    case "logged-in":
    case "logins":
    case "refreshed":
    case "blocked":
    case "moderated":
    case "sanctions":
    case "audit":
    case "exported":
      return undefined;
    case "registered":
      return userFrame(CODE.registered, reply.user);
    case "users": {
      const code = op === OP.directory ? CODE.directory : CODE.users;
      return usersFrame(code, reply.users, options.replyMaxBytes - 2);
    }
    case "user":
      return options.showsAddress === true
        ? withAddress(reply.user)
        : userFrame(CODE.user, reply.user);
    case "unchanged":
      return userFrame(CODE.status, reply.user);
    case "history":
      return frameOf(CODE.history, ...messagesThatFit(reply.messages, options.replyMaxBytes - 2));
    case "refused":
      return frameOf(CODE.error, REFUSALS[reply.refusal].byte);
    default:
      return reply satisfies never;
  }
}

export function encodeNotice(notice: Notice, options: ClassicOptions): Uint8Array | undefined {
  switch (notice.type) {
    case "message": {
      const { message } = notice;
      if (message.removes !== undefined) return undefined;
      return frameOf(CODE.message, ...messageFields(message, options));
    }
    case "presence":
      return userFrame(notice.cause === "new" ? CODE.registered : CODE.status, notice.user);
    case "presence-window": // told each presence by itself
    case "revoked":
    case "leader":
    case "gap":
    case "typing":
    case "read":
    case "contested":
    case "defended":
      return undefined;
    default:
      return notice satisfies never;
  }
}

/** The two fields of a 55: origin and text. */
export function messageFields(
  { conversation, author, text }: Message,
  { generalOrigin }: ClassicOptions,
): [Uint8Array, Uint8Array] {
  const sender = bytesFromName(author);
  if (conversation.kind !== "general" || generalOrigin === "sender") {
    return [sender, classicText(text)];
  }
  const shown = generalOrigin === "tilde" ? [text] : [sender, COLON, text];
  return [TILDE, classicText(joined(shown))];
}

/**
 * A frame of this code, the count, and name and status of each user: as many of the first users as fit. They must not change:
 * what all who ask within a moment share is encoded once.
 */
export function usersFrame(code: number, users: readonly User[], maxBytes: number): Uint8Array {
  const encoded = encodedUsers.get(users) ?? new Map<number, Uint8Array>();
  encodedUsers.set(users, encoded);
  const known = encoded.get(maxBytes) ?? frameOf(code, ...usersThatFit(users, maxBytes));
  encoded.set(maxBytes, known);
  const frame = known.slice();
  frame[0] = code;
  return frame;
}

/** By how many bytes fit. */
const encodedUsers = new WeakMap<readonly User[], Map<number, Uint8Array>>();

function usersThatFit(users: readonly User[], maxBytes: number): (number | Uint8Array)[] {
  const parts: (number | Uint8Array)[] = [];
  let count = 0;
  let size = 0;
  for (const { name, status } of users) {
    size += name.length + 2;
    if (size > maxBytes || count === 255) break;
    parts.push(bytesFromName(name), STATUSES.indexOf(status));
    count++;
  }
  return [count, ...parts];
}

/** The count, then author and text of each message: as many of the newest as fit, oldest first. */
function messagesThatFit(messages: readonly Message[], maxBytes: number): (number | Uint8Array)[] {
  const fitting: Uint8Array[][] = [];
  let size = 0;
  for (const { author, text } of messages.toReversed()) {
    const fields = [bytesFromName(author), classicText(text)];
    size += 2 + fields[0]!.length + fields[1]!.length;
    if (size > maxBytes || fitting.length === 255) break;
    fitting.push(fields);
  }
  return [fitting.length, ...fitting.toReversed().flat()];
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** A text that is too long for a length byte is cut between characters and ends in an ellipsis. */
function classicText(text: Uint8Array): Uint8Array {
  if (text.length <= 255) return text;
  const start = cutAtCharacter(text, 255 - ELLIPSIS.length);
  const cut = new Uint8Array(start.length + ELLIPSIS.length);
  cut.set(start);
  cut.set(ELLIPSIS, start.length);
  return cut;
}

function userFrame(code: number, { name, status }: User): Uint8Array {
  return frameOf(code, bytesFromName(name), STATUSES.indexOf(status));
}

function withAddress({ name, status, address = "" }: User): Uint8Array {
  return frameOf(
    CODE.user,
    bytesFromName(name),
    STATUSES.indexOf(status),
    new TextEncoder().encode(address),
  );
}

function at(frame: Uint8Array, index: number): number {
  return frame[index] ?? Number.NaN;
}

const TRUNCATED: Decoded = { kind: "ignored", why: "truncated" };
const TILDE = new Uint8Array([0x7e]);
const COLON = new Uint8Array([0x3a, 0x20]);
const ELLIPSIS = new Uint8Array([0xe2, 0x80, 0xa6]);
