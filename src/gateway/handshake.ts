/** The WebSocket handshake: whether it can succeed, which subprotocol is echoed, how it is refused. */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { RefusalDetails, RuleRefusal } from "../chat/commands.js";
import type { IdentityRefusal } from "../chat/identity.js";
import { toldOf } from "../chat/sanctions.js";
import type { Failure } from "../session/answers.js";
import { REFUSALS, errorKind } from "../wire/error-codes.js";
import { wholeAnswer } from "./answers.js";
import { hangUp } from "./hang-up.js";
import { SUBPROTOCOLS } from "./upgrade-request.js";

/** `retryAfterS`: in how many seconds the client may try again. */
export type UpgradeRefusal = readonly [
  status: 400 | 403 | 429 | 503,
  reason: string,
  retryAfterS?: number,
];

/** When a new name may be tried again, if that is not known. */
const NEW_NAME_AFTER_S = 60;
/** When another password may be tried, if that is not known. */
const ATTEMPT_AFTER_S = 30;

/** How an upgrade is refused whose name could not be claimed. */
export function claimRefusal(
  why: "taken" | "kept" | "too_fast" | RuleRefusal | IdentityRefusal | Failure,
  { retryAfterMs, sanction }: RefusalDetails = {},
): UpgradeRefusal {
  const afterS = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000);
  switch (why) {
    case "banned":
      return [403, sanction === undefined ? errorKind(why).message : toldOf(sanction)];
    case "taken":
      return [400, "this name is taken"];
    case "kept":
      return [400, "this name is kept for somebody who has left"];
    case "too_fast":
      return [
        429,
        "you come too often, or too many new names came from your address",
        afterS ?? NEW_NAME_AFTER_S,
      ];
    case "too_many_attempts":
      return [429, errorKind("too_many_attempts").message, afterS ?? ATTEMPT_AFTER_S];
    case "unavailable":
    case "bug":
      return [503, "the chat is unavailable, try again"];
    default: {
      const { code, message } = REFUSALS[why satisfies RuleRefusal | IdentityRefusal];
      return [400, message ?? errorKind(code).message];
    }
  }
}

/**
 * Whether the handshake will succeed. No name is claimed for one that cannot. RFC 6455 §4.2.1. One with a body is
 * none: the body would be read as frames.
 */
export function isWebSocket(
  { method, headers }: IncomingMessage,
  subprotocols: readonly string[],
): boolean {
  const areTokens = subprotocols.every((word) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(word));
  return (
    areTokens &&
    new Set(subprotocols).size === subprotocols.length &&
    method === "GET" &&
    !hasBody(headers) &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "") &&
    ["13", "8"].includes(headers["sec-websocket-version"] ?? "")
  );
}

/** Whether a body is announced. None is ever read. */
export function hasBody(headers: IncomingHttpHeaders): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** Removes empty elements from the offer: `ws` refuses them, RFC 9110 §5.6.1.2 allows them. */
export function mendOffer({ headers }: IncomingMessage, subprotocols: readonly string[]): void {
  if (subprotocols.length === 0) delete headers["sec-websocket-protocol"];
  else headers["sec-websocket-protocol"] = subprotocols.join(", ");
}

/**
 * The subprotocol that is echoed. Browsers fail the connection if none of those that they offered comes back; the
 * shortest one, because one client cannot read a 101 of 254 bytes or more.
 */
export function shortestEcho(offered: Set<string>): string | false {
  const known = Object.values(SUBPROTOCOLS).find((word) => word !== undefined && offered.has(word));
  if (known !== undefined) return known;
  const shortest = [...offered].toSorted((a, b) => a.length - b.length)[0];
  return shortest !== undefined && shortest.length <= 64 ? shortest : false;
}

/** Refuses an upgrade, and closes the connection. */
export function answerUpgrade(
  socket: Socket,
  [status, reason, retryAfterS]: UpgradeRefusal,
  method?: string,
): void {
  hangUp(socket, wholeAnswer(socket, status, reason, { retryAfterS, method }));
}
