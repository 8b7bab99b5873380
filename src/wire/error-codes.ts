/** What clients are told when something is refused or fails: one table for all dialects. PROTOCOL.md, errors. */
import type { Refusal } from "../chat/commands.js";

interface ErrorKind {
  /** For people; some errors say more. */
  readonly message: string;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** When to try again, unless the one who refuses knows better. */
  readonly retryAfterMs?: number;
}

/** Of JSON. */
export const ERRORS = {
  bad_frame: { message: "a frame is one JSON object", retryable: false },
  unknown_type: { message: "there is no such request", retryable: false },
  unauthenticated: { message: "say hello first", retryable: false },
  forbidden: { message: "not allowed", retryable: false },
  banned: { message: "banned", retryable: false },
  muted: { message: "muted: you may read, and not write", retryable: false },
  not_found: { message: "nobody ever had this name", retryable: false },
  name_taken: { message: "somebody holds this name", retryable: false },
  name_kept: { message: "this name is kept for somebody who has left", retryable: false },
  bad_name: { message: "nobody can be called this", retryable: false },
  away: {
    message: "this user is not connected, and nobody is known to come back",
    retryable: false,
  },
  bad_status: { message: "there is no such status", retryable: false },
  empty: { message: "nothing of the text can be seen", retryable: false },
  too_large: { message: "the text is too long", retryable: false },
  mid_conflict: { message: "you have sent another message under this mid", retryable: false },
  bad_credentials: { message: "this does not show that the name is yours", retryable: false },
  login_required: { message: "log in first", retryable: false },
  token_expired: { message: "the token has expired: get a new one", retryable: false },
  too_many_attempts: { message: "too many attempts", retryable: true, retryAfterMs: 5_000 },
  bad_password: { message: "a password has 8 to 256 bytes", retryable: false },
  registration_closed: { message: "nobody can register here", retryable: false },
  rate_limited: { message: "slow down", retryable: true },
  unavailable: {
    message: "not done in time, but perhaps later: send it again",
    retryable: true,
    retryAfterMs: 500,
  },
  internal: { message: "our mistake", retryable: true, retryAfterMs: 500 },
} as const satisfies Readonly<Record<string, ErrorKind>>;

export type ErrorCode = keyof typeof ERRORS;

export function errorKind(code: ErrorCode): ErrorKind {
  return ERRORS[code];
}

interface RefusalCodes {
  /** In frame 50 of the byte dialects. */
  readonly byte: number;
  readonly code: ErrorCode;
  /** If it is not the code's own. */
  readonly message?: string;
}

/** What a refusal of the chat is in each dialect. */
export const REFUSALS: Readonly<Record<Refusal, RefusalCodes>> = {
  bad_name: { byte: 1, code: "bad_name" },
  name_taken: { byte: 1, code: "name_taken" },
  name_kept: { byte: 1, code: "name_kept" },
  unknown_user: { byte: 1, code: "not_found" },
  bad_status: { byte: 2, code: "bad_status" },
  empty_message: { byte: 3, code: "empty" },
  too_large: { byte: 3, code: "too_large" },
  bad_message_id: { byte: 7, code: "bad_frame", message: "mid: 1 to 64 letters, digits, _ and -" },
  mid_conflict: { byte: 7, code: "mid_conflict" }, // no byte client chooses an id
  unknown_message: { byte: 1, code: "not_found", message: "no such message is kept" },
  bad_cursor: { byte: 7, code: "bad_frame", message: "after: what the part before said is next" },
  unknown_room: { byte: 1, code: "not_found", message: "there is no such room" },
  recipient_disconnected: { byte: 4, code: "away" },
  not_registered: { byte: 5, code: "unauthenticated" },
  unavailable: { byte: 6, code: "unavailable" },
  forbidden: { byte: 7, code: "forbidden" },
  bad_credentials: { byte: 7, code: "bad_credentials" },
  login_required: { byte: 7, code: "login_required" },
  token_expired: { byte: 7, code: "token_expired" },
  too_many_attempts: { byte: 8, code: "too_many_attempts" },
  name_has_account: { byte: 1, code: "name_taken", message: "somebody has registered this name" },
  registration_closed: { byte: 7, code: "registration_closed" },
  bad_password: { byte: 7, code: "bad_password" },
  banned: { byte: 7, code: "banned" },
  muted: { byte: 7, code: "muted" },
  nothing_to_lift: { byte: 7, code: "not_found", message: "there is nothing to lift" },
  too_many_sanctions: {
    byte: 7,
    code: "forbidden",
    message: "there are as many sanctions as can be kept: lift some first",
  },
  too_many_blocks: {
    byte: 7,
    code: "forbidden",
    message: "you block as many as one may: unblock somebody first",
  },
  too_fast: { byte: 8, code: "rate_limited" },
  no_accounts: { byte: 7, code: "forbidden", message: "there are no accounts here" },
  no_tokens: { byte: 7, code: "forbidden", message: "there are no tokens here" },
};
