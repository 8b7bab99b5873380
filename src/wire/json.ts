/** The dialect `tertulia.v1.json`: decodes requests, encodes events. PROTOCOL.md, JSON. */
import type { Refusal, RefusalDetails, Reply } from "../chat/commands.js";
import type { Message, PresenceWindow } from "../chat/events.js";
import type { ConversationState } from "../chat/history.js";
import type { Proof } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import type { PresenceSnapshot } from "../chat/presence.js";
import { toldOf } from "../chat/sanctions.js";
import { epochText } from "./epoch.js";
import { REFUSALS, errorKind, type ErrorCode } from "./error-codes.js";
import { cursorsApart } from "./json-cursors.js";
import { exportedFields, fieldsOf, sessionFields } from "./json-export.js";
import { toldAct, toldSanction, untilField } from "./json-moderation.js";
import { convOf, textFromName } from "./json-names.js";
import { requests, type Event, type Events, type Request } from "./json-schema.js";

type Id = Request["id"];

/** What a client's frame is. */
export type DecodedRequest =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "bad"; readonly error: Events["error"] };

/** Never throws, whatever the bytes. */
export function decodeRequest(frame: Uint8Array): DecodedRequest {
  const json = parsed(decoder.decode(frame));
  if (json === undefined) return bad(undefined, "bad_frame");
  const { type } = json;
  const id = isId(json["id"]) ? json["id"] : undefined;
  if (typeof type !== "string") return bad(id, "bad_frame", "type: says what the frame is");
  if (!Object.hasOwn(requests, type)) return bad(id, "unknown_type");
  const { rest, cursors } = type === "hello" ? cursorsApart(json) : { rest: json };
  const checked = requests[type as keyof typeof requests].safeParse(rest);
  if (checked.success) {
    const request = checked.data;
    const isWhole = request.type !== "hello" || cursors === undefined;
    return { kind: "request", request: isWhole ? request : { ...request, resume: cursors } };
  }
  const [issue] = checked.error.issues;
  const where = issue?.path.join(".") ?? "";
  return bad(id, "bad_frame", `${where === "" ? "frame" : where}: ${issue?.message ?? "wrong"}`);
}

/** The id of a request that is refused without being read. */
export function idOfFrame(frame: Uint8Array): Id {
  const id = parsed(decoder.decode(frame))?.["id"];
  return isId(id) ? id : undefined;
}

export function encodeEvent(event: Event): Uint8Array {
  return encoder.encode(JSON.stringify(event));
}

/** The answer to a request. */
export function encodeReply(id: Id, reply: Reply, reader?: Name): Uint8Array {
  return encodeEvent(
    reply.type === "refused" ? errorEvent(id, reply.refusal, reply) : okEvent(id, reply, reader),
  );
}

export function errorEvent(
  id: Id,
  refusal: Refusal,
  { limit, retryAfterMs, sanction }: RefusalDetails = {},
): Events["error"] {
  const { code, message } = REFUSALS[refusal];
  if (sanction !== undefined) return problem(id, code, { message: toldOf(sanction) });
  const told = limit === undefined ? message : `a text has at most ${limit} characters`;
  return problem(id, code, { message: told, retryAfterMs });
}

/** An error. Message and pause are those of its code unless others are given. */
export function problem(
  id: Id,
  code: ErrorCode,
  said: { message?: string | undefined; retryAfterMs?: number | undefined } = {},
): Events["error"] {
  const { retryable, ...own } = errorKind(code);
  const { message = own.message, retryAfterMs = own.retryAfterMs } = said;
  const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { type: "error", ...idOf(id), code, message, retryable, ...retry };
}

export function messageEvent(message: Message, reader?: Name): Events["message"] {
  return { type: "message", conv: convOf(message.conversation, reader), ...fieldsOf(message) };
}

/** The answer to a client that begins to follow presence. What many share of it is encoded once. */
export function encodeFollowing(id: Id, { count, isFull, set }: PresenceSnapshot): Uint8Array {
  const head = encodeEvent({ type: "ok", ...idOf(id), count, full: isFull });
  const tail = encodedSet(set);
  const frame = new Uint8Array(head.length - 1 + tail.length);
  frame.set(head);
  frame.set(tail, head.length - 1); // over the brace that ends the head
  return frame;
}

