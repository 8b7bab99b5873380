/** Which command of the chat a JSON request is. */
import type { ChatCommand } from "../session/requests.js";
import { problem } from "./json.js";
import { moderationOf } from "./json-moderation.js";
import { addressFromConv, bytesOf, nameFromText } from "./json-names.js";
import type { Events, Request } from "./json-schema.js";

/** Bigger than every number of a message. */
const END = Number.MAX_SAFE_INTEGER;

export function commandOf(
  request: Exclude<Request, { type: "hello" | "ping" | "bye" | "presence" | "register" | "login" }>,
): { command: ChatCommand } | { error: Events["error"] } {
  switch (request.type) {
    case "publish": {
      const { conv, mid, text: written } = request;
      const text = bytesOf(written);
      const own = mid === undefined ? {} : { mid };
      const to = addressFromConv(conv);
      return { command: { type: "send", to, text, written, mayWait: true, ...own } };
    }
    case "history": {
      const { id, conv, before, after, limit } = request;
      if (before !== undefined && after !== undefined) {
        return { error: problem(id, "bad_frame", { message: "before, after: one of them" }) };
      }
      const range =
        after === undefined
          ? ({ direction: "before", seq: before ?? END, limit } as const)
          : ({ direction: "after", seq: after, limit } as const);
      return { command: { type: "page", of: addressFromConv(conv), range } };
    }
    case "user":
      return { command: { type: "lookup", name: nameFromText(request.user) } };
    case "status":
      return { command: { type: "status", status: request.status } };
    case "read":
      return { command: { type: "read", of: addressFromConv(request.conv), seq: request.seq } };
    case "typing":
      return { command: { type: "typing", to: addressFromConv(request.conv) } };
    case "remove": {
      const { conv, seq, reason } = request;
      return { command: { type: "remove", of: addressFromConv(conv), seq, reason } };
    }
    case "password": {
      const [old, next] = [bytesOf(request.old), bytesOf(request.new)];
      return { command: { type: "password", old, next } };
    }
    case "sessions": {
      const { end } = request;
      const ended = end === undefined || end === "all" || end === "others" ? end : { id: end };
      return { command: { type: "logins", ended } };
    }
    case "unregister": {
      const { erase = false, password } = request;
      const shown = password === undefined ? {} : { password: bytesOf(password) };
      return { command: { type: "unregister", erase, ...shown } };
    }
    case "export":
      return { command: { type: "export", after: request.after } };
    case "refresh":
      return { command: { type: "refresh", token: request.token } };
    case "block": {
      const { user, off = false } = request;
      return { command: { type: "block", user: nameFromText(user), off } };
    }
    case "blocks":
      return { command: { type: "blocks" } };
    case "moderate":
    case "sanctions":
    case "audit":
      return { command: moderationOf(request) };
    default:
      return request satisfies never;
  }
}
