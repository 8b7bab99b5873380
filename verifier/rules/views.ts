/** Rules of what the sessions heard. Pure. */
import type { Index, Session, Stored } from "./run-history.js";
import type { Rollbacks } from "./rollback.js";
import type { Finding } from "./rule.js";

export function viewsAreComplete({ sessions, stored }: Index, rollbacks: Rollbacks): Finding {
  const wrong: string[] = [];
  let seen = 0;
  for (const session of sessions.values()) {
    const { number, name, heard } = session;
    const takenBack = rollbacks.hearingsTakenBack(session);
    const last = new Map<string, Stored>();
    for (const [place, { id, conv, t }] of heard.entries()) {
      const message = stored.get(id);
      if (message === undefined) continue; // `heard-is-stored` looks at it
      if (takenBack.has(place) && rollbacks.complaint(id, t) === undefined) continue;
      const before = last.get(conv);
      last.set(conv, message);
      if (before === undefined) continue;
      seen++;
      if (message.seq === before.seq + 1) continue;
      const what = message.seq > before.seq ? "missed what lies between" : "heard again or late";
      wrong.push(
        `${name} (session ${number}) in ${conv}: ${what} ${before.seq} and ${message.seq} (${id})`,
      );
    }
  }
  return { seen, wrong };
}

export function nothingMissedAtEnds(
  { run, sessions, byConv, messages }: Index,
  rollbacks: Rollbacks,
): Finding {
  const wrong: string[] = [];
  let seen = 0;
  const open = new Set(run.open.values());
  const dated = new Map<string, (Stored & { invokedAt: number })[]>();
  for (const [conv, stored] of byConv) {
    const known = stored.filter(({ id }) => messages.has(id));
    const withDates = known.map((each) =>
      Object.assign({ invokedAt: messages.get(each.id)!.invokedAt }, each),
    );
    dated.set(conv, withDates);
  }
  for (const session of sessions.values()) {
    const isOpen = open.has(session.number);
    if (!isOpen && session.heard.length === 0) continue;
    const heardIn = heardByConv(session, rollbacks);
    for (const [conv, stored] of dated) {
      if (conv !== "~" && !conv.split("|").includes(session.name)) continue;
      const heard = heardIn.get(conv) ?? new Set();
      const last = isOpen ? Infinity : stored.findLast(({ id }) => heard.has(id))?.seq;
      if (last === undefined) continue;
      const due = stored.filter(({ seq, invokedAt }) => invokedAt > session.openedAt && seq < last);
      seen += due.length;
      const missed = due.find(({ id }) => !heard.has(id));
      if (missed === undefined) continue;
      wrong.push(
        `${session.name} (session ${session.number}) in ${conv}: never heard ${missed.id} (${missed.seq})`,
      );
    }
  }
  return { seen, wrong };
}

function heardByConv(session: Session, rollbacks: Rollbacks): Map<string, Set<string>> {
  const takenBack = rollbacks.hearingsTakenBack(session);
  const byConv = new Map<string, Set<string>>();
  for (const [place, { id, conv }] of session.heard.entries()) {
    if (takenBack.has(place)) continue;
    const ids = byConv.get(conv) ?? new Set();
    byConv.set(conv, ids.add(id));
  }
  return byConv;
}

export function nothingInvented({ sessions, stored }: Index, rollbacks: Rollbacks): Finding {
  const wrong: string[] = [];
  let seen = 0;
  for (const { number, name, heard } of sessions.values()) {
    seen += heard.length;
    for (const { id, t } of heard) {
      if (stored.has(id)) continue;
      const complaint = rollbacks.complaint(id, t);
      if (complaint === undefined) continue;
      wrong.push(`${name} (session ${number}) heard ${id} at ${t}; it is gone ${complaint}`);
    }
  }
  return { seen, wrong };
}
