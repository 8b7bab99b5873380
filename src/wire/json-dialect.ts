/** The dialect `tertulia.v1.json`. PROTOCOL.md, JSON. */
import type { Notice } from "../chat/events.js";
import type { LogIn } from "../chat/commands.js";
import type { Shown } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import { isName } from "../chat/policy.js";
import type { Decoded, Hello, Listener, RequestOf, Output } from "../session/requests.js";
import type { CatchUpTraits } from "../session/traits.js";
import type { DialectOf } from "./dialect.js";
import { commandOf } from "./json-commands.js";
import {
  decodeRequest,
  encodeEvent,
  encodeFollowing,
  encodeReply,
  idOf,
  idOfFrame,
  messageEvent,
  presenceEvent,
  problem,
} from "./json.js";
import { bytesOf, convOf, nameFromText, textFromName } from "./json-names.js";
import type { Event, Request, Requests } from "./json-schema.js";
import { welcomeOf, type JsonSettings } from "./welcome.js";

const JSON_TRAITS: CatchUpTraits = {
  nameInRequest: "introduced",
  mustGreet: true,
  settles: false,
  lingers: true,
  catchesUp: true,
  whenTooFast: "refuse",
  ownMessage: "any-time",
  afterHole: "resume",
  slowReader: "close",
  pinged: "always",
  isToldOfDrain: true,
  afterDisconnect: "messages",
  hearsOwnTyping: false,
};

export function jsonDialect(settings: JsonSettings): DialectOf<CatchUpTraits> {
  return {
    name: "json",
    frames: "text",
    traits: JSON_TRAITS,
    asks: "request",
    decodeRequest(frame) {
      return { decoded: decoded(frame), dialect: this };
    },
    requestName: (name) => helloOf({ type: "hello", name: textFromName(name) }),
    encodeOutput: (output, to) => encodeOutput(output, to, settings),
    encodeTooFast: (frame, retryAfterMs) =>
      encodeEvent(problem(idOfFrame(frame), "rate_limited", { retryAfterMs })),
    encodeNotice,
  };
}

type Asked = RequestOf<CatchUpTraits>;

function decoded(frame: Uint8Array): Decoded<Asked> {
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
      // a name that nobody can have would only be kept
      const names = watch.map(nameFromText).filter(isName);
      return { type: "follow", watch: off === true ? undefined : names };
    }
    case "ping":
    case "bye":
      return { type: request.type };
    case "register":
    case "login":
      return { type: "log-in", asked: logInOf(request) };
    default: {
      const read = commandOf(request);
      if ("error" in read) return { type: "invalid", answer: encodeEvent(read.error) };
      return { type: "command", command: read.command };
    }
  }
}

function helloOf(hello: Requests["hello"]): Hello {
  const { name: written, key, keep, status, client, resume = {} } = hello;
  const name = nameFromText(written);
  const shown = shownIn(hello);
  return { type: "hello", name, written, key, keep, shown, status, client, cursors: resume };
}

/** The schema has seen to it that it is one of them at most. */
function shownIn({ password, session, token, client }: Requests["hello"]): Shown | undefined {
  if (token !== undefined) return { kind: "token", token };
  if (session !== undefined) return { kind: "session", session };
  if (password === undefined) return undefined;
  return { kind: "password", password: bytesOf(password), mayRegister: false, client };
}

function logInOf({ type, name: written, password, client }: Requests["register" | "login"]): LogIn {
  return {
    type: type === "login" ? "log_in" : "create_account",
    name: nameFromText(written),
    written,
    password: bytesOf(password),
    client,
  };
}

function encodeOutput(output: Output, to: Listener, settings: JsonSettings): Uint8Array {
  if (output.type === "following") return encodeFollowing(output.ref, output.snapshot);
  if (output.type !== "reply") return encodeEvent(eventOf(output, to, settings));
  const { ref, reply, asked } = output;
  if (asked?.type === "status" && reply.type === "accepted") {
    const user = { name: to.name!, status: asked.status };
    return encodeReply(ref, { type: "user", user }, to.name);
  }
  return encodeReply(ref, reply, to.name);
}

function eventOf(
  output: Exclude<Output, { type: "reply" | "following" }>,
  to: Listener,
  settings: JsonSettings,
): Event {
  switch (output.type) {
    case "failed":
      return problem(output.ref, "internal");
    case "greeted-already":
      return problem(output.ref, "forbidden", { message: "hello was said already" });
    case "welcome":
      return welcomeOf(
        output.ref,
        { name: to.name!, key: to.key!, proof: to.proof },
        settings,
        output.conversations,
      );
    case "done":
      return { type: "ok", ...idOf(output.ref) };
    case "pong":
      return { type: "pong", ...idOf(output.ref), ts: to.nowMs() };
    case "gap":
      return { type: "gap", conv: convOf(output.conversation, to.name), ...output.gap };
    case "missed":
      return messageEvent(output.message, to.name);
    case "going-away": {
      const reconnectAfterMs = Math.round(output.inMs);
      return { type: "goaway", reason: "drain", reconnectAfterMs };
    }
    default:
      return output satisfies never;
  }
}

/** A frame depends on its reader only in private conversations. */
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
    case "revoked":
    case "leader":
    case "gap": // the connection is closed: trait `afterHole`
      return undefined;
    default:
      return notice satisfies never;
  }
}
