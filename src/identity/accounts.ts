/** `IDENTITY=accounts`: a name is whose password it is. */
import { createHash, randomBytes } from "node:crypto";
import type {
  Asker,
  Confirmed,
  Identified,
  Identity,
  Login,
  Origin,
  Proof,
  Proved,
  Refused,
  Role,
  Shown,
  WhichLogins,
} from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import { addressKey } from "../limits/address-key.js";
import { KeyedBuckets } from "../limits/keyed-buckets.js";
import { WITHOUT_TOKENS } from "./open.js";
import { TooBusy, isPassword, type PasswordHasher, type Place } from "./password-hasher.js";
import type { Account, AccountStore } from "./ports.js";

export interface AccountSettings {
  /** Whether clients may make accounts; if not, only the operator does. */
  readonly mayRegister: boolean;
}

/** Passwords of one network, whatever the names: a class behind one address logs in at the same time. */
const OF_NETWORK = { capacity: 60, perSecond: 1 };
/** Accounts that one network makes. */
const REGISTRATIONS = { capacity: 100, perSecond: 1 / 5 };
/** Networks that this gateway remembers. */
const MOST_NETWORKS = 10_000;

export class Accounts implements Identity {
  readonly provesNames = true;
  readonly refresh = WITHOUT_TOKENS.refresh;
  readonly #store: AccountStore;
  readonly #hasher: PasswordHasher;
  readonly #settings: AccountSettings;
  readonly #ofNetwork = new KeyedBuckets(OF_NETWORK, MOST_NETWORKS);
  readonly #registrations = new KeyedBuckets(REGISTRATIONS, MOST_NETWORKS);

  constructor(store: AccountStore, hasher: PasswordHasher, settings: AccountSettings) {
    this.#store = store;
    this.#hasher = hasher;
    this.#settings = settings;
  }

  roleOf(name: Name): Promise<Role> {
    return this.#store.roleOf(name, "account");
  }

  async prove(name: Name, shown: Shown | undefined, from: Origin): Promise<Proved> {
    switch (shown?.kind) {
      case undefined:
      case "token":
        return refused("login_required");
      case "session":
        return this.#proveBySession(name, shown.session);
      case "password": {
        const { password, mayRegister, client } = shown;
        const isMaking = mayRegister && this.#settings.mayRegister;
        const checked = isMaking
          ? await this.#checkOrCreate(name, password, from)
          : await this.#check(name, password, from);
        if ("outcome" in checked) return checked;
        if (!mayRegister) return this.#begin(name, checked, client);
        const { role, share, version } = checked;
        return proved({ role, share, by: { kind: "password", version } });
      }
      default:
        return shown satisfies never;
    }
  }

