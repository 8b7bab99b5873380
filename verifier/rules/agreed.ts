/** The order of each conversation on which all sessions agree. Pure. */
import type { Index, Stored } from "./run-history.js";

export interface Agreed {
  readonly messages: readonly Stored[];
  /** How many of them more than one session heard. */
  readonly heardBySeveral: number;
  /** Two sessions heard two messages in different orders. */
  readonly contradictions: readonly string[];
}

/** Numbers every message that any session heard, so that no session heard two of them in the other order. */
export function agreedBy(index: Index): Agreed {
  const heardAt = new Map<string, Map<string, number>>();
  const before = new Map<string, Set<string>>();
  const hearers = new Map<string, number>();
  for (const { heard } of index.sessions.values()) {
    const last = new Map<string, string>();
    const seen = new Set<string>();
    for (const { id, conv, t } of heard) {
      if (seen.has(id)) continue; // `heard-once-in-order` finds it
      seen.add(id);
      hearers.set(id, (hearers.get(id) ?? 0) + 1);
      const times = heardAt.get(conv) ?? new Map<string, number>();
      heardAt.set(conv, times.set(id, Math.min(t, times.get(id) ?? Infinity)));
      const previous = last.get(conv);
      if (previous !== undefined) before.set(id, (before.get(id) ?? new Set()).add(previous));
      last.set(conv, id);
    }
  }
  const messages: Stored[] = [];
  const contradictions: string[] = [];
  for (const [conv, times] of heardAt) {
    const byTime = [...times].toSorted(([, a], [, b]) => a - b).map(([id]) => id);
    const order = sorted(byTime, before, (a, b) =>
      contradictions.push(`${conv}: ${a} before ${b} for one session, after it for another`),
    );
    for (const [i, id] of order.entries()) {
      messages.push({ conv, seq: i + 1, epoch: 0, author: "", id });
    }
  }
  const heardBySeveral = [...hearers.values()].filter((count) => count > 1).length;
  return { messages, heardBySeveral, contradictions };
}

/** A depth-first sort: all messages that must come before a message come before it. */
function sorted(
  ids: readonly string[],
  before: ReadonlyMap<string, ReadonlySet<string>>,
  onContradiction: (a: string, b: string) => void,
): string[] {
  const order: string[] = [];
  const states = new Map<string, "entered" | "out">();
  for (const root of ids) {
    const path = [root];
    while (path.length > 0) {
      const id = path.at(-1)!;
      if (states.get(id) === "out") {
        path.pop();
        continue;
      }
      states.set(id, "entered");
      const due = [...(before.get(id) ?? [])].filter((each) => states.get(each) !== "out");
      const next = due.find((each) => states.get(each) === undefined);
      if (next !== undefined) {
        path.push(next);
        continue;
      }
      for (const each of due) onContradiction(each, id);
      states.set(id, "out");
      order.push(id);
      path.pop();
    }
  }
  return order;
}
