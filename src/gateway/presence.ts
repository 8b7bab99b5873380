/**
 * Presence: who is connected, in the whole cluster, as this node knows; told to those who follow it,
 * in windows: the last state of each user in one counts, and one frame serves all.
 */
import { isBefore, type Notice, type Position } from "../chat/events.js";
import type { Name, Status } from "../chat/names.js";
import type { Present } from "../chat/ports.js";
import type { Log } from "../observe.js";
import { encodeEvent, textFromName } from "../wire/json.js";
import type { Events } from "../wire/json-schema.js";
import { frameOf, type Frame } from "./frame.js";

export interface PresenceSettings {
  readonly windowMs: number;
  /** With more users than this, followers are told only of whom they watch, and the count. */
  readonly fullUpTo: number;
}

/** Somebody who is told. */
export interface Follower {
  tell(frame: Frame): void;
}

type Shown = Exclude<Status, "disconnected">;
interface Change {
  readonly name: Name;
  readonly before: Shown | undefined;
}

/** What those are told who know the same; each frame is made once. */
interface News {
  readonly names: readonly Name[];
  frame: Frame | undefined;
  count: Frame | undefined;
}

type Snapshot = Required<Pick<Events["presence"], "count" | "full" | "set">>;

/** The users fell below the limit for all by so much before all are told of again. */
const HYSTERESIS = 0.8;
const AGAIN_MS = 1_000;

export class Presence {
  readonly #settings: PresenceSettings;
  readonly #read: (bucket: number) => Promise<Present>;
  readonly #log: Pick<Log, "warn">;
  #isClosed = false;
  readonly #people = new Map<Name, { status: Shown; at: Position }>();
  /** Who left while a bucket is being read: the reading may be older than that. */
  #gone: Map<Name, Position> | undefined;
  #loading: Promise<void> = Promise.resolve();
  readonly #followers = new Map<Follower, ReadonlySet<Name>>();
  /** Who began to follow within the window, and how many changes of it they knew then. */
  readonly #newcomers = new Map<Follower, number>();
  /** Of this window, with the status before each. */
  #changes: Change[] = [];
  #told = 0;
  #isFull = true;
  #window: NodeJS.Timeout | undefined;

  constructor(
    settings: PresenceSettings,
    read: (bucket: number) => Promise<Present>,
    log: Pick<Log, "warn">,
  ) {
    this.#settings = settings;
    this.#read = read;
    this.#log = log;
  }

  get count(): number {
    return this.#people.size;
  }

  /** Reads buckets anew, while notices go on coming: whichever is later counts. */
  load(buckets: readonly number[]): Promise<void> {
    const load = async (): Promise<void> => {
      this.#gone = new Map();
      try {
        for (const bucket of buckets) this.#take(await this.#read(bucket));
      } finally {
        this.#gone = undefined;
      }
    };
    const loading = this.#loading.then(load);
    this.#loading = loading.catch(() => {}); // who asked for it hears of it
    return loading;
  }