  async register(name: Name, password: Uint8Array, from: Asker): Promise<Proved> {
    if (!this.#settings.mayRegister) return refused("registration_closed");
    const checked = await this.#checkOrCreate(name, password, from);
    if (!("outcome" in checked)) return this.#begin(name, checked, from.client);
    // to register is to ask whether the name is free: this tells nothing more
    return checked.refusal === "bad_credentials" ? refused("name_has_account") : checked;
  }

  async logIn(name: Name, password: Uint8Array, from: Asker): Promise<Proved> {
    const checked = await this.#check(name, password, from);
    return "outcome" in checked ? checked : this.#begin(name, checked, from.client);
  }

  async changePassword(
    { name, proof, origin = {} }: Identified,
    old: Uint8Array,
    next: Uint8Array,
  ): Promise<Refused | undefined> {
    if (!isPassword(next)) return refused("bad_password");
    const network = addressKey(origin.address);
    return this.#inPlace(network, async (place) => {
      const account = await this.#checkIn(place, name, old, network);
      if ("outcome" in account) return account;
      const hash = await place.hash(next);
      const changed = { hash, version: newId(), share: account.share };
      const but = proof?.by.kind === "login" ? proof.by.digest : undefined;
      const isSet = await this.#store.setPassword(name, changed, account.version, but);
      return isSet ? undefined : refused("bad_credentials");
    });
  }

  async confirm(
    { name, origin = {} }: Identified,
    password: Uint8Array | undefined,
  ): Promise<Confirmed> {
    if (password === undefined) return refused("bad_credentials");
    const checked = await this.#check(name, password, origin);
    return "outcome" in checked ? checked : { outcome: "confirmed", version: checked.version };
  }

  async logins(
    { name, proof }: Identified,
    ended: WhichLogins | undefined,
  ): Promise<readonly Login[]> {
    const own = proof?.by.kind === "login" ? proof.by.digest : undefined;
    if (ended === "all") await this.#store.endLogins(name, {});
    else if (ended === "others")
      await this.#store.endLogins(name, own === undefined ? {} : { but: own });
    else if (ended !== undefined) await this.#store.endLogins(name, ended);
    const logins = await this.#store.logins(name);
    return logins.map(({ id, client, beganAtMs, usedAtMs, digest }) => {
      return { id, client, beganAtMs, usedAtMs, isOwn: digest === own };
    });
  }

  async #proveBySession(name: Name, session: string): Promise<Proved> {
    const digest = digestOf(session);
    const account = await this.#store.accountOf(name, digest);
    if (account === undefined) return refused("bad_credentials");
    const { role, share, version } = account;
    return proved({ role, share, by: { kind: "login", digest, version } });
  }

  /** Whether there is room for a password is asked first: attempts count only if it is looked at. */
  async #inPlace<T>(network: string, step: (place: Place) => Promise<T>): Promise<T | Refused> {
    try {
      return await this.#hasher.inPlace(network, step);
    } catch (error) {
      if (!(error instanceof TooBusy)) throw error;
      return refused("too_many_attempts", error.retryAfterMs);
    }
  }

  /** The account whose password this is. */
  #check(name: Name, password: Uint8Array, from: Origin): Promise<Account | Refused> {
    const network = addressKey(from.address);
    return this.#inPlace(network, (place) => this.#checkIn(place, name, password, network));
  }

  /** The same; a name that nobody has gets this password. */
  #checkOrCreate(name: Name, password: Uint8Array, from: Origin): Promise<Account | Refused> {
    const network = addressKey(from.address);
    return this.#inPlace(network, async (place) => {
      const checked = await this.#checkIn(place, name, password, network);
      if (!("outcome" in checked) || checked.refusal !== "bad_credentials") return checked;
      if (!isPassword(password)) return refused("bad_password");
      const waitMs = spent(this.#registrations, network);
      if (waitMs > 0) return refused("too_many_attempts", waitMs);
      const hash = await place.hash(password);
      const account = { hash, version: newId(), share: newId() };
      const isNew = await this.#store.create(name, account);
      return isNew ? { ...account, role: "user" } : checked;
    });
  }

  async #checkIn(
    place: Place,
    name: Name,
    password: Uint8Array,
    network: string,
  ): Promise<Account | Refused> {
    const waitMs = spent(this.#ofNetwork, network);
    if (waitMs > 0) return refused("too_many_attempts", waitMs);
    const attempt = await this.#store.attempt(name, network);
    if (attempt.outcome === "wait") return refused("too_many_attempts", attempt.forMs);
    const { account } = attempt;
    const isRight = await place.verify(password, account?.hash);
    if (!isRight || account === undefined) return refused("bad_credentials");
    await this.#store.forgive(name, network);
    await this.#keepAnew(place, name, password, account);
    return account;
  }

  async #begin(name: Name, { role, share, version }: Account, client = ""): Promise<Proved> {
    const session = randomBytes(32).toString("base64url");
    const digest = digestOf(session);
    const isBegun = await this.#store.beginLogin(name, version, digest, client);
    if (!isBegun) return refused("bad_credentials");
    return proved({ role, share, by: { kind: "login", digest, version }, session });
  }

  /** The parameters have risen since the password was set. */
  async #keepAnew(place: Place, name: Name, password: Uint8Array, account: Account) {
    if (!this.#hasher.isOutdated(account.hash)) return;
    await this.#store.rehash(name, account.version, await place.hash(password));
  }
}

/** Takes a token. Returns 0, or how long to wait for one. */
function spent(buckets: KeyedBuckets, network: string): number {
  const nowMs = performance.now();
  const waitMs = buckets.waitMs(network, nowMs);
  if (waitMs === 0) buckets.spend(network, 1, nowMs);
  return waitMs;
}

function proved(proof: Proof): Proved {
  return { outcome: "proved", proof };
}

function refused(refusal: Refused["refusal"], retryAfterMs?: number): Refused {
  return { outcome: "refused", refusal, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** What is kept of the token of a login session: with it alone, nobody logs in. */
function digestOf(session: string): string {
  return createHash("sha256").update(session).digest("base64url");
}

function newId(): string {
  return randomBytes(12).toString("base64url");
}
