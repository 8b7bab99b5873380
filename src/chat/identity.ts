/** Whose name it is: what a client may show to prove that a name is its own, and what comes of it. `identity/` decides. */
import type { Name } from "./names.js";

/** What a client shows. A key is none of these: it shares a name that is held, and proves nothing. */
export type Shown =
  | {
      readonly kind: "password";
      /** Its bytes, as the client sent them. */
      readonly password: Uint8Array;
      /** Of a client that has no other way to register: if nobody has the name, it makes an account. */
      readonly mayRegister: boolean;
      /** What the client calls itself, for the list of login sessions. */
      readonly client?: string | undefined;
    }
  /** The token of a login session, which was given for a password. */
  | { readonly kind: "session"; readonly session: string }
  /** A JWT. */
  | { readonly kind: "token"; readonly token: string };

/** From where a client comes, and what its upgrade request showed. */
export interface Origin {
  readonly address?: string | undefined;
  readonly shown?: Shown | undefined;
}

/** Who asks, and from where. `client`: what it calls itself, for the list of login sessions. */
export interface Asker extends Origin {
  readonly client?: string | undefined;
}

export const ROLES = ["user", "moderator", "operator"] as const;
export type Role = (typeof ROLES)[number];

/** What is no role of these is a user's. */
export function roleFrom(word: string | undefined): Role {
  return ROLES.find((each) => each === word) ?? "user";
}

/** By what a name was proved. The store compares it, in the step that claims, with what was revoked meanwhile. */
export interface Proof {
  readonly role: Role;
  /** Sessions with the same share the name. No client can show it as a key. */
  readonly share: string;
  readonly by:
    /** A login session, by the digest of its token; and the version that the account had. */
    | { readonly kind: "login"; readonly digest: string; readonly version: string }
    /** A password: the version of the account whose password it is. */
    | { readonly kind: "password"; readonly version: string }
    /** A token that was issued then. By its issuer's clock, in ms since 1970. */
    | { readonly kind: "token"; readonly issuedAtMs: number };
  /** From then on it proves nothing. By Redis' clock, in ms since 1970; undefined: until it is revoked. */
  readonly endsAtMs?: number | undefined;
  /** The token of the login session that began with it: the client is told, once. */
  readonly session?: string | undefined;
}

/** What was revoked, or changed: told to all gateways, so that they close who holds a name by it, or know the role. */
export type Revoked =
  /** One login session. */
  | { readonly kind: "login"; readonly digest: string }
  /** What an account of another version gave, but for one login session: its digest, or nothing. */
  | { readonly kind: "others"; readonly version: string; readonly but: string }
  /** Tokens that were issued until then, in ms since 1970. */
  | { readonly kind: "tokens"; readonly untilMs: number }
  /** The name itself: its user left for good then. */
  | { readonly kind: "name"; readonly untilMs: number }
  /** What the user of an account might do besides: this is the role from now on. */
  | { readonly kind: "role"; readonly role: Role };

/** Whether a name is no longer proved by this. */
export function isRevoked(
  { by }: Proof,
  revoked: Exclude<Revoked, { kind: "name" | "role" }>,
): boolean {
  switch (revoked.kind) {
    case "login":
      return by.kind === "login" && by.digest === revoked.digest;
    case "others":
      if (by.kind === "token") return false;
      if (by.kind === "login" && by.digest === revoked.but) return false;
      return by.version !== revoked.version;
    case "tokens":
      return by.kind === "token" && by.issuedAtMs <= revoked.untilMs;
    default:
      return revoked satisfies never;
  }
}

/** Why something of identity is refused. The same for a name that nobody has and for a wrong password. */
export type IdentityRefusal =
  | "bad_credentials"
  | "login_required"
  | "too_many_attempts"
  | "token_expired"
  | "name_has_account"
  | "registration_closed"
  | "bad_password"
  | "no_accounts"
  | "no_tokens";

export interface Refused {
  readonly outcome: "refused";
  readonly refusal: IdentityRefusal;
  /** When to try again, if that is known. */
  readonly retryAfterMs?: number | undefined;
}

export type Proved =
  | Refused
  /** No proof: the name belongs to nobody for good. */
  | { readonly outcome: "proved"; readonly proof: Proof | undefined };

/** A login session, as its user sees it. Times by Redis' clock, in ms since 1970. */
export interface Login {
  readonly id: string;
  /** What the client called itself. */
  readonly client: string;
  readonly beganAtMs: number;
  readonly usedAtMs: number;
  /** Whether it is the one by which the list is asked for. */
  readonly isOwn: boolean;
}

/** A user, as shown to the ones who ask. */
export interface Identified {
  readonly name: Name;
  readonly proof?: Proof | undefined;
  readonly origin?: Origin | undefined;
}

export type Confirmed =
  | Refused
  | {
      readonly outcome: "confirmed";
      /** Of the account; undefined: there is none. */
      readonly version: string | undefined;
    };

/** Which login sessions: one by its id, all but one's own, or all. */
export type WhichLogins = { readonly id: string } | "others" | "all";

/** Decides whether what a client shows proves that a name is its own. All of it may throw Unavailable. */
export interface Identity {
  /** False: a name belongs to nobody, and nothing is proved. */
  readonly provesNames: boolean;
  prove(name: Name, shown: Shown | undefined, from: Origin): Promise<Proved>;
  /** Makes an account, and begins a login session of it: the proof has its token. For the same password, once more. */
  register(name: Name, password: Uint8Array, from: Asker): Promise<Proved>;
  /** Begins a login session: the proof has its token. */
  logIn(name: Name, password: Uint8Array, from: Asker): Promise<Proved>;
  /** Ends all other login sessions. */
  changePassword(user: Identified, old: Uint8Array, next: Uint8Array): Promise<Refused | undefined>;
  /** Ends those, if any are named, and lists the ones that are left: the one that was used last first. */
  logins(user: Identified, ended: WhichLogins | undefined): Promise<readonly Login[] | Refused>;
  /**
   * Whether the user means it, before something is done that cannot be undone. Where there are accounts, the password
   * shows it.
   */
  confirm(user: Identified, password: Uint8Array | undefined): Promise<Confirmed>;
  /** Another token of the same user. */
  refresh(user: Identified, token: string): Promise<Proved>;
  /** The role of whoever the name belongs to, as far as the cluster knows it. */
  roleOf(name: Name): Promise<Role>;
}