const encodedSets = new WeakMap<PresenceSnapshot["set"], Uint8Array>();

/** The last field of the answer, and its end. */
function encodedSet(set: PresenceSnapshot["set"]): Uint8Array {
  const known = encodedSets.get(set);
  if (known !== undefined) return known;
  const encoded = encoder.encode(`,"set":${JSON.stringify(statusesOf(set))}}`);
  encodedSets.set(set, encoded);
  return encoded;
}

function presenceFields({ count, isFull, set }: PresenceSnapshot): {
  count: number;
  full: boolean;
  set: NonNullable<Events["presence"]["set"]>;
} {
  return { count, full: isFull, set: statusesOf(set) };
}

function statusesOf(set: PresenceSnapshot["set"]): NonNullable<Events["presence"]["set"]> {
  return set.map(([name, status]) => [textFromName(name), status]);
}

export function unreadOf({ head, floor, read }: ConversationState): number {
  return Math.max(0, head - Math.max(read, floor - 1));
}

export function idOf(id: Id): { id?: NonNullable<Id> } {
  return id === undefined ? {} : { id };
}

function okEvent(id: Id, reply: Exclude<Reply, { type: "refused" }>, reader?: Name): Events["ok"] {
  const ok = { type: "ok", ...idOf(id) } as const;
  switch (reply.type) {
    case "accepted":
      return ok;
    case "stored": {
      const { conversation, epoch, seq, mid, time: ts } = reply.message;
      const conv = convOf(conversation, reader);
      const dup = reply.repeated || undefined;
      return { type: "ok", id, conv, epoch: epochText(epoch), seq, mid, ts, dup };
    }
    case "page": {
      const { epoch, head, floor, messages, more } = reply.page;
      return {
        ...ok,
        conv: convOf(reply.conversation, reader),
        epoch: epochText(epoch),
        messages: messages.map(fieldsOf),
        head,
        floor,
        more,
      };
    }
    case "read":
      return {
        ...ok,
        conv: convOf(reply.conversation, reader),
        read: reply.read,
        unread: reply.unread,
      };
    case "removed":
      return { ...ok, conv: convOf(reply.conversation, reader), seq: reply.seq };
    case "registered":
    case "user":
    case "unchanged":
      return { ...ok, user: textFromName(reply.user.name), status: reply.user.status };
    case "logged-in":
      return { ...ok, user: textFromName(reply.name), session: reply.session };
    case "logins":
      return { ...ok, sessions: reply.logins.map(sessionFields) };
    case "refreshed":
      return { ...ok, ...endOf(reply.proof) };
    case "blocked":
      return { ...ok, users: reply.names.map(textFromName) };
    case "moderated":
      return { ...ok, ...untilField(reply.untilMs) };
    case "sanctions":
      return { ...ok, sanctions: reply.sanctions.map(toldSanction) };
    case "audit":
      return { ...ok, acts: reply.acts.map(toldAct) };
    case "exported":
      return { ...ok, ...exportedFields(reply.part, reader!) };
    case "users":
    case "history":
      return ok; // never asked in this dialect
    default:
      return reply satisfies never;
  }
}

/** When it ends, what proves the name; nothing if it does not. */
export function endOf({ endsAtMs }: Proof): { expires?: number } {
  return endsAtMs === undefined ? {} : { expires: endsAtMs };
}

export function presenceEvent(window: PresenceWindow): Events["presence"] {
  const { isSnapshot, gone } = window;
  const { count, full, set } = presenceFields(window);
  return {
    type: "presence",
    count,
    full,
    ...(isSnapshot && { snapshot: true }),
    ...((isSnapshot || set.length > 0) && { set }),
    ...(gone.length > 0 && { gone: gone.map(textFromName) }),
  };
}

function bad(id: Id, code: ErrorCode, message?: string): DecodedRequest {
  return { kind: "bad", error: problem(id, code, { message }) };
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
    return isObject ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // answered as a bad frame
  }
}

function isId(id: unknown): id is NonNullable<Id> {
  return Number.isSafeInteger(id) || (typeof id === "string" && id.length <= 64);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
