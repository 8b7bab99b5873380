/** The dialect `tertulia.v1.json`. PROTOCOL.md, JSON. */
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { Decoded, Hello, Listener, Request as Asked, Telling } from "../session/requests.js";
import type { Traits } from "../session/traits.js";
import type { Dialect } from "./dialect.js";
import { commandOf } from "./json-commands.js";
import {
  convOf,
  decodeRequest,
  encodeEvent,
  encodeReply,
  idOf,
  idOfFrame,
  messageEvent,
  nameFromText,
  presenceEvent,
  presenceFields,
  problem,
  textFromName,
} from "./json.js";
import type { Event, Request, Requests } from "./json-schema.js";
import { welcomeOf, type JsonSettings } from "./welcome.js";

const JSON_TRAITS: Traits = {
  nameInRequest: "introduced",
  mustGreet: true,
  settles: false,
  lingers: true,
  catchesUp: true,
  isRateLimited: true,
  ownMessage: "any-time",
  afterHole: "resume",
  slowReader: "close",
  pinged: "always",
  isToldOfDrain: true,
  lastWishes: "messages",
  hearsOwnTyping: false,
};

export function jsonDialect(settings: JsonSettings): Dialect {
  return {
    name: "json",
    frames: "text",
    traits: JSON_TRAITS,
    asks: "request",
    read(frame) {
      return { decoded: decoded(frame), dialect: this };
    },
    introduce: (name) => helloOf({ type: "hello", name: textFromName(name) }),
    tell: (telling, to) => encodeTelling(telling, to, settings),
    refuse: (frame, retryAfterMs) =>
      encodeEvent(problem(idOfFrame(frame), "rate_limited", { retryAfterMs })),
    encodeNotice,
  };
}

function decoded(frame: Uint8Array): Decoded {
  const read = decodeRequest(frame);
  if (read.kind === "request") {
    return { kind: "request", request: askedBy(read.request), ref: read.request.id };
  }
  return { kind: "bad", why: read.error.code, answer: encodeEvent(read.error) };
}

function askedBy(request: Request): Asked {
  switch (request.type) {
    case "hello":
      return helloOf(request);
    case "presence": {
      const { off, watch = [] } = request;
      return { type: "follow", watch: off === true ? undefined : watch.map(nameFromText) };
    }
    case "ping":
    case "bye":
      return { type: request.type };
    default: {
      const read = commandOf(request);
      if ("error" in read) return { type: "mistake", answer: encodeEvent(read.error) };
      return { type: "command", command: read.command };
    }
  }
}

function helloOf({ name: written, key, status, client, resume = {} }: Requests["hello"]): Hello {
  const name = nameFromText(written);
  return { type: "hello", name, written, key, status, client, cursors: resume };
}

function encodeTelling(telling: Telling, to: Listener, settings: JsonSettings): Uint8Array {
  if (telling.type !== "reply") return encodeEvent(eventOf(telling, to, settings));
  const { ref, reply, asked } = telling;
  if (asked?.type === "status" && reply.type === "accepted") {
    const user = { name: to.name!, status: asked.status };
    return encodeReply(ref, { type: "user", user }, to.name);
  }
  return encodeReply(ref, reply, to.name);
}

function eventOf(
  telling: Exclude<Telling, { type: "reply" }>,
  to: Listener,
  settings: JsonSettings,
): Event {
  switch (telling.type) {
    case "failed":
      return problem(telling.ref, "internal");
    case "greeted-already":
      return problem(telling.ref, "forbidden", { message: "hello was said already" });
    case "welcome":
      return welcomeOf(
        telling.ref,
        { name: to.name!, key: to.key! },
        settings,
        telling.conversations,
      );
    case "following":
      return { type: "ok", ...idOf(telling.ref), ...presenceFields(telling.snapshot) };
    case "done":
      return { type: "ok", ...idOf(telling.ref) };
    case "pong":
      return { type: "pong", ...idOf(telling.ref), ts: to.nowMs() };
    case "gap":
      return { type: "gap", conv: convOf(telling.conversation, to.name), ...telling.gap };
    case "missed":
      return messageEvent(telling.message, to.name);
    case "going-away": {
      const reconnectAfterMs = Math.round(telling.inMs);
      return { type: "goaway", reason: "drain", reconnectAfterMs };
    }
    default:
      return telling satisfies never;
  }
}

/** What is told depends on the reader in private messages only. */
function encodeNotice(notice: Notice, reader?: Name): Uint8Array | undefined {
  switch (notice.type) {
    case "message":
      return encodeEvent(messageEvent(notice.message, reader));
    case "typing": {
      const { author, conversation } = notice;
      const conv = convOf(conversation, reader);
      return encodeEvent({ type: "typing", conv, from: textFromName(author) });
    }
    case "read": {
      const { conversation, read, unread } = notice;
      return encodeEvent({ type: "read", conv: convOf(conversation, reader), read, unread });
    }
    case "presence-window":
      return encodeEvent(presenceEvent(notice));
    case "contested":
    case "defended":
    case "presence": // told in windows
    case "leader":
    case "gap": // the connection is closed, see its traits
      return undefined;
    default:
      return notice satisfies never;
  }
}
