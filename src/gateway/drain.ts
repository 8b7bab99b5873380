/**
 * The drain: sessions of a stopping node leave one by one over a window, so that they do not all
 * knock at the other nodes in the same moment.
 */
import { setTimeout as pause } from "node:timers/promises";

export interface DrainDoors<Session> {
  /** Signs the session out and closes it. Never rejects. */
  readonly leave: (session: Session) => Promise<void>;
  /** Aborted: everybody leaves at once. */
  readonly hurry: AbortSignal;
  /** Aborted: nobody else is asked to leave; whoever called closes them all. */
  readonly timeIsUp: AbortSignal;
}

/** Below this, a timer costs more than it spreads. */
const LEAST_PAUSE_MS = 10;
/** More at a time would keep every other call to Redis waiting. */
const LEAVING_AT_ONCE = 500;

/** Lets everybody leave, each at its slot; ends when the last one has left. */
export async function drain<Session>(
  sessions: Iterable<Session>,
  windowMs: number,
  { leave, hurry, timeIsUp }: DrainDoors<Session>,
): Promise<void> {
  const pauses = AbortSignal.any([hurry, timeIsUp]);
  const leaving = new Set<Promise<void>>();
  // all slots are known from here on: a dialect that has a word for it can tell each session its own
  const slots = slotsOf([...sessions], windowMs);
  const began = performance.now();
  for (const { session, inMs } of slots) {
    const left = began + inMs - performance.now();
    if (left > LEAST_PAUSE_MS) await pause(left, undefined, { signal: pauses }).catch(() => {});
    if (leaving.size >= LEAVING_AT_ONCE) await Promise.race(leaving);
    if (timeIsUp.aborted) return;
    const gone = leave(session).finally(() => leaving.delete(gone));
    leaving.add(gone);
  }
  await Promise.all(leaving);
}

/** Evenly spaced, the first at once. */
function slotsOf<Session>(
  sessions: readonly Session[],
  windowMs: number,
): { session: Session; inMs: number }[] {
  return sessions.map((session, place) => ({
    session,
    inMs: (windowMs * place) / sessions.length,
  }));
}
