/** A user's own data: all that is kept of a user, to be told or to be removed. PROTOCOL.md, leaving for good. */
import type { Conversation } from "./conversation.js";
import type { Message } from "./events.js";
import type { Login } from "./identity.js";
import type { Name, Status } from "./names.js";
import type { Sanction } from "./sanctions.js";

export type OwnDataCommand =
  /** `erase`: what the user wrote goes as well; else it stays, and nobody is told who wrote it. */
  | {
      readonly type: "unregister";
      readonly erase: boolean;
      readonly password?: Uint8Array | undefined;
    }
  /** A part of all that is kept of the user. `after`: what the part before said is next. */
  | { readonly type: "export"; readonly after?: string | undefined };

/** Who is removed. */
export interface Leaving {
  readonly name: Name;
  /** The session that asks, and holds the name; undefined: the operator asks. */
  readonly session?: string | undefined;
  /** The version that the account must have; undefined: any, or there is none. */
  readonly version?: string | undefined;
  /** What was written under the name before is somebody else's. In ms since 1970, by Redis' clock. */
  readonly sinceMs: number;
  readonly erases: boolean;
}

/**
 * `gone`: the session does not hold the name. `changed`: the account has another version. `nothing`: there is no such
 * user.
 */
export type LeavingOutcome = "done" | "gone" | "changed" | "nothing";

/** What is kept of a user besides messages and login sessions. Times in ms since 1970, by Redis' clock. */
export interface KeptOfUser {
  readonly status: Status | undefined;
  /** When the user connected, or left. */
  readonly sinceMs: number | undefined;
  /** A digest of a key is kept, by which the name is the user's. */
  readonly ownerSinceMs: number | undefined;
  readonly accountCreatedMs: number | undefined;
  readonly role: string | undefined;
  readonly tokensRevokedMs: number | undefined;
  /** Whom the user blocks. */
  readonly blocked: readonly Name[];
}

/** All that is kept of users, in whatever place. Each method may throw Unavailable. */
export interface UserRecords {
  /**
   * Removes a user in one step, and signs out all its devices; then clears what is kept of it elsewhere. If that fails,
   * the leader does it.
   */
  unregister(leaving: Leaving): Promise<LeavingOutcome>;
  /** @param sinceMs what is from before is somebody else's who had the name */
  kept(name: Name, sinceMs: number): Promise<KeptOfUser>;
  /** Messages of one author behind a number, oldest first; `next`: there may be more behind that number. */
  written(
    author: Name,
    conversation: Conversation,
    after: number,
    sinceMs: number,
  ): Promise<{ readonly messages: readonly Message[]; readonly next: number | undefined }>;
}

/** A part of what is kept of a user. */
export interface ExportPart {
  /** The first part has it. */
  readonly about?: ExportedUser | undefined;
  readonly messages: readonly Message[];
  readonly next: string | undefined;
}

export interface ExportedUser extends KeptOfUser {
  readonly name: Name;
  readonly logins: readonly Login[];
  readonly sanctions: readonly Sanction[];
  /** How far the user has read each conversation. */
  readonly marks: readonly { readonly conversation: Conversation; readonly read: number }[];
}
