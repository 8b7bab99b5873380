/** The hub: the sessions of this node. Finds the sessions that a notice is for, and encodes it once per dialect. */
import { audienceOf, otherOf, type Audience } from "../chat/conversation.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { PresenceNews } from "../chat/presence.js";
import type { Counters } from "../observe.js";
import { comparesGeneral } from "../session/delivery.js";
import type { Dialect } from "../wire/dialect.js";
import { Broadcast } from "./broadcast.js";
import { frameOf, type Frame } from "./frame.js";
import type { Session } from "./session.js";
import type { Window } from "../window.js";

const RECLAIM_BATCH = 500;
const NOBODY: ReadonlySet<Session> = new Set();

/** When what everybody gets leaves: who came and went, and all else. The order stays: what leaves takes all before along. */
export type HubWindows = Readonly<Record<"presence" | "other", Pick<Window, "queue">>>;

export class Hub {
  readonly #all = new Set<Session>();
  readonly #byName = new Map<Name, Set<Session>>();
  /** Those that share no broadcast. */
  readonly #apart = new Set<Session>();
  /** Those that share one, and compare the next message for everybody with what they were told from history. */
  #comparing = new Set<Session>();
  readonly #broadcasts = new Map<Dialect, Broadcast>();
  readonly #counters: Counters;
  readonly #windows: HubWindows;

  constructor(counters: Counters, windows: HubWindows) {
    this.#counters = counters;
    this.#windows = windows;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#all;
  }

  /**
   * Adds a session under the name that it holds or is about to claim. To be called before the claim: a session that
   * is not in the hub misses notices for good.
   */
  add(session: Session, name: Name): void {
    this.#all.add(session);
    this.#apart.add(session);
    const namesakes = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, namesakes.add(session));
  }

  remove(session: Session, name: Name): void {
    this.release(session, name);
    this.#all.delete(session);
    this.#apart.delete(session);
  }

  /** The session shares no broadcast any more. */
  unshared(session: Session): void {
    this.#comparing.delete(session);
    if (this.#all.has(session)) this.#apart.add(session);
  }

  /** The session has given its name back: until it is removed, it hears only what everybody hears. */
  release(session: Session, name: Name): void {
    session.unshare();
    const namesakes = this.#byName.get(name);
    if (namesakes?.delete(session) && namesakes.size === 0) this.#byName.delete(name);
  }

  /** The sessions that hold the name, or are about to claim it. */
  named(name: Name): Iterable<Session> {
    return this.#namesakes(name);
  }

  has(name: Name): boolean {
    return this.#byName.has(name);
  }

  /** The node's lease may have ended: no session hears or does anything until its name is reclaimed. */
  suspend(): void {
    for (const session of this.#all) session.suspend();
  }

  /** Suspends all sessions, and lets each claim its name again. `mayBeOlder`: Redis may hold older data. */
  async reclaim(mayBeOlder: boolean): Promise<void> {
    this.suspend();
    const sessions = [...this.#all];
    // in batches: all at once would make every other call to Redis wait until it times out
    while (sessions.length > 0) {
      const batch = sessions.splice(0, RECLAIM_BATCH);
      await Promise.all(batch.map((session) => session.reclaim(mayBeOlder)));
    }
  }

  /** Delivers a notice of the feed to the sessions that it is for. */
  deliver(notice: Notice): void {
    const began = performance.now();
    let deliveries = 0;
    const audience = audienceFor(notice);
    if (audience === "everybody") deliveries = this.#broadcast(notice);
    else if (audience !== "members") {
      for (const name of audience)
        deliveries += fanOut(notice, this.named(name), encoded(notice, name));
    }
    this.#counters.notices.of(notice.type).inc();
    this.#count(deliveries, began);
    if (notice.type === "message") this.#counters.delivery.end(notice.message.mid);
  }

  /** Delivers the news of a window of presence to the sessions that follow it. */
  deliverPresence(news: readonly PresenceNews<Session>[]): void {
    if (news.length === 0) return;
    const began = performance.now();
    let deliveries = 0;
    for (const { window, audience } of news)
      deliveries += fanOut(window, audience, encoded(window));
    this.#count(deliveries, began);
  }

  /** One frame per dialect for all sessions that share a broadcast; the others hear the notice one by one. */
  #broadcast(notice: Notice): number {
    const concerned = this.#concernedBy(notice);
    for (const session of concerned) session.unshare();
    const frameFor = encoded(notice);
    const window = this.#windows[notice.type === "presence" ? "presence" : "other"];
    let deliveries = 0;
    for (const each of this.#broadcasts.values()) deliveries += each.push(frameFor, window);
    for (const session of this.#apart) {
      const { dialect } = session;
      const frame = frameFor(dialect);
      // else this dialect has no word for it
      const isFor = frame !== undefined || concerned.has(session);
      if (isFor && session.hear(notice, frame)) deliveries++;
      if (this.#isNamed(session) && session.share(this.#broadcastIn(dialect))) {
        this.#apart.delete(session);
        if (comparesGeneral(session.state)) this.#comparing.add(session);
      }
    }
    return deliveries;
  }

  /** The sessions that may do more than pass it on. */
  #concernedBy(notice: Notice): ReadonlySet<Session> {
    switch (notice.type) {
      case "message": {
        const comparing = this.#comparing;
        this.#comparing = new Set();
        return comparing;
      }
      case "presence":
        return this.#namesakes(notice.user.name);
      case "typing":
        return this.#namesakes(notice.author);
      case "gap":
        return this.#all;
      default:
        return NOBODY;
    }
  }

  #broadcastIn(dialect: Dialect): Broadcast {
    const broadcast = this.#broadcasts.get(dialect) ?? new Broadcast(dialect);
    this.#broadcasts.set(dialect, broadcast);
    return broadcast;
  }

  /** A session that has given its name back is not found by it, when a notice concerns it. */
  #isNamed(session: Session): boolean {
    return this.#namesakes(session.holder.name).has(session);
  }

  #namesakes(name: Name): ReadonlySet<Session> {
    return this.#byName.get(name) ?? NOBODY;
  }

  #count(deliveries: number, began: number): void {
    this.#counters.deliveries.inc(deliveries);
    this.#counters.fanOut.observe((performance.now() - began) / 1_000);
  }
}

