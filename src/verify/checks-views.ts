/** Checkers of what the sessions heard. Pure. */
import type { Index, Session, Stored } from "./indexed.js";
import type { Rollbacks } from "./rollback.js";

export function viewsAreComplete({ sessions, stored }: Index, rollbacks: Rollbacks): string[] {
  const wrong: string[] = [];
  for (const { number, name, heard } of sessions.values()) {
    const last = new Map<string, Stored>();
    for (const { id, conv, t } of heard) {
      const message = stored.get(id);
      if (message === undefined) continue; // another rule's matter
      if (rollbacks.isOfTakenBack(id, t) && rollbacks.complaint(id, t) === undefined) continue;
      const before = last.get(conv);
      last.set(conv, message);
      if (before === undefined || message.seq === before.seq + 1) continue;
      const what = message.seq > before.seq ? "missed what lies between" : "heard again or late";
      wrong.push(
        `${name} (session ${number}) in ${conv}: ${what} ${before.seq} and ${message.seq} (${id})`,
      );
    }
  }
  return wrong;
}

export function nothingMissedAtEnds(
  { run, sessions, byConv, messages }: Index,
  rollbacks: Rollbacks,
): string[] {
  const wrong: string[] = [];
  const open = new Set(run.open.values());
  const heardIn = (session: Session, conv: string): Set<string> =>
    new Set(
      session.heard
        .filter((each) => each.conv === conv && !rollbacks.isOfTakenBack(each.id, each.t))
        .map(({ id }) => id),
    );
  for (const session of sessions.values()) {
    const isOpen = open.has(session.number);
    if (!isOpen && session.heard.length === 0) continue;
    for (const [conv, stored] of byConv) {
      if (conv !== "~" && !conv.split("|").includes(session.name)) continue;
      const heard = heardIn(session, conv);
      const last = isOpen ? Infinity : stored.findLast(({ id }) => heard.has(id))?.seq;
      if (last === undefined) continue;
      const missed = stored.find(({ id, seq }) => {
        const message = messages.get(id);
        return (
          message !== undefined &&
          message.invokedAt > session.openedAt &&
          seq < last &&
          !heard.has(id)
        );
      });
      if (missed === undefined) continue;
      wrong.push(
        `${session.name} (session ${session.number}) in ${conv}: never heard ${missed.id} (${missed.seq})`,
      );
    }
  }
  return wrong;
}

export function nothingInvented({ sessions, stored }: Index, rollbacks: Rollbacks): string[] {
  const wrong: string[] = [];
  for (const { number, name, heard } of sessions.values()) {
    for (const { id, t } of heard) {
      if (stored.has(id)) continue;
      const complaint = rollbacks.complaint(id, t);
      if (complaint === undefined) continue;
      wrong.push(`${name} (session ${number}) heard ${id} at ${t}; it is gone ${complaint}`);
    }
  }
  return wrong;
}
