/**
 * How connections end: the one table of close codes for the gateway, the SDK and PROTOCOL.md, closing.
 * Imports nothing: the SDK takes it along. RFC 6455 §7.4.
 */

/** What a client does after a close. `with backoff`: after a pause with jitter that grows from one attempt to the next. */
export type RetryPolicy = "never" | "at once" | "with backoff";

/** One way in which a connection ends. Several ways may share a code. */
export interface Close {
  readonly code: number;
  /** The text in the close frame: for logs and people, no client may depend on it. */
  readonly reason: string;
  readonly retry: RetryPolicy;
  /** Who closes: our code, or the WebSocket library under it; `nobody`: no close frame was seen. */
  readonly by: "gateway" | "library" | "nobody";
  readonly dialects: "all" | "bytes" | "JSON";
}

/** Of a close frame. RFC 6455 §5.5. */
const MAX_REASON_BYTES = 123;

/** Said when all is done; also what this side says when it has no other reason. RFC 6455 §7.4.1. */
export const NORMAL_CLOSURE = 1000;
/** Never sent: a close frame came without a code. */
export const NO_STATUS = 1005;
/** Never sent: the connection ended without a close frame. */
export const ABNORMAL_CLOSURE = 1006;
/** Another connection has the name. Apart from the table, so that a page need not take that along. */
export const REPLACED = 4409;
/** A moderator or the operator has sent the client away. */
export const SENT_AWAY = 4403;
/** What proved the name has expired: only a client that can get a new token comes back. */
export const EXPIRED = 4401;

export const CLOSE = {
  /** The user asked to be signed out: status 0. */
  signedOut: {
    code: NORMAL_CLOSURE,
    reason: "signed out",
    retry: "never",
    by: "gateway",
    dialects: "bytes",
  },
  /** The client said `bye`. */
  bye: { code: NORMAL_CLOSURE, reason: "bye", retry: "never", by: "gateway", dialects: "JSON" },
  /** A frame broke the rules of WebSockets. */
  protocolError: {
    code: 1002,
    reason: "",
    retry: "with backoff",
    by: "library",
    dialects: "all",
  },
  /** No close frame: the node or the network failed, or a reader of bytes was too slow. */
  lost: {
    code: ABNORMAL_CLOSURE,
    reason: "",
    retry: "with backoff",
    by: "nobody",
    dialects: "all",
  },
  /** The text of a frame is no UTF-8. */
  invalidText: { code: 1007, reason: "", retry: "with backoff", by: "library", dialects: "JSON" },
  /** A frame came in too many pieces. */
  tooManyPieces: {
    code: 1008,
    reason: "",
    retry: "with backoff",
    by: "library",
    dialects: "all",
  },
  /** A frame has more bytes than the node takes. */
  frameTooLarge: {
    code: 1009,
    reason: "",
    retry: "with backoff",
    by: "library",
    dialects: "all",
  },
  /** The node is stopping. */
  restarting: {
    code: 1012,
    reason: "restarting",
    retry: "at once",
    by: "gateway",
    dialects: "all",
  },
  /** This node alone cannot serve: other nodes can. */
  cannotServe: {
    code: 1012,
    reason: "this gateway cannot serve now",
    retry: "at once",
    by: "gateway",
    dialects: "bytes",
  },
  /** The node missed events and has no way to tell a client of bytes. */
  eventsMissed: {
    code: 1012,
    reason: "events were missed",
    retry: "at once",
    by: "gateway",
    dialects: "bytes",
  },
  /** A hundred frames in a row could not be read. */
  badFrames: {
    code: 4400,
    reason: "too many bad frames",
    retry: "never",
    by: "gateway",
    dialects: "JSON",
  },
  /** What showed that the name is the client's has ended: a token, for one. A new one is shown by another hello. */
  tokenExpired: {
    code: EXPIRED,
    reason: "token expired",
    retry: "never",
    by: "gateway",
    dialects: "all",
  },
  /** The login session was ended, the password changed, or the operator revoked what was issued before. */
  revoked: { code: SENT_AWAY, reason: "revoked", retry: "never", by: "gateway", dialects: "all" },
  /** The user has left for good, by this or another device, or was removed by the operator. */
  unregistered: {
    code: SENT_AWAY,
    reason: "unregistered",
    retry: "never",
    by: "gateway",
    dialects: "all",
  },
  /** A moderator has closed the connection. */
  kicked: { code: SENT_AWAY, reason: "kicked", retry: "never", by: "gateway", dialects: "all" },
  /** A moderator has banned the user, or the address. The close frame says until when, and why. */
  banned: { code: SENT_AWAY, reason: "banned", retry: "never", by: "gateway", dialects: "all" },
  /** The client did not say its name in time. */
  noHello: { code: 4408, reason: "say hello", retry: "never", by: "gateway", dialects: "all" },
  /** Another connection has the name. */
  replaced: { code: REPLACED, reason: "replaced", retry: "never", by: "gateway", dialects: "all" },
  /** A hundred frames in a row came too fast, or could not be read. */
  tooFast: {
    code: 4429,
    reason: "too many bad frames",
    retry: "never",
    by: "gateway",
    dialects: "all",
  },
  /** Our mistake, or the conversations could not be read after a hello. */
  internal: {
    code: 4500,
    reason: "try again",
    retry: "with backoff",
    by: "gateway",
    dialects: "JSON",
  },
  /** The client reads too slowly. */
  slowReader: {
    code: 4508,
    reason: "read faster, then resume",
    retry: "with backoff",
    by: "gateway",
    dialects: "JSON",
  },
  /** The node has lost its place in the log: what was missed is read again on resume. */
  positionLost: {
    code: 4510,
    reason: "resume",
    retry: "with backoff",
    by: "gateway",
    dialects: "JSON",
  },
  /** As `cannotServe`, in JSON. */
  cannotServeJson: {
    code: 4510,
    reason: "this gateway cannot serve now",
    retry: "with backoff",
    by: "gateway",
    dialects: "JSON",
  },
} as const satisfies Readonly<Record<string, Close>>;

/** The rule for every code, also for one that only a later version of the server sends. */
export function retryPolicyOf(code: number): RetryPolicy {
  if (code === NORMAL_CLOSURE || (code >= 4400 && code < 4500)) return "never";
  return code === 1012 ? "at once" : "with backoff";
}

/** What a close frame has room for, cut between two characters. RFC 6455 §5.5. */
export function closeReason(text: string): string {
  let [reason, size] = ["", 0];
  for (const character of text) {
    size += utf8Length(character.codePointAt(0)!);
    if (size > MAX_REASON_BYTES) return reason;
    reason += character;
  }
  return text;
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x1_00_00 ? 3 : 4;
}
