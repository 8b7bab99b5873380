/** Accounts on Redis: whose names are, and what was revoked. See lua/4-accounts.lua. */
import { createHash, randomBytes } from "node:crypto";
import { roleFrom, type Login, type Role } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import type { Account, AccountStore, Attempt } from "../identity/ports.js";
import type { MessageWriter } from "./append-queue.js";
import type { FunctionLibrary, LibraryFunction } from "./function-library.js";
import { bucketOfUser, type Keys } from "./keys.js";
import { bytes } from "./name-bytes.js";
import { attempting } from "./retry.js";
import { writing } from "./writing.js";

export interface AccountStoreSettings {
  /** A step that has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
  /** A login session that was not used for so long has ended. */
  readonly loginIdleMs: number;
}

/** Attempts on one name from one network: somebody who mistypes, not somebody who guesses. */
const [ATTEMPTS_AT_ONCE, ATTEMPT_EVERY_MS] = [8, 30_000];
/** A login session's id is the beginning of its digest. */
const ID_LENGTH = 10;
/** Characters of what a client calls itself. */
const CLIENT_LENGTH = 64;

export class RedisAccountStore implements AccountStore {
  readonly #library: FunctionLibrary;
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #settings: AccountStoreSettings;

  /** @param writer where it is written who may be whom, and what is demanded of its replicas */
  constructor(
    library: FunctionLibrary,
    writer: MessageWriter,
    keys: Keys,
    settings: AccountStoreSettings,
  ) {
    this.#library = library;
    this.#writer = writer;
    this.#keys = keys;
    this.#settings = settings;
  }

  async attempt(name: Name, network: string): Promise<Attempt> {
    const keys = [this.#keys.account(name), this.#attempts(name, network)];
    const args = [ATTEMPTS_AT_ONCE, ATTEMPT_EVERY_MS];
    const count = (): Promise<unknown> => this.#library.call("try_password", keys, args);
    const answer = await this.#attempting(count, false);
    const [forMs, hash, ...fields] = answer as [number, ...Found[]];
    if (forMs > 0) return { outcome: "wait", forMs };
    if (hash === null || hash === undefined) return { outcome: "allowed", account: undefined };
    return { outcome: "allowed", account: { hash: hash.toString(), ...accountOf(fields) } };
  }

  async forgive(name: Name, network: string): Promise<void> {
    const key = this.#attempts(name, network);
    await this.#attempting(() => this.#library.redis.del(key));
  }

  async create(name: Name, { hash, version, share }: Omit<Account, "role">): Promise<boolean> {
    const keys = [this.#keys.account(name), this.#keys.unregistered(bucketOfUser(name))];
    const args = [hash, version, share, bytes(name)];
    return (await this.#write("create_account", keys, args)) === 1;
  }

  async rehash(name: Name, version: string, hash: string): Promise<void> {
    await this.#call("rehash", [this.#keys.account(name)], [version, hash]);
  }

  async setPassword(
    name: Name,
    { hash, version, share }: Omit<Account, "role">,
    was = "",
    but = "",
  ): Promise<boolean> {
    const args = [bytes(name), was, hash, version, share, but];
    return (await this.#write("set_password", this.#keys.ofAccount(name), args)) === 1;
  }

  async beginLogin(name: Name, version: string, digest: string, client: string): Promise<boolean> {
    const label = Array.from(client).slice(0, CLIENT_LENGTH).join("");
    const args = [bytes(name), version, digest, this.#settings.loginIdleMs, label];
    return (await this.#call("begin_login", this.#keys.ofAccount(name), args)) === 1;
  }

  async accountOf(name: Name, digest: string): Promise<Omit<Account, "hash"> | undefined> {
    const args = [digest, this.#settings.loginIdleMs];
    const found = await this.#call("find_login", [this.#keys.account(name)], args);
    const fields = found as Found[];
    return fields.length === 0 ? undefined : accountOf(fields);
  }

  async logins(name: Name): Promise<(Login & { readonly digest: string })[]> {
    const args = [this.#settings.loginIdleMs];
    const found = (await this.#call("list_logins", [this.#keys.account(name)], args)) as unknown[];
    const logins: (Login & { digest: string })[] = [];
    for (let i = 0; i < found.length; i += 4) {
      const [digest, beganAtMs, usedAtMs, client] = found.slice(i, i + 4) as LoginFields;
      const id = digest.toString().slice(0, ID_LENGTH);
      const own = { digest: digest.toString(), isOwn: false };
      logins.push({ id, client: client.toString(), beganAtMs, usedAtMs, ...own });
    }
    return logins;
  }

  async endLogins(name: Name, which: { readonly id: string } | { readonly but?: string }) {
    const how = "id" in which ? ["one", which.id] : ["others", which.but ?? ""];
    const args = [bytes(name), ...how, newVersion()];
    await this.#write("end_logins", this.#keys.ofAccount(name), args);
  }

  async roleOf(name: Name, by: "account" | "token"): Promise<Role> {
    const key = this.#keys.account(name);
    const field = by === "account" ? "role" : "token_role";
    const read = (): Promise<string | null> => this.#library.redis.hget(key, field);
    return roleFrom((await this.#attempting(read)) ?? undefined);
  }

  async revokedAtMs(name: Name): Promise<number> {
    const key = this.#keys.account(name);
    const read = (): Promise<string | null> => this.#library.redis.hget(key, "revoked");
    return Number((await this.#attempting(read)) ?? -1);
  }

  /** Revokes the tokens that were issued to a user until now. */
  async revokeTokens(name: Name): Promise<void> {
    await this.#write("revoke_tokens", this.#keys.ofAccount(name), [bytes(name)]);
  }

  /** Gives the user of an account a role, also on the sessions that are open. False: there is no account. */
  async setRole(name: Name, role: Role): Promise<boolean> {
    const args = [bytes(name), role];
    return (await this.#write("set_role", this.#keys.ofAccount(name), args)) === 1;
  }

  #attempts(name: Name, network: string): string {
    const digest = createHash("sha256").update(network).digest("base64url").slice(0, 16);
    return this.#keys.attempts(name, digest);
  }

  /** What is answered is on the replicas, too, where messages are. Each of these may be done again. */
  async #write(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (Buffer | string | number)[],
  ): Promise<number | Buffer> {
    const [answer] = await writing(
      this.#writer,
      this.#settings.deadlineMs,
      (library) => library.call(name, keys, args) as Promise<[number | Buffer, number]>,
      ([, replicas]) => replicas,
    );
    return answer;
  }

  #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly (Buffer | string | number)[],
  ): Promise<unknown> {
    return this.#attempting(() => this.#library.call(name, keys, args));
  }

  #attempting<T>(call: () => Promise<T>, isIdempotent = true): Promise<T> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, call, isIdempotent);
  }
}

type Found = Buffer | null | undefined;
type LoginFields = [digest: Buffer, beganAtMs: number, usedAtMs: number, client: Buffer];

/** Version, share and role, as functions return them. */
function accountOf([version, share, role]: readonly Found[]): Omit<Account, "hash"> {
  return { version: String(version), share: String(share), role: roleFrom(role?.toString()) };
}

/** Random: of an account whose login sessions were all ended. */
function newVersion(): string {
  return randomBytes(12).toString("base64url");
}
