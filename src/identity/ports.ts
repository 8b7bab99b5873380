/** What identity needs of the world: a store of accounts. `redis/` implements it. Each step is atomic. */
import type { Login, Role } from "../chat/identity.js";
import type { Name } from "../chat/names.js";

/** The right to a name. */
export interface Account {
  /** How the password is kept, with the parameters: {@link PasswordHasher}. */
  readonly hash: string;
  /** Another one after each change of the password. */
  readonly version: string;
  /** Devices of the account share the name by it. Nobody is told. */
  readonly share: string;
  readonly role: Role;
}

/** An attempt to log in, counted before the password is looked at: attempts at the same time count as well. */
export type Attempt =
  | { readonly outcome: "wait"; readonly forMs: number }
  | { readonly outcome: "allowed"; readonly account: Account | undefined };

/** A method may be called again after `Unavailable`, which each of them throws; an attempt may count again then. */
export interface AccountStore {
  /** Counts an attempt on this name from this network; tells of the account if there were not too many. */
  attempt(name: Name, network: string): Promise<Attempt>;
  /** The password was right: attempts on this name from this network no longer count. */
  forgive(name: Name, network: string): Promise<void>;
  /** False: the name has an account. */
  create(name: Name, account: Omit<Account, "role">): Promise<boolean>;
  /** Keeps the same password in another way. */
  rehash(name: Name, version: string, hash: string): Promise<void>;
  /**
   * Changes the password, and ends all login sessions but one. Announces which.
   * @param was the version that is changed; undefined: whatever it is, or a new account (the operator)
   * @param but digest of the login session that stays
   * @returns false: the account has another version by now
   */
  setPassword(
    name: Name,
    account: Omit<Account, "role">,
    was: string | undefined,
    but?: string,
  ): Promise<boolean>;
  /**
   * Begins a login session. If the account has too many, the one that was used longest ago ends.
   * @returns false: the account has another version by now
   */
  beginLogin(name: Name, version: string, digest: string, device: string): Promise<boolean>;
  /** The account of a login session that has not ended. */
  accountOf(name: Name, digest: string): Promise<Omit<Account, "hash"> | undefined>;
  /** The login sessions of an account, the one that was used last first. */
  logins(name: Name): Promise<(Login & { readonly digest: string })[]>;
  /** Ends login sessions, and announces it: one by its id; or all, and what came by a password alone, too. */
  endLogins(name: Name, which: { readonly id: string } | { readonly but?: string }): Promise<void>;
  /** The role of a user: that of the account, or of the token that was shown last. */
  roleOf(name: Name, by: "account" | "token"): Promise<Role>;
  /** When the tokens of a user were revoked: those that were issued until then are worth nothing. In ms since 1970. */
  revokedAtMs(name: Name): Promise<number>;
}
