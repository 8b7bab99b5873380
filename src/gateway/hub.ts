/** The hub: the sessions of this node. Finds the sessions that a notice is for, and encodes it once per dialect. */
import { audienceOf, otherOf, type Audience } from "../chat/conversation.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { PresenceNews } from "../chat/presence.js";
import type { Counters } from "../observe.js";
import type { Dialect } from "../wire/dialect.js";
import { frameOf, type Frame } from "./frame.js";
import type { Session } from "./session.js";

const RECLAIM_BATCH = 500;

export class Hub {
  readonly #all = new Set<Session>();
  readonly #byName = new Map<Name, Set<Session>>();
  readonly #counters: Counters;

  constructor(counters: Counters) {
    this.#counters = counters;
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
    const namesakes = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, namesakes.add(session));
  }

  remove(session: Session, name: Name): void {
    this.#all.delete(session);
    this.release(session, name);
  }

  /** The session has given its name back: until it is removed, it hears only what everybody hears. */
  release(session: Session, name: Name): void {
    const namesakes = this.#byName.get(name);
    if (namesakes?.delete(session) && namesakes.size === 0) this.#byName.delete(name);
  }

  /** The sessions that hold the name, or are about to claim it. */
  named(name: Name): Iterable<Session> {
    return this.#byName.get(name) ?? [];
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
    if (audience === "everybody") deliveries = fanOut(notice, this.#all);
    else if (audience !== "members") {
      for (const name of audience) deliveries += fanOut(notice, this.#byName.get(name) ?? [], name);
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
    for (const { window, audience } of news) deliveries += fanOut(window, audience);
    this.#count(deliveries, began);
  }

  #count(deliveries: number, began: number): void {
    this.#counters.deliveries.inc(deliveries);
    this.#counters.fanOut.observe((performance.now() - began) / 1_000);
  }
}

/** Whether everybody who hears such a notice hears the same, at the same time. */
export function isForAll(notice: Notice): boolean {
  return notice.type !== "message" || notice.message.conversation.kind === "general";
}

/** Encodes the notice once per dialect; returns how many sessions took it. */
function fanOut(notice: Notice, sessions: Iterable<Session>, reader?: Name): number {
  const frames = new Map<Dialect, Frame | undefined>();
  let deliveries = 0;
  for (const session of sessions) {
    const { dialect } = session;
    if (!frames.has(dialect)) frames.set(dialect, framed(dialect, notice, reader));
    if (session.hear(notice, frames.get(dialect))) deliveries++;
  }
  return deliveries;
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