  /** Reads a bucket anew, for as long as it takes. */
  reload(bucket: number): void {
    this.load([bucket]).catch((error: unknown) => {
      this.#log.warn({ err: error }, "presence could not be read, trying again");
      const again = (): void => (this.#isClosed ? undefined : this.reload(bucket));
      setTimeout(again, AGAIN_MS).unref();
    });
  }

  hear(notice: Extract<Notice, { type: "presence" }>): void {
    const { user, at } = notice;
    if (user.status === "disconnected") {
      this.#gone?.set(user.name, at);
      this.#change(user.name, undefined);
    } else this.#change(user.name, { status: user.status, at });
  }

  /**
   * Tells of everybody from here on, or of those watched if there are too many; says how it stands.
   * @param self is connected, even if the feed has not told so yet
   */
  follow(follower: Follower, watch: ReadonlySet<Name>, self?: Name): Snapshot {
    this.#followers.set(follower, watch);
    if (this.#changes.length > 0) this.#newcomers.set(follower, this.#changes.length);
    const names = this.#isFull ? this.#people.keys() : watch.values();
    const set = this.#stateOf(names);
    const isNews = self !== undefined && !this.#people.has(self);
    if (isNews && (this.#isFull || watch.has(self))) set.push([textFromName(self), "active"]);
    return { count: this.count + (isNews ? 1 : 0), full: this.#isFull, set };
  }

  unfollow(follower: Follower): void {
    this.#followers.delete(follower);
    this.#newcomers.delete(follower);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#window);
    this.#followers.clear();
  }

  #take({ at, users, covers }: Present): void {
    const there = new Set<Name>();
    for (const { name, status } of users) {
      there.add(name);
      const known = this.#people.get(name)?.at ?? this.#gone?.get(name);
      if (status === "disconnected" || (known !== undefined && isBefore(at, known))) continue;
      this.#change(name, { status, at });
    }
    for (const [name, { at: known }] of this.#people) {
      if (covers(name) && !there.has(name) && !isBefore(at, known)) this.#change(name, undefined);
    }
  }

  #change(name: Name, now: { status: Shown; at: Position } | undefined): void {
    this.#changes.push({ name, before: this.#people.get(name)?.status });
    if (now === undefined) this.#people.delete(name);
    else this.#people.set(name, now);
    this.#window ??= setTimeout(() => this.#tell(), this.#settings.windowMs);
  }

  #tell(): void {
    this.#window = undefined;
    const changes = this.#changes;
    const newcomers = new Map(this.#newcomers);
    this.#changes = [];
    this.#newcomers.clear();
    const isNewCount = this.count !== this.#told;
    this.#told = this.count;
    const wasFull = this.#isFull;
    const limit = this.#settings.fullUpTo * (wasFull ? 1 : HYSTERESIS);
    this.#isFull = this.count <= limit;
    if (this.#followers.size === 0) return;
    if (this.#isFull && !wasFull) {
      const set = this.#stateOf(this.#people.keys());
      this.#tellAll({ type: "presence", count: this.count, full: true, snapshot: true, set });
      return;
    }
    const cohorts = new Map(
      [0, ...newcomers.values()].map((from) => [from, this.#news(changes, from)]),
    );
    for (const [follower, watch] of this.#followers) {
      const news = cohorts.get(newcomers.get(follower) ?? 0)!;
      if (this.#isFull) {
        if (news.names.length > 0) follower.tell((news.frame ??= this.#frame(news.names)));
        continue;
      }
      const watched = news.names.filter((name) => watch.has(name));
      if (watched.length > 0) follower.tell(this.#frame(watched));
      else if (isNewCount || wasFull || newcomers.has(follower))
        follower.tell((news.count ??= this.#frame([])));
    }
  }

  /** Who is different from before these changes. */
  #news(changes: readonly Change[], from: number): News {
    const before = new Map<Name, Shown | undefined>();
    for (const change of changes.slice(from)) {
      if (!before.has(change.name)) before.set(change.name, change.before);
    }
    const names = [...before]
      .filter(([name, was]) => this.#people.get(name)?.status !== was)
      .map(([name]) => name);
    return { names, frame: undefined, count: undefined };
  }

  #tellAll(event: Events["presence"]): void {
    const frame = frameOf(encodeEvent(event), "text");
    for (const follower of this.#followers.keys()) follower.tell(frame);
  }

  #frame(names: readonly Name[]): Frame {
    const set = this.#stateOf(names);
    const gone = names.filter((name) => !this.#people.has(name)).map(textFromName);
    const event: Events["presence"] = {
      type: "presence",
      count: this.count,
      full: this.#isFull,
      ...(set.length > 0 && { set }),
      ...(gone.length > 0 && { gone }),
    };
    return frameOf(encodeEvent(event), "text");
  }

  #stateOf(names: Iterable<Name>): [string, Shown][] {
    const state: [string, Shown][] = [];
    for (const name of names) {
      const there = this.#people.get(name);
      if (there !== undefined) state.push([textFromName(name), there.status]);
    }
    return state;
  }
}
