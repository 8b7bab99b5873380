/** Rollbacks: what a failover took back, and whether that was announced. Pure. */
import { isBefore } from "#tertulia/chat/events.js";
import type { Index, Published, Report, Session, Stored } from "./indexed.js";

interface Failover {
  readonly what: string;
  readonly from: number;
  readonly to: number;
}

/** A replica lags by less, unless its link is cut, which belongs to the fault. */
const LAG_MS = 1_000;

export class Rollbacks {
  readonly failovers: readonly Failover[];
  readonly #index: Index;
  /** By message: every publication at a position of its own, in the order of time. */
  readonly #copies = new Map<string, Published[]>();
  /** Of what was rolled back, by bucket. */
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

  /** Publications of the message that are not what is stored: taken back. */
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
   * Which hearings of a session are of copies that were taken back, by their place in `heard`. Who has
   * heard a message twice has heard the stored copy last; who has heard it once, the copy whose number
   * comes next, or else the one that was published about then. A copy that comes after the stored one (from a stale primary that wakes up)
   * is not to be heard at all.
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
   * By its number, what was heard comes next behind what was heard before it, but the stored copy does not; nor does
   * that come next behind the last that is stored, as it does after a rollback that took several back.
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

  /** Copies that were taken back, of before the stored one. */
  #earlier(id: string): Published[] {
    const storedAt = this.storedAt(id) ?? Infinity;
    return this.takenBack(id).filter(({ t }) => t < storedAt);
  }

  /** As {@link complaint}, of a message that was acknowledged: in `replicated` nothing excuses that. */
  complaintOfAcknowledged(id: string, at: number): string | undefined {
    if (this.#index.run.ack === "replicated") return "although acknowledged only when replicated";
    return this.complaint(id, at);
  }

  /**
   * Why it is a broken promise that this message was taken back, or undefined if it is none: a
   * failover may take back what is younger than its beginning, if gateways say so.
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
