/**
 * The frames of `tertulia.v1.json`: the one source of the types, of the checks on what clients send,
 * and of the published JSON Schema. PROTOCOL.md, JSON.
 */
import { z } from "zod";
import { MAX_PAGE } from "../chat/policy.js";
import { ROLES } from "../chat/identity.js";
import { STATUSES } from "../chat/names.js";
import { ERRORS, type ErrorCode } from "./error-codes.js";
import {
  conv,
  conversation,
  count,
  epoch,
  expires,
  floor,
  full,
  head,
  id,
  logins,
  mid,
  name,
  people,
  seq,
  session,
  status,
  ts,
  unread,
  upTo,
} from "./json-fields.js";
import { IDENTITY_REQUESTS } from "./json-identity.js";
import { MODERATION_ANSWERS, MODERATION_REQUESTS } from "./json-moderation.js";
import { OWN_DATA_REQUESTS, exported } from "./json-own-data.js";

export const SUBPROTOCOL = "tertulia.v1.json";

/** What clients send. */
export const requests = {
  ...IDENTITY_REQUESTS,
  ...MODERATION_REQUESTS,
  ...OWN_DATA_REQUESTS,
  publish: z.object({
    type: z.literal("publish"),
    id: id.optional(),
    conv: conv.default("~"),
    mid: mid.optional(),
    text: z.string().meta({ description: "At most `limits.text` characters." }),
  }),
  history: z.object({
    type: z.literal("history"),
    id: id.optional(),
    conv: conv.default("~"),
    before: seq
      .optional()
      .meta({ description: "Only messages before this one: the newest of them." }),
    after: seq
      .optional()
      .meta({ description: "Only messages after this one: the oldest of them." }),
    limit: z
      .number()
      .int()
      .min(1)
      .max(MAX_PAGE)
      .default(50)
      .meta({ description: "So many messages at most." }),
  }),
  presence: z.object({
    type: z.literal("presence"),
    id: id.optional(),
    watch: z.array(name).max(500).optional().meta({
      description: "Who is followed when there are too many for all; replaces the last list.",
    }),
    off: z.boolean().optional().meta({ description: "True: no more presence events." }),
  }),
  user: z.object({ type: z.literal("user"), id: id.optional(), user: name }),
  status: z.object({ type: z.literal("status"), id: id.optional(), status }),
  read: z.object({
    type: z.literal("read"),
    id: id.optional(),
    conv,
    seq: seq.meta({ description: "Up to this message it was read." }),
  }),
  typing: z.object({ type: z.literal("typing"), id: id.optional(), conv }),
  block: z.object({
    type: z.literal("block"),
    id: id.optional(),
    user: name.meta({ description: "Whose private messages are not wanted." }),
    off: z.boolean().optional().meta({ description: "True: they are again." }),
  }),
  blocks: z.object({ type: z.literal("blocks"), id: id.optional() }),
  remove: z.object({
    type: z.literal("remove"),
    id: id.optional(),
    conv,
    seq: seq.meta({ description: "Of the message." }),
    reason: z
      .string()
      .max(200)
      .regex(/^\P{Cc}*$/u)
      .optional()
      .meta({ description: "For the log of moderation, if somebody else wrote it. One line." }),
  }),
  ping: z.object({ type: z.literal("ping"), id: id.optional() }),
  bye: z.object({ type: z.literal("bye"), id: id.optional() }),
} as const;

export const request = z.discriminatedUnion("type", Object.values(requests) as never);

const message = z.object({
  type: z.literal("message"),
  conv,
  epoch,
  seq,
  mid,
  from: name,
  ts,
  text: z.string().meta({ description: "Empty if it was removed, or removes another message." }),
  removes: seq
    .optional()
    .meta({ description: "It says nothing, and removes the message with this number." }),
  removed: z.boolean().optional().meta({ description: "True: it was removed." }),
});

