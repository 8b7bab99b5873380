/** Rollbacks: which messages a failover took back, and whether a gateway reported it. Pure. */
import { isBefore } from "#tertulia/chat/events.js";
import type { Index, Published, Report, Session, Stored } from "./run-history.js";

interface Failover {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

/** A replica lags by less, unless a fault cuts its connection. */
const LAG_MS = 1_000;

export class Rollbacks {
  readonly failovers: readonly Failover[];
  readonly #index: Index;
  /** All publications of each message, in the order of time. */
  readonly #copies = new Map<string, Published[]>();
  /** Reports of rollbacks, by bucket. */
  readonly #reports = new Map<number, Report[]>();

  constructor(index: Index) {
    this.#index = index;
    this.failovers = failoversOf(index);
    for (const event of index.run.truth.events) {
      if (event.message === undefined) continue;
      const copies = this.#copies.get(event.message.id);
      if (copies === undefined) this.#copies.set(event.message.id, [event]);
      else copies.push(event);
    }
    for (const report of index.run.truth.reports) {
      if (report.reason !== "rolled_back") continue;
      const { bucket } = report;
      this.#reports.set(bucket, [...(this.#reports.get(bucket) ?? []), report]);
    }
  }

  /** Publications of the message that were taken back: they differ from what is stored. */
  takenBack(id: string): Published[] {
    const copies = this.#copies.get(id) ?? [];
    const stored = this.#index.stored.get(id);
    return copies.filter(
      ({ message }) =>
        stored === undefined || message!.seq !== stored.seq || message!.epoch !== stored.epoch,
    );
  }

  /** When the copy that is stored was published, if that was seen. */
  storedAt(id: string): number | undefined {
    const stored = this.#index.stored.get(id);
    if (stored === undefined) return undefined;
    const isStored = ({ message }: Published): boolean =>
      message!.seq === stored.seq && message!.epoch === stored.epoch;
    return this.#copies.get(id)?.find(isStored)?.t;
  }

  /**
   * The places in `heard` where the session heard a copy that was taken back. A session that heard a message twice
   * heard the stored copy last. A session that heard it once heard the copy whose number comes next,
   * or else the copy that was published about then. A copy that is published after the stored one, by a stale
   * primary that wakes up, must not be heard at all.
   */
  hearingsTakenBack({ heard }: Session): ReadonlySet<number> {
    const places = new Map<string, number[]>();
    for (const [place, { id }] of heard.entries()) {
      if (this.#earlier(id).length === 0) continue;
      const those = places.get(id);
      if (those === undefined) places.set(id, [place]);
      else those.push(place);
    }
    const takenBack = new Set<number>();
    for (const [id, those] of places) {
      const earlier = this.#earlier(id);
      const isOne = those.length === 1;
      const storedAt = this.storedAt(id) ?? Infinity;
      const isStored =
        isOne &&
        heard[those[0]!]!.t >= (earlier.at(-1)!.t + storedAt) / 2 &&
        !this.#onlyAnEarlierOneIsNext(heard, those[0]!);
      if (isStored) continue;
      const most = isOne ? 1 : Math.min(those.length - 1, earlier.length);
      for (const place of those.slice(0, most)) takenBack.add(place);
    }
    return takenBack;
  }

  /**
   * Whether an earlier copy follows, by its number, the message that was heard before, and the stored copy does not.
   * After a rollback of several messages the stored copy may follow the last heard message that is still stored.
   */
  #onlyAnEarlierOneIsNext(heard: Session["heard"], place: number): boolean {
    const { id, conv } = heard[place]!;
    const those = heard.slice(0, place).filter((each) => each.conv === conv);
    const before = those.at(-1);
    if (before === undefined) return false;
    const numbers = new Set(this.#all(before.id).map(({ seq }) => seq));
    const { stored } = this.#index;
    const copy = stored.get(id);
    if (copy !== undefined) {
      const kept = those.findLast((each) => stored.has(each.id));
      const isNext = numbers.has(copy.seq - 1);
      if (isNext || (kept && stored.get(kept.id)!.seq === copy.seq - 1)) return false;
    }
    return this.#earlier(id).some(({ message }) => numbers.has(message!.seq - 1));
  }

  #all(id: string): Stored[] {
    const stored = this.#index.stored.get(id);
    const published = (this.#copies.get(id) ?? []).map(({ message }) => message!);
    return stored === undefined ? published : [...published, stored];
  }

  /** Copies that were taken back and were published before the stored one. */
  #earlier(id: string): Published[] {
    const storedAt = this.storedAt(id) ?? Infinity;
    return this.takenBack(id).filter(({ t }) => t < storedAt);
  }

  /** As {@link complaint}, of an acknowledged message: with `replicated` nothing excuses its loss. */
  complaintOfAcknowledged(id: string, at: number): string | undefined {
    if (this.#index.run.ack === "replicated") return "although acknowledged only when replicated";
    return this.complaint(id, at);
  }

  /**
   * Why the loss of this message breaks a promise, or undefined if it does not: a failover may take back
   * a message that is younger than its beginning, if a gateway reports it.
   */
  complaint(id: string, at: number): string | undefined {
    const failover = this.failoverAt(at);
    if (failover === undefined) return "without a failover";
    const copies = this.takenBack(id);
    if (copies.length === 0) return "and was never published";
    const silent = copies.find((copy) => !this.#isAnnounced(copy));
    if (silent === undefined) return undefined;
    const position = `${silent.bucket}/${silent.generation}-${silent.offset}`;
    return `by ${failover.what}, and nobody said that ${position} was taken back`;
  }

  failoverAt(t: number): Failover | undefined {
    return this.failovers.find(({ from, to }) => from - LAG_MS <= t && t <= to);
  }

  #isAnnounced({ bucket, ...at }: Published): boolean {
    const reports = this.#reports.get(bucket) ?? [];
    return reports.some(({ after, kept }) => {
      if (kept === undefined)
        return after.generation === at.generation && after.offset >= at.offset;
      return isBefore(kept, at) && !isBefore(after, at);
    });
  }
}

function failoversOf({ run }: Index): Failover[] {
  const failovers: Failover[] = [];
  let begun: { what: string; from: number } | undefined;
  for (const entry of run.entries) {
    if (entry.kind === "fault" && entry.rollsBack) begun = { what: entry.what, from: entry.t };
    if (entry.kind !== "healed" || begun?.what !== entry.what) continue;
    failovers.push({ ...begun, to: entry.t });
    begun = undefined;
  }
  return failovers;
}
