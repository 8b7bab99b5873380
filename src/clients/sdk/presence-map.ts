/** Who is connected: snapshots and changes applied to one map. Pure. PROTOCOL.md, presence. */
import type { PresenceChange, Status } from "./events.js";

/** An answer (a snapshot), or an event. */
export interface PresenceUpdate {
  readonly count: number;
  readonly full: boolean;
  readonly isSnapshot: boolean;
  readonly set: readonly (readonly [name: string, status: Status])[];
  readonly gone: readonly string[];
}

export class PresenceMap {
  readonly people = new Map<string, Status>();
  count = 0;
  isFull = true;
  /** Users whose changes are sent even when there are too many for all. */
  watched: ReadonlySet<string> = new Set();

  /** Applies an update; returns what changed by it. */
  apply({ count, full, isSnapshot, set, gone }: PresenceUpdate): PresenceChange {
    this.count = count;
    const forgets = isSnapshot || (this.isFull && !full);
    this.isFull = full;
    const told = new Map(set);
    const left = forgets
      ? [...this.people.keys()].filter((name) => {
          return !told.has(name) && (isSnapshot || !this.watched.has(name) || gone.includes(name));
        })
      : [...new Set(gone)].filter((name) => this.people.has(name));
    for (const name of left) this.people.delete(name);
    const changed = [...told].filter(([name, status]) => this.people.get(name) !== status);
    for (const [name, status] of changed) this.people.set(name, status);
    return { count, full, set: changed, gone: left };
  }
}