/** What the server sends. */
export const events = {
  welcome: z.object({
    type: z.literal("welcome"),
    id: id.optional(),
    user: name,
    key: z
      .string()
      .meta({ description: "Say it at the next hello, to come back before the name is free." }),
    session: session.optional().meta({
      description:
        "The token of the login session that a password began: say it at the next hello.",
    }),
    role: z
      .enum(ROLES)
      .optional()
      .meta({ description: "Absent where names belong to nobody for good." }),
    expires,
    node: z.string().meta({ description: "The gateway's name, for logs and people." }),
    limits: z.object({
      text: z.number().int().meta({ description: "Characters (code points) of a text." }),
      frame: z.number().int().meta({ description: "Bytes of a frame." }),
      perSecond: z.number().int().meta({ description: "Requests on one connection." }),
    }),
    conversations: z.array(conversation),
  }),
  ok: z.looseObject({
    type: z.literal("ok"),
    id: id.optional(),
    conv: conv.optional(),
    epoch: epoch.optional(),
    seq: seq.optional(),
    mid: mid.optional(),
    ts: ts.optional(),
    dup: z.boolean().optional().meta({ description: "It was stored already, under this `mid`." }),
    messages: z
      .array(message.omit({ type: true, conv: true }))
      .optional()
      .meta({ description: "Oldest first." }),
    head: head.optional(),
    floor: floor.optional(),
    more: z.boolean().optional().meta({ description: "There are more in that direction." }),
    count: count.optional(),
    full: full.optional(),
    set: people.optional(),
    user: name.optional(),
    status: z.enum(STATUSES).optional(),
    read: upTo.optional(),
    unread: unread.optional(),
    session: session.optional(),
    sessions: logins.optional(),
    ...exported,
    expires,
    users: z.array(name).optional().meta({ description: "Whom you block, the newest first." }),
    ...MODERATION_ANSWERS,
  }),
  error: z.object({
    type: z.literal("error"),
    id: id.optional(),
    code: z.enum(Object.keys(ERRORS) as ErrorCode[]),
    message: z.string().meta({ description: "For people." }),
    retryable: z.boolean().meta({ description: "Whether the same request may succeed later." }),
    retryAfterMs: z
      .number()
      .int()
      .optional()
      .meta({ description: "Try again after so long, not before." }),
  }),
  message,
  presence: z.object({
    type: z.literal("presence"),
    count,
    full,
    snapshot: z
      .boolean()
      .optional()
      .meta({ description: "True: `set` is everybody, forget who is not in it." }),
    set: people.optional(),
    gone: z.array(name).optional().meta({ description: "Users who are no longer connected." }),
  }),
  read: z.object({ type: z.literal("read"), conv, read: upTo, unread }),
  typing: z.object({ type: z.literal("typing"), conv, from: name }),
  gap: z.object({
    type: z.literal("gap"),
    conv,
    after: seq.meta({ description: "The last message before the gap." }),
    before: seq.meta({ description: "The first message after the gap." }),
    reason: z
      .enum(["trimmed", "rolled_back", "limit"])
      .meta({ description: "Kept no longer; lost, and numbered anew; too many: ask `history`." }),
  }),
  goaway: z.object({
    type: z.literal("goaway"),
    reason: z.enum(["drain"]).meta({ description: "The node is stopping." }),
    reconnectAfterMs: z.number().int().meta({ description: "Connect again after so long." }),
  }),
  pong: z.object({ type: z.literal("pong"), id: id.optional(), ts }),
} as const;

export type Requests = { [Type in keyof typeof requests]: z.infer<(typeof requests)[Type]> };
export type Request = Requests[keyof Requests];
export type Events = { [Type in keyof typeof events]: z.infer<(typeof events)[Type]> };
export type Event = Events[keyof Events];

/** Within v1 fields may be added: a client that checks what it hears must not refuse them. PROTOCOL.md, versions. */
function leaveOpen({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

/** The published JSON Schema of every frame, in both directions. */
export function publishedSchema(): object {
  const of = (frames: Record<string, z.ZodType>, io: "input" | "output"): object[] =>
    Object.values(frames).map((frame) =>
      z.toJSONSchema(frame, { io, reused: "inline", override: leaveOpen }),
    );
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: SUBPROTOCOL,
    $defs: {
      request: { oneOf: of(requests, "input") },
      event: { oneOf: of(events, "output") },
    },
  };
}
