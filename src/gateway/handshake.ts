/** The handshake: whether it can succeed, which subprotocol is echoed, how it is refused. */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { SUBPROTOCOL } from "../wire/json-schema.js";

/** How long a client that was answered, or has begun to close, may take to hang up. */
export const LINGER_MS = 2_000;

/** Whether the handshake will succeed: nobody is announced for one that cannot. RFC 6455 §4.2.1. */
export function isWebSocket(
  { method, headers }: IncomingMessage,
  subprotocols: readonly string[],
): boolean {
  const areTokens = subprotocols.every((word) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(word));
  return (
    areTokens &&
    new Set(subprotocols).size === subprotocols.length &&
    method === "GET" &&
    headers.upgrade?.toLowerCase() === "websocket" &&
    /^[+/0-9A-Za-z]{22}==$/.test(headers["sec-websocket-key"] ?? "") &&
    ["13", "8"].includes(headers["sec-websocket-version"] ?? "")
  );
}

/** `ws` refuses a list with empty places, which is to be read all the same. RFC 9110 §5.6.1.2 */
export function mendOffer({ headers }: IncomingMessage, subprotocols: readonly string[]): void {
  if (subprotocols.length === 0) delete headers["sec-websocket-protocol"];
  else headers["sec-websocket-protocol"] = subprotocols.join(", ");
}

/**
 * Browsers fail if none of the subprotocols that they offered comes back; one client cannot take a
 * 101 of 254 bytes or more.
 */
export function shortestEcho(offered: Set<string>): string | false {
  for (const known of [SUBPROTOCOL, "ws-protocol"]) if (offered.has(known)) return known;
  const shortest = [...offered].toSorted((a, b) => a.length - b.length)[0];
  return shortest !== undefined && shortest.length <= 64 ? shortest : false;
}

export function answerUpgrade(socket: Socket, status: 400 | 503, reason: string): void {
  const head = [
    `HTTP/1.1 ${status} ${status === 400 ? "Bad Request" : "Service Unavailable"}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${reason.length + 1}`,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${reason}\n`);
  socket.resume(); // reads the rest, so that the end is seen
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
