/** Commands and their replies. PROTOCOL.md uses the same words. */
import type { Address, Conversation } from "./conversation.js";
import type { Message, Text } from "./events.js";
import type { IdentityRefusal, Login, Proof, Shown, WhichLogins } from "./identity.js";
import type { Page, Range } from "./history.js";
import type { Name, Status, User } from "./names.js";
import type { ExportPart, OwnDataCommand } from "./own-data.js";
import type { ModerationCommand, ModerationEntry, Sanction } from "./sanctions.js";

/** What an actor asks of the chat. */
export type Command =
  | Register
  | { readonly type: "list" }
  | { readonly type: "lookup"; readonly name: Name }
  | { readonly type: "status"; readonly name?: Name; readonly status: Status }
  | {
      readonly type: "send";
      readonly to: Address;
      readonly text: Text;
      /** The text in characters, from a client that writes characters: then some of it must be visible. */
      readonly written?: string;
      /** Chosen by the sender: sent again under the same id, a message is stored once (idempotency). */
      readonly mid?: string;
      /** Store it for a recipient who is away, instead of a refusal. */
      readonly mayWait?: boolean;
    }
  | { readonly type: "history"; readonly of: Address }
  | { readonly type: "page"; readonly of: Address; readonly range: Range }
  | { readonly type: "read"; readonly of: Address; readonly seq: number }
  | { readonly type: "typing"; readonly to: Address }
  | {
      readonly type: "remove";
      readonly of: Address;
      readonly seq: number;
      /** For the log of moderation. */
      readonly reason?: string | undefined;
    }
  | IdentityCommand
  | BlockCommand
  | ModerationCommand
  | OwnDataCommand;

/** What a user asks about those from whom it wants no private messages. */
export type BlockCommand =
  | { readonly type: "block"; readonly user: Name; readonly off: boolean }
  | { readonly type: "blocks" };

/** What a user asks about the right to the user's own name. */
export type IdentityCommand =
  | { readonly type: "password"; readonly old: Uint8Array; readonly next: Uint8Array }
  /** Ends those, if any are named; then lists the ones that are left. */
  | { readonly type: "logins"; readonly ended: WhichLogins | undefined }
  | { readonly type: "refresh"; readonly token: string };

/** What a stranger asks before it asks for a name. Holds none. */
export interface LogIn {
  /** `create_account`: it may be new. */
  readonly type: "create_account" | "log_in";
  readonly name: Name;
  /** The name in characters, from a client that writes characters. */
  readonly written?: string | undefined;
  readonly password: Uint8Array;
  /** What the client calls itself. */
  readonly client?: string | undefined;
}

/** Asks for a name: the one command that `Chat.join` carries out, and `Chat.execute` does not. */
export interface Register {
  readonly type: "register";
  readonly name: Name;
  /** The name in characters, from a client that writes characters: then it must show what it is. */
  readonly written?: string | undefined;
  /** By what the client proves that the name is its own. */
  readonly shown?: Shown | undefined;
}

/** The answer to a command. `accepted`: its effect comes back through the feed. */
export type Reply =
  | { readonly type: "accepted" }
  | {
      readonly type: "stored";
      readonly message: Omit<Message, "text" | "author">;
      /** It was stored already, under this id. */
      readonly repeated: boolean;
    }
  | { readonly type: "page"; readonly conversation: Conversation; readonly page: Page }
  | {
      readonly type: "read";
      readonly conversation: Conversation;
      readonly read: number;
      readonly unread: number;
    }
  /** By the message with this number. */
  | { readonly type: "removed"; readonly conversation: Conversation; readonly seq: number }
  | { readonly type: "registered"; readonly user: User }
  /** A login session has begun: its token. */
  | { readonly type: "logged-in"; readonly name: Name; readonly session: string }
  | { readonly type: "logins"; readonly logins: readonly Login[] }
  /** By this proof the name is the user's from now on. */
  | { readonly type: "refreshed"; readonly proof: Proof }
  /** An act of moderation is done. Undefined: it holds for good, or has no duration. */
  | { readonly type: "moderated"; readonly untilMs: number | undefined }
  | { readonly type: "sanctions"; readonly sanctions: readonly Sanction[] }
  /** Whom the user blocks. */
  | { readonly type: "blocked"; readonly names: readonly Name[] }
  | { readonly type: "audit"; readonly acts: readonly ModerationEntry[] }
  /** A part of what is kept of the user. */
  | { readonly type: "exported"; readonly part: ExportPart }
  | { readonly type: "users"; readonly users: readonly User[] }
  | { readonly type: "user"; readonly user: User }
  | { readonly type: "unchanged"; readonly user: User }
  | { readonly type: "history"; readonly messages: readonly Message[] }
  | ({ readonly type: "refused"; readonly refusal: Refusal } & RefusalDetails);

/** What is known of a refusal besides its kind. */
export interface RefusalDetails {
  /** The limit that was exceeded, if there is one to name. */
  readonly limit?: number;
  /** When to try again, if that is known. */
  readonly retryAfterMs?: number | undefined;
  /** What moderation has forbidden, if that is why. */
  readonly sanction?: Sanction | undefined;
}

/** Why the chat refuses a command. */
export type Refusal =
  | "bad_name"
  | "name_taken"
  | "name_kept"
  | "unknown_user"
  | "bad_status"
  | "empty_message"
  | "too_large"
  | "bad_message_id"
  | "mid_conflict"
  | "unknown_message"
  | "bad_cursor"
  | "unknown_room"
  | "recipient_disconnected"
  | "not_registered"
  | "forbidden"
  | "banned"
  | "muted"
  | "nothing_to_lift"
  | "too_many_sanctions"
  | "too_many_blocks"
  | "unavailable"
  | "too_fast"
  | IdentityRefusal;

/** What a rule can answer. Whether a name is free, and whether the store answers, only the store can tell. */
export type RuleRefusal = Exclude<
  Refusal,
  | "name_taken"
  | "name_kept"
  | "mid_conflict"
  | "unknown_message"
  | "nothing_to_lift"
  | "too_many_sanctions"
  | "too_many_blocks"
  | "unavailable"
  | "too_fast"
  | IdentityRefusal
>;
