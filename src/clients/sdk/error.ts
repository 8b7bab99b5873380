/** The one kind of error that the SDK rejects with, apart from an abort's own reason. */

/** Codes of the chat (PROTOCOL.md, errors), and below the line codes of the SDK. */
export type TertuliaErrorCode =
  | "bad_frame"
  | "unknown_type"
  | "unauthenticated"
  | "forbidden"
  | "banned"
  | "muted"
  | "not_found"
  | "name_taken"
  | "name_kept"
  | "bad_name"
  | "away"
  | "bad_status"
  | "empty"
  | "too_large"
  | "mid_conflict"
  | "bad_credentials"
  | "login_required"
  | "token_expired"
  | "too_many_attempts"
  | "bad_password"
  | "registration_closed"
  | "rate_limited"
  | "unavailable"
  | "internal"
  // ---
  /** The client was closed, by itself or by the chat, before there was an answer. */
  | "closed"
  /** No connection: the address is wrong, nobody answers there, or it is no chat. */
  | "unreachable"
  /** The connection is lost. */
  | "lost"
  /** More requests are waiting than `outboxLimit` allows. */
  | "outbox_full"
  /** More events wait to be read than the `limit` of `events` allows. */
  | "overflow"
  /** Sent, but unanswered for so long that sending it again might store it twice. */
  | "unconfirmed";

/** Something was refused, or could not be done. */
export class TertuliaError extends Error {
  override readonly name = "TertuliaError";
  readonly code: TertuliaErrorCode;
  /** Whether the same may succeed later. */
  readonly retryable: boolean;
  /** Not before this many milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: TertuliaErrorCode, message: string, retryable = false, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryable = retryable;
    this.retryAfterMs = retryAfterMs;
  }
}
