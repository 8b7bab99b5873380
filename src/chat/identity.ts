/** Whose name it is: what a client may show to prove that a name is its own, and what comes of it. `identity/` decides. */
import type { Name } from "./names.js";

/** What a client shows. A key is none of these: it shares a name that is held, and proves nothing. */
export type Shown =
  /** Of an account: its bytes, as the client sent them. */
  | { readonly kind: "password"; readonly password: Uint8Array }
  /** The token of a login session: it was given for a password. */
  | { readonly kind: "session"; readonly session: string }
  /** A JWT. */
  | { readonly kind: "token"; readonly token: string };

/** From where a client comes, and what it showed before it asked for a name. */
export interface Origin {
  readonly address?: string | undefined;
  readonly shown?: Shown | undefined;
}

export const ROLES = ["user", "moderator", "operator"] as const;
export type Role = (typeof ROLES)[number];

/** By what a name was proved. The store compares it, in the step that claims, with what was revoked meanwhile. */
export interface Proof {
  readonly role: Role;
  /** Sessions with the same share the name. No client can show it as a key. */
  readonly share: string;
  readonly by:
    /** A login session: the digest of its token. */
    | { readonly kind: "login"; readonly digest: string }
    /** A password: the version of the account whose password it is. */
    | { readonly kind: "password"; readonly version: string }
    /** A token that was issued then. By its issuer's clock, in ms since 1970. */
    | { readonly kind: "token"; readonly issuedAtMs: number };
  /** From then on it proves nothing. By Redis' clock, in ms since 1970; undefined: until it is revoked. */
  readonly endsAtMs?: number | undefined;
  /** The token of a login session that began by this proof: told to the client once. */
  readonly session?: string | undefined;
}

/** Why a name was not proved. The same for a name that nobody has and for a wrong password. */
export type IdentityRefusal =
  | "bad_credentials"
  | "login_required"
  | "too_many_attempts"
  | "token_expired"
  | "name_has_account"
  | "registration_closed"
  | "bad_password";

export type Proved =
  /** No proof: the name belongs to nobody for good. */
  | { readonly outcome: "proved"; readonly proof: Proof | undefined }
  | {
      readonly outcome: "refused";
      readonly refusal: IdentityRefusal;
      /** When to try again. */
      readonly retryAfterMs?: number | undefined;
    };

/** Decides whether what a client shows proves that a name is its own. */
export interface Identity {
  /** @throws Unavailable when the store gave no answer in time */
  prove(name: Name, shown: Shown | undefined, origin: Origin): Promise<Proved>;
}
