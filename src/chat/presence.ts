/**
 * Presence, rolled up: who is connected in the whole cluster, as far as this node knows, and what followers are told
 * of it. They are told in windows of time: only the last state of each user in a window counts, and followers who
 * know the same are told the same. Pure: no timer, no store; time is an argument.
 */
import {
  isBefore,
  type Notice,
  type Position,
  type PresenceWindow,
  type UserStatus,
} from "./events.js";
import type { ConnectedStatus, Name } from "./names.js";
import type { Present } from "./ports.js";

export interface RollupSettings {
  readonly windowMs: number;
  /** With more users than this, followers are told only of those whom they watch, and the count. */
  readonly fullUpTo: number;
}

/** How presence stands when somebody begins to follow it. */
export interface PresenceSnapshot {
  readonly count: number;
  readonly isFull: boolean;
  readonly set: readonly UserStatus[];
}

/** Everybody who is connected, after the first `known` changes of the open window. */
interface Everybody {
  readonly set: readonly UserStatus[];
  readonly known: number;
}

/** One notice, and who is to hear it. */
export interface PresenceNews<Follower> {
  readonly window: PresenceWindow;
  readonly audience: Iterable<Follower>;
}

interface Change {
  readonly name: Name;
  readonly before: ConnectedStatus | undefined;
}

/** Followers who know the same: names that changed since, and who hears of all of them or of the count alone. */
interface Cohort<Follower> {
  readonly names: readonly Name[];
  readonly hearAll: Follower[];
  readonly hearCount: Follower[];
}

/** Hysteresis: all users are told of again once the count falls below this part of the limit. */
const FULL_AGAIN_BELOW = 0.8;

export class PresenceRollup<Follower> {
  readonly #settings: RollupSettings;
  readonly #users = new Map<Name, { status: ConnectedStatus; at: Position }>();
  /** Users who left while buckets are being read: a reading may be older than that. */
  #gone: Map<Name, Position> | undefined;
  readonly #followers = new Map<Follower, ReadonlySet<Name>>();
  /** Followers who came within the open window, and how many of its changes they knew then. */
  readonly #newcomers = new Map<Follower, number>();
  /** Of the open window, with the status before each. */
  #changes: Change[] = [];
  #closesAtMs: number | undefined;
  /** For all who begin to follow within a window: among a thousand users, it is the work of a thousand. */
  #everybody: Everybody | undefined;
  #toldCount = 0;
  #isFull = true;

  constructor(settings: RollupSettings) {
    this.#settings = settings;
  }

  /** How many users are connected. */
  get count(): number {
    return this.#users.size;
  }

  /** The status of a user who is connected. */
  statusOf(name: Name): ConnectedStatus | undefined {
    return this.#users.get(name)?.status;
  }

  /** When the open window is to be closed; undefined while nothing has changed. */
  get closesAtMs(): number | undefined {
    return this.#closesAtMs;
  }

  /** Takes a notice of the feed. */
  hear({ user, at }: Extract<Notice, { type: "presence" }>, nowMs: number): void {
    if (user.status === "disconnected") {
      this.#gone?.set(user.name, at);
      this.#change(user.name, undefined, nowMs);
    } else this.#change(user.name, { status: user.status, at }, nowMs);
  }

  /** Buckets are about to be read: from here on, users who leave are remembered. */
  beginReading(): void {
    this.#gone = new Map();
  }

  /** Takes what was read of one bucket. For each user, the later of reading and notice counts. */
  take({ at, users, covers }: Present, nowMs: number): void {
    const there = new Set<Name>();
    for (const { name, status } of users) {
      there.add(name);
      const known = this.#users.get(name)?.at ?? this.#gone?.get(name);
      if (status === "disconnected" || (known !== undefined && isBefore(at, known))) continue;
      this.#change(name, { status, at }, nowMs);
    }
    for (const [name, { at: known }] of this.#users) {
      if (!covers(name) || there.has(name) || isBefore(at, known)) continue;
      this.#change(name, undefined, nowMs);
    }
  }

  endReading(): void {
    this.#gone = undefined;
  }

