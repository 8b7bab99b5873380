/** What every answer of plain HTTP on this port has in common: pages, probes and refusals. RFC 9110. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

/** Of a browser that has used TLS once: it uses TLS from then on. RFC 6797. Not for ever: an operator may go back. */
const HSTS = "max-age=2592000";

/**
 * The headers of every answer but the 101, which must be short (PROTOCOL.md, connecting). An answer of its own kind, as
 * the page, may replace the policy.
 */
export function commonHeaders(socket: Socket): Record<string, string> {
  return {
    connection: "close", // a connection has one request
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    ...("encrypted" in socket && { "strict-transport-security": HSTS }),
  };
}

/** What is read here. Goes with a 405: RFC 9110 §15.5.6. */
export const ALLOWED = { allow: "GET, HEAD" };

export interface AnswerOptions {
  /** When the client may try again, in seconds. */
  readonly retryAfterS?: number | undefined;
  /** Of the request, as far as it is known: an answer to HEAD has no body. RFC 9110 §9.3.2. */
  readonly method?: string | undefined;
}

/** A whole answer, for where no HTTP server is at hand. */
export function wholeAnswer(
  socket: Socket,
  status: number,
  reason: string,
  { retryAfterS, method }: AnswerOptions = {},
): string {
  const body = `${reason}\n`;
  const headers = {
    ...commonHeaders(socket),
    "content-type": "text/plain; charset=utf-8",
    "content-length": `${Buffer.byteLength(body)}`,
    ...(status === 405 && ALLOWED),
    ...(retryAfterS !== undefined && { "retry-after": `${retryAfterS}` }),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, "", ""].join("\r\n");
  return method === "HEAD" ? head : head + body;
}
