/** Sanctions: what moderation has forbidden, to whom, until when and why. Pure. */
import type { Role } from "./identity.js";
import type { Name } from "./names.js";

/** Whom it concerns: a user, or everybody at these addresses. */
export type Target =
  | { readonly kind: "name"; readonly name: Name }
  /** An address, or a range of them: `192.0.2.0/24`, `2001:db8::/48`. */
  | { readonly kind: "addresses"; readonly range: string };

/**
 * ban: may not connect. mute: may not write. kick: the sessions of that moment are closed. Mute and kick are for names
 * only.
 */
export type SanctionKind = "ban" | "mute" | "kick";

export interface Sanction {
  readonly kind: SanctionKind;
  readonly target: Target;
  /** By Redis' clock, in ms since 1970. */
  readonly atMs: number;
  /** Undefined: for good. */
  readonly untilMs: number | undefined;
  /** Who imposed it: for the log, and never told to whom it concerns. */
  readonly by: string;
  /** Told to whom it concerns. May be empty. */
  readonly reason: string;
}

/** Something that moderation does. */
export interface ModerationAct {
  readonly act: SanctionKind | "unban" | "unmute";
  readonly target: Target;
  /** Undefined: for good. */
  readonly forMs?: number | undefined;
  /** Who does it: `@` and a name for a user of the chat, else what an operator calls itself. */
  readonly by: string;
  readonly reason: string;
  /** Of this act, and no other one: done again under it, lately, it is done and logged once. */
  readonly id: string;
}

/** Something else that an operator or a moderator does, and that is noted in the same log. */
export interface NotedAct {
  readonly act: "role" | "password" | "revoke" | "unregister" | "remove";
  readonly target: Target;
  readonly by: string;
  readonly reason: string;
  /** See {@link ModerationAct}. */
  readonly id: string;
  /** The one that the user has from then on. */
  readonly role?: Role | undefined;
}

/** What a moderator or operator asks. */
export type ModerationCommand =
  | ({
      readonly type: "moderate";
      /** Chosen by the client: sent again with the same one, the act is done and logged once. */
      readonly mid?: string | undefined;
    } & Omit<ModerationAct, "by" | "id">)
  | { readonly type: "sanctions" }
  | { readonly type: "audit"; readonly limit: number };

/** An entry of the moderation log. */
export interface ModerationEntry extends Omit<ModerationAct, "act" | "forMs" | "id"> {
  readonly act: ModerationAct["act"] | NotedAct["act"];
  readonly role?: Role | undefined;
  readonly atMs: number;
  readonly untilMs: number | undefined;
}

/** All sanctions as of a version: the version counts the changes. */
export interface SanctionsAt {
  readonly version: string;
  readonly sanctions: readonly Sanction[];
}

/** Keeps the sanctions of the whole cluster. */
export interface ModerationStore {
  /**
   * Done and logged in one step. `nothing`: it would lift what is not there; `full`: there are too many sanctions.
   * @throws Unavailable
   */
  moderate(act: ModerationAct): Promise<{
    readonly outcome: "done" | "nothing" | "full";
    readonly untilMs: number | undefined;
  }>;
  /** Notes it in the log. @throws Unavailable */
  note(act: NotedAct): Promise<void>;
  /** Undefined: nothing has changed since that version. @throws Unavailable */
  sanctions(version?: string): Promise<SanctionsAt | undefined>;
  /** The newest entries, newest first. @throws Unavailable */
  log(limit: number): Promise<ModerationEntry[]>;
}

/** The sanctions that are in force, as far as this node knows. Costs nothing to ask. */
export interface KnownSanctions {
  banOf(name: Name): Sanction | undefined;
  muteOf(name: Name): Sanction | undefined;
}

/** What is told to whom it concerns: `banned until 2026-05-01T12:00:00Z: spam`. */
export function toldOf({ kind, untilMs, reason }: Sanction): string {
  const what = { ban: "banned", mute: "muted", kick: "kicked" }[kind];
  const until = untilMs === undefined ? "" : ` until ${isoSeconds(untilMs)}`;
  return `${what}${kind === "kick" ? "" : until}${reason === "" ? "" : `: ${reason}`}`;
}

function isoSeconds(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- no clock: it writes a time that is given
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