/** Returns how many sessions took it. */
function fanOut(notice: Notice, sessions: Iterable<Session>, frameFor: FrameFor): number {
  let deliveries = 0;
  for (const session of sessions) {
    if (session.hear(notice, frameFor(session.dialect))) deliveries++;
  }
  return deliveries;
}

type FrameFor = (dialect: Dialect) => Frame | undefined;

/** Encodes the notice once per dialect. */
function encoded(notice: Notice, reader?: Name): FrameFor {
  const frames = new Map<Dialect, Frame | undefined>();
  return (dialect) => {
    if (!frames.has(dialect)) frames.set(dialect, framed(dialect, notice, reader));
    return frames.get(dialect);
  };
}

function framed(dialect: Dialect, notice: Notice, reader: Name | undefined): Frame | undefined {
  const payload = dialect.encodeNotice(notice, reader);
  return payload && frameOf(payload, dialect.frames);
}

/** Rooms do not exist yet: nobody is a member of one. */
function audienceFor(notice: Notice): Audience {
  switch (notice.type) {
    case "message":
      return audienceOf(notice.message.conversation);
    case "typing": {
      const { author, conversation } = notice;
      if (conversation.kind === "direct") return [otherOf(conversation, author)];
      return audienceOf(conversation);
    }
    case "read":
      return [notice.reader];
    case "contested":
    case "defended":
    case "revoked": // for gateways
    case "presence-window": // has an audience of its own
      return [];
    case "presence":
    case "leader":
    case "gap":
      return "everybody";
    default:
      return notice satisfies never;
  }
}