  /**
   * From here on the follower is told of everybody or, if there are too many, of those on its watch list and the count.
   * @param self a user who is connected, even if the feed has not told so yet
   * @returns how presence stands now, or stood within the open window: what has changed since is told when it closes.
   *   `self` is as it is now. The same `set` for many: it must not be changed
   */
  follow(follower: Follower, watch: ReadonlySet<Name>, self?: Name): PresenceSnapshot {
    this.#followers.set(follower, watch);
    this.#newcomers.delete(follower);
    const isMissing = self !== undefined && !this.#users.has(self);
    if (this.#isFull && !isMissing) {
      const { set, known } = this.#everybodyFor(self);
      if (known > 0) this.#newcomers.set(follower, known);
      return { count: set.length, isFull: true, set };
    }
    if (this.#changes.length > 0) this.#newcomers.set(follower, this.#changes.length);
    const set = this.#statusesOf(this.#isFull ? this.#users.keys() : watch);
    if (isMissing && (this.#isFull || watch.has(self))) set.push([self, "active"]);
    return { count: this.count + (isMissing ? 1 : 0), isFull: this.#isFull, set };
  }

  unfollow(follower: Follower): void {
    this.#followers.delete(follower);
    this.#newcomers.delete(follower);
  }

  /** Closes the window, unless it is not time yet; says who is to be told what. */
  closeWindow(nowMs: number): PresenceNews<Follower>[] {
    if (this.#closesAtMs === undefined || nowMs < this.#closesAtMs) return [];
    const changes = this.#changes;
    const newcomers = new Map(this.#newcomers);
    this.#changes = [];
    this.#everybody = undefined;
    this.#newcomers.clear();
    this.#closesAtMs = undefined;
    const isNewCount = this.count !== this.#toldCount;
    this.#toldCount = this.count;
    const wasFull = this.#isFull;
    const limit = this.#settings.fullUpTo * (wasFull ? 1 : FULL_AGAIN_BELOW);
    this.#isFull = this.count <= limit;
    if (this.#followers.size === 0) return [];
    if (this.#isFull && !wasFull) {
      const set = this.#statusesOf(this.#users.keys());
      return [{ window: this.#window(set, [], true), audience: this.#followers.keys() }];
    }

    const cohorts = new Map(
      [0, ...newcomers.values()].map((known) => [known, this.#cohort(changes, known)]),
    );
    const news: PresenceNews<Follower>[] = [];
    for (const [follower, watch] of this.#followers) {
      const cohort = cohorts.get(newcomers.get(follower) ?? 0)!;
      if (this.#isFull) {
        cohort.hearAll.push(follower);
        continue;
      }
      const watched = cohort.names.filter((name) => watch.has(name));
      if (watched.length > 0) news.push({ window: this.#windowOf(watched), audience: [follower] });
      else if (isNewCount || wasFull || newcomers.has(follower)) cohort.hearCount.push(follower);
    }
    for (const { names, hearAll, hearCount } of cohorts.values()) {
      if (hearAll.length > 0 && names.length > 0) {
        news.push({ window: this.#windowOf(names), audience: hearAll });
      }
      if (hearCount.length > 0) news.push({ window: this.#windowOf([]), audience: hearCount });
    }
    return news;
  }

  /** As it is, or as it was within this window, if nothing has changed for this user since. */
  #everybodyFor(self: Name | undefined): Everybody {
    const was = this.#everybody;
    const isOld =
      was === undefined || this.#changes.some(({ name }, i) => i >= was.known && name === self);
    if (!isOld) return was;
    this.#everybody = { set: this.#statusesOf(this.#users.keys()), known: this.#changes.length };
    return this.#everybody;
  }

  #change(
    name: Name,
    now: { status: ConnectedStatus; at: Position } | undefined,
    nowMs: number,
  ): void {
    this.#changes.push({ name, before: this.#users.get(name)?.status });
    if (now === undefined) this.#users.delete(name);
    else this.#users.set(name, now);
    this.#closesAtMs ??= nowMs + this.#settings.windowMs;
  }

  /** Those who knew the first changes already; which users are different from then. */
  #cohort(changes: readonly Change[], known: number): Cohort<Follower> {
    const before = new Map<Name, ConnectedStatus | undefined>();
    for (const change of changes.slice(known)) {
      if (!before.has(change.name)) before.set(change.name, change.before);
    }
    const names = [...before]
      .filter(([name, was]) => this.#users.get(name)?.status !== was)
      .map(([name]) => name);
    return { names, hearAll: [], hearCount: [] };
  }

  #windowOf(names: readonly Name[]): PresenceWindow {
    const gone = names.filter((name) => !this.#users.has(name));
    return this.#window(this.#statusesOf(names), gone, false);
  }

  #window(set: readonly UserStatus[], gone: readonly Name[], isSnapshot: boolean): PresenceWindow {
    return {
      type: "presence-window",
      count: this.count,
      isFull: this.#isFull,
      isSnapshot,
      set,
      gone,
    };
  }

  #statusesOf(names: Iterable<Name>): UserStatus[] {
    const statuses: UserStatus[] = [];
    for (const name of names) {
      const user = this.#users.get(name);
      if (user !== undefined) statuses.push([name, user.status]);
    }
    return statuses;
  }
}
