/** Users on Redis: who holds which name, with which status. */
import { createHash } from "node:crypto";
import type { EphemeralEvent } from "../chat/events.js";
import { roleFrom, type Proof } from "../chat/identity.js";
import { STATUSES, type ConnectedStatus, type Name, type User } from "../chat/names.js";
import {
  Damaged,
  Unavailable,
  type ClaimOutcome,
  type Holder,
  type NotedActivity,
  type Present,
  type StatusOutcome,
  type UserStore,
} from "../chat/ports.js";
import type { Heard } from "../chat/roster.js";
import type { Membership } from "../cluster/ports.js";
import { encodeEphemeral, isNameLength } from "./events.js";
import type { FunctionLibrary, LibraryFunction } from "./function-library.js";
import { ALL_BUCKETS, bucketOfUser, type Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { attempting } from "./retry.js";
import { Window, longerUnderLoad, type Gatherer } from "../window.js";

export interface UserStoreSettings {
  /** A step that has no answer within this time fails as Unavailable. */
  readonly deadlineMs: number;
  /** Leases in a bucket do not end while no node could renew there for this long. */
  readonly stallMs: number;
  /** For so long a name that was left is kept for the key that its owner has shown; 0: it is not. */
  readonly nameKeptMs: number;
  /** A login session that was not used for so long has ended. */
  readonly loginIdleMs: number;
}

/** The window of a node that does nothing else, and how much longer it is on one that is never idle. */
const [LEAST_WINDOW_MS, MORE_UNDER_LOAD_MS] = [2, 14];

/** As `lookup` numbers them. */
const OWNERS: readonly User["owner"][] = [undefined, "known", "kept"];

const claimWindow = longerUnderLoad(LEAST_WINDOW_MS, MORE_UNDER_LOAD_MS);

type ClaimAnswer = [
  outcome: Buffer,
  generation: number,
  offset: number,
  tenureMs: number,
  formerMs: number,
  role?: Buffer,
];
type Argument = Buffer | string | number;

/** Claims of a window leave in one write: thousands join at once, and to wake Redis costs as much as a claim. */
export class RedisUserStore implements UserStore, Gatherer {
  readonly #library: FunctionLibrary;
  readonly #keys: Keys;
  readonly #membership: Membership;
  readonly #settings: UserStoreSettings;
  readonly #window: Pick<Window, "queue">;
  /** Claims that wait for the end of the window. */
  #waiting: (() => void)[] = [];

  constructor(
    library: FunctionLibrary,
    keys: Keys,
    membership: Membership,
    settings: UserStoreSettings,
    window: Pick<Window, "queue"> = new Window(claimWindow),
  ) {
    this.#library = library;
    this.#keys = keys;
    this.#membership = membership;
    this.#settings = settings;
    this.#window = window;
  }

  /** Sends the claims of the window. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  async claim(holder: Holder, maxDevices: number): Promise<ClaimOutcome> {
    await new Promise<void>((go) => {
      if (this.#waiting.push(go) === 1) this.#window.queue(this);
    });
    const answer = await attempting(this.#library.attempts, this.#settings.deadlineMs, () => {
      if (!holder.isLive) throw new Unavailable("the session has ended");
      const { name, id, address, proof } = holder;
      const { stallMs, nameKeptMs, loginIdleMs } = this.#settings;
      const { incarnation } = this.#membership;
      const keys = this.#keys.ofClaims(bucketOfUser(name), incarnation);
      const args = [
        bytes(name),
        id,
        incarnation,
        stallMs,
        maxDevices,
        ...keyWords(holder),
        nameKeptMs,
        ...(address === undefined ? [] : [address]),
      ];
      if (proof === undefined) return this.#library.call("claim", keys, args);
      // in the same step, the proof is compared with what was revoked
      keys.push(this.#keys.account(name));
      const { by } = proof;
      return this.#library.call("claim_proved", keys, [
        by.kind,
        provedBy(by),
        loginIdleMs,
        proof.role,
        ...args,
      ]);
    });
    const [outcome, generation, offset, tenureMs, formerMs, role] = answer as ClaimAnswer;
    const word = outcome.toString() as ClaimOutcome["outcome"];
    if (word === "taken" || word === "kept" || word === "revoked") return { outcome: word };
    const isOfAccount = role !== undefined && { role: roleFrom(role.toString()) };
    return { outcome: word, at: { generation, offset }, tenureMs, formerMs, ...isOfAccount };
  }

  async leave({ name, id }: Holder, cause: "asked" | "left"): Promise<boolean> {
    const args = [bytes(name), id, cause];
    return (await this.#callOfUser("leave", name, () => args)) === 1;
  }

  async setStatus({ name, id }: Holder, status: ConnectedStatus): Promise<StatusOutcome> {
    const args = [bytes(name), id, STATUSES.indexOf(status)];
    const answer = await this.#callOfUser("set_status", name, () => args);
    const [outcome, generation, offset] = answer as [Buffer, number, number];
    const word = outcome.toString() as StatusOutcome["outcome"];
    return word === "gone" ? { outcome: word } : { outcome: word, at: { generation, offset } };
  }

  async touch(activities: readonly NotedActivity[]): Promise<void> {
    const argsByBucket = new Map<number, Argument[]>();
    for (const { holder, kind } of activities) {
      const { name, id } = holder;
      const bucket = bucketOfUser(name);
      const args = argsByBucket.get(bucket) ?? [];
      argsByBucket.set(bucket, args);
      args.push(bytes(name), id, kind);
    }
    const calls = [...argsByBucket].map(([bucket, args]) => {
      const keys = this.#keys.ofUsers(bucket, this.#membership.incarnation);
      return this.#call("touch", keys, args);
    });
    await Promise.all(calls);
  }

  async user(name: Name): Promise<User | undefined> {
    const bucket = bucketOfUser(name);
    const keys = [this.#keys.users(bucket), this.#keys.owners(bucket)];
    const found = await this.#call("lookup", keys, [bytes(name), this.#settings.nameKeptMs]);
    const [index, owned, address] = found as [number, number, Buffer?];
    const status = STATUSES[index];
    if (status === undefined) return undefined;
    const owner = OWNERS[owned];
    return {
      name,
      status,
      ...(owner && { owner }),
      ...(address && { address: address.toString() }),
    };
  }

  async roster(limit: number): Promise<Heard[]> {
    const parts = await Promise.all(
      ALL_BUCKETS.map((bucket) =>
        this.#rosterOf(bucket, limit).catch((error: unknown) => {
          if (error instanceof Damaged) return []; // nobody of that bucket is shown
          throw error;
        }),
      ),
    );
    const all = parts.flat();
    const connected = all.filter(({ user }) => user.status !== "disconnected");
    const left = all.filter(({ user }) => user.status === "disconnected");
    connected.sort((a, b) => a.since - b.since);
    left.sort((a, b) => b.since - a.since);
    return [...connected, ...left];
  }

  async present(bucket: number): Promise<Present> {
    const keys = [this.#keys.meta(bucket), this.#keys.users(bucket), this.#keys.online(bucket)];
    const answer = await this.#call("present", keys, []);
    const [generation, offset, ...found] = answer as [number, number, ...unknown[]];
    const users: User[] = [];
    for (let i = 0; i < found.length; i += 2) {
      const user = this.#userFrom(bucket, found[i] as Buffer, found[i + 1] as number);
      if (user !== undefined) users.push(user);
    }
    return { at: { generation, offset }, covers: (name) => bucketOfUser(name) === bucket, users };
  }

  async tell(event: Extract<EphemeralEvent, { type: "contested" | "defended" }>): Promise<void> {
    const channel = this.#keys.log(bucketOfUser(event.name));
    await this.#library.publish(channel, encodeEphemeral(event));
  }

  async owned(bucket: number): Promise<Name[]> {
    const key = this.#keys.owned(bucket, this.#membership.incarnation);
    const names = await this.#library.redis.smembersBuffer(key);
    return names.map(nameFrom);
  }

  /** Not tried again: a second attempt could come after a claim of the same name. */
  async disown(name: Name, but: readonly string[] = []): Promise<void> {
    const args = [this.#membership.incarnation, bytes(name), ...but];
    await this.#library.call("disown", this.#keysOf(name), args);
  }

  async #rosterOf(bucket: number, limit: number): Promise<(Heard & { since: number })[]> {
    const keys = [this.#keys.meta(bucket), this.#keys.users(bucket)];
    keys.push(this.#keys.online(bucket), this.#keys.left(bucket));
    const answer = await this.#call("roster", keys, [limit]);
    const [generation, offset, ...found] = answer as [number, number, ...(Buffer | number)[]];
    const at = { generation, offset };
    const listed: (Heard & { since: number })[] = [];
    for (let i = 0; i < found.length; i += 3) {
      const user = this.#userFrom(bucket, found[i] as Buffer, found[i + 1] as number);
      if (user !== undefined) listed.push({ user, at, since: found[i + 2] as number });
    }
    return listed;
  }

  /** Undefined if what Redis has is damaged: nobody is shown then. */
  #userFrom(bucket: number, name: Buffer, index: number): User | undefined {
    const status = STATUSES[index];
    if (status !== undefined && isNameLength(name.length)) return { name: nameFrom(name), status };
    this.#library.damage.found("user", { bucket });
    return undefined;
  }

  #keysOf(name: Name): string[] {
    return this.#keys.ofUsers(bucketOfUser(name), this.#membership.incarnation);
  }

  /** A function on a user. Its keys, and what `args` reads, are those of the moment of each attempt. */
  #callOfUser(
    name: LibraryFunction,
    user: Name,
    args: () => readonly Argument[],
  ): Promise<unknown> {
    return attempting(this.#library.attempts, this.#settings.deadlineMs, () =>
      this.#library.call(name, this.#keysOf(user), args()),
    );
  }

  #call(
    name: LibraryFunction,
    keys: readonly string[],
    args: readonly Argument[],
  ): Promise<unknown> {
    const { attempts } = this.#library;
    return attempting(attempts, this.#settings.deadlineMs, () =>
      this.#library.call(name, keys, args),
    );
  }
}

function provedBy(by: Proof["by"]): string | number {
  switch (by.kind) {
    case "login":
      return by.digest;
    case "password":
      return by.version;
    case "token":
      return by.issuedAtMs;
    default:
      return by satisfies never;
  }
}

function nameFrom(found: unknown): Name {
  return nameAt(found as Buffer);
}

/** What a claim says of the holder's key: key, digest, what it keeps. See lua/3-claim.lua. */
function keyWords({ name, key, keeps, proof }: Holder): [string, string, string] {
  if (proof !== undefined) {
    const share = `=${proof.share}`; // no client can show this as a key
    return [share, digestOf(name, share), "p"];
  }
  if (key === undefined) return ["-", "-", "-"];
  return [key, digestOf(name, key), keeps === undefined ? "-" : keeps === "name" ? "1" : "0"];
}

/** What is stored of a key: 128 bits that say nothing of it. With the name, so that equal keys do not look so. */
function digestOf(name: Name, key: string): string {
  const digest = createHash("sha256")
    .update("tertulia key\0")
    .update(bytes(name))
    .update(`\0${key}`);
  return digest.digest("base64url").slice(0, 22);
}
