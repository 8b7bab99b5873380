/**
 * The drain: sessions of a stopping node leave one by one over a window, so that they do not all
 * knock at the other nodes in the same moment.
 */
import { setTimeout as pause } from "node:timers/promises";

export interface Drain<Session> {
  readonly windowMs: number;
  /** What the last ones may take beyond the window; whoever called closes the rest. */
  readonly withinMs: number;
  /** Aborted: everybody leaves at once. */
  readonly hurry: AbortSignal;
  /** Tells the session of its slot; before anybody leaves. */
  readonly tell: (session: Session, inMs: number) => void;
  /** Signs the session out and closes it. Never rejects. */
  readonly leave: (session: Session) => Promise<void>;
}

/** Below this, a timer costs more than it spreads. */
const LEAST_PAUSE_MS = 10;
/** More at a time would keep every other call to Redis waiting. */
const LEAVING_AT_ONCE = 500;

/** Lets everybody leave, each at its slot; ends when the last one has left, or the time is up. */
export async function drain<Session>(
  sessions: Iterable<Session>,
  { windowMs, withinMs, hurry, tell, leave }: Drain<Session>,
): Promise<void> {
  const end = new AbortController();
  const late = pause(windowMs + withinMs, undefined, { signal: end.signal }).catch(() => {});
  const pauses = AbortSignal.any([hurry, end.signal]);
  const leaveAll = async (): Promise<void> => {
    const leaving = new Set<Promise<void>>();
    const slots = slotsOf([...sessions], windowMs);
    for (const { session, inMs } of slots) tell(session, inMs);
    const began = performance.now();
    for (const { session, inMs } of slots) {
      const left = began + inMs - performance.now();
      if (left > LEAST_PAUSE_MS) await pause(left, undefined, { signal: pauses }).catch(() => {});
      if (leaving.size >= LEAVING_AT_ONCE) await Promise.race(leaving);
      if (end.signal.aborted) return;
      const gone = leave(session).finally(() => leaving.delete(gone));
      leaving.add(gone);
    }
    await Promise.all(leaving);
  };
  await Promise.race([leaveAll(), late]);
  end.abort();
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
