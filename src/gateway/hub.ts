/** The hub: the sessions of this node. Finds whom a notice is for and encodes it once per dialect. */
import type { Name, Notice } from "../chat/model.js";
import type { Counters } from "../observe.js";
import type { Dialect } from "../wire/dialect.js";
import type { Session } from "./session.js";

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

  /** Under the name that the session holds or is about to claim: what it misses it would miss for ever. */
  add(session: Session, name: Name): void {
    this.#all.add(session);
    const namesakes = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, namesakes.add(session));
  }

  remove(session: Session, name: Name): void {
    this.#all.delete(session);
    const namesakes = this.#byName.get(name);
    if (namesakes?.delete(session) && namesakes.size === 0) this.#byName.delete(name);
  }

  has(name: Name): boolean {
    return this.#byName.has(name);
  }

  /** What these sessions believe may be over: they hear and do nothing until they are reclaimed. */
  suspend(): void {
    for (const session of this.#all) session.suspend();
  }

  deliver(notice: Notice): void {
    const began = performance.now();
    const frames = new Map<Dialect, Uint8Array | undefined>();
    let deliveries = 0;
    const tell = (session: Session): void => {
      let frame = frames.get(session.dialect);
      if (frame === undefined && !frames.has(session.dialect)) {
        frame = session.dialect.encodeNotice(notice);
        frames.set(session.dialect, frame);
      }
      if (session.hear(notice, frame)) deliveries++;
    };
    if (notice.type === "message" && notice.message.conversation.kind === "direct") {
      for (const name of new Set(notice.message.conversation.between)) {
        this.#byName.get(name)?.forEach(tell);
      }
    } else this.#all.forEach(tell);
    this.#counters.notices.inc({ type: notice.type });
    this.#counters.deliveries.inc(deliveries);
    this.#counters.fanOut.observe((performance.now() - began) / 1_000);
    if (notice.type === "message") this.#counters.delivery.end(notice.message.mid);
  }
}
