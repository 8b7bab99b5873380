/**
 * The drain: sessions of a stopping node leave one by one over a window, so that they do not all
 * knock at the other nodes in the same moment. Who was told of its slot has some time after it, to be
 * back elsewhere before it leaves this node.
 */
import { setTimeout as pause } from "node:timers/promises";

export interface Drain<Session> {
  readonly windowMs: number;
  /** How long after its slot a session that was told of it may stay. */
  readonly graceMs: number;
  /** What the last ones may take beyond the window and the grace; whoever called closes the rest. */
  readonly withinMs: number;
  /** Aborted: everybody leaves at once. */
  readonly hurry: AbortSignal;
  /** Tells the session of its slot, before anybody leaves. Returns false if it cannot be told. */
  readonly tell: (session: Session, inMs: number) => boolean;
  /** Signs the session out and closes it. Never rejects. */
  readonly leave: (session: Session) => Promise<void>;
}

/** Below this, a timer costs more than it spreads. */
const LEAST_PAUSE_MS = 10;
/** How often it is looked whether a session has left by itself. */
const LOOK_MS = 50;
/** More at a time would keep every other call to Redis waiting. */
const LEAVING_AT_ONCE = 500;

/**
 * Lets everybody leave, each at its time; ends when the last one has left, or the time is up.
 * @param sessions who has left by itself is no longer in it
 */
export async function drain<Session>(
  sessions: ReadonlySet<Session>,
  { windowMs, graceMs, withinMs, hurry, tell, leave }: Drain<Session>,
): Promise<void> {
  const end = new AbortController();
  const lateMs = windowMs + graceMs + withinMs;
  const late = pause(lateMs, undefined, { signal: end.signal }).catch(() => {});
  const pauses = AbortSignal.any([hurry, end.signal]);
  const leaveAll = async (): Promise<void> => {
    const leaving = new Set<Promise<void>>();
    const times = slotsOf([...sessions], windowMs).map(({ session, inMs }) => ({
      session,
      atMs: tell(session, inMs) ? inMs + graceMs : inMs,
    }));
    const began = performance.now();
    for (const { session, atMs } of times.toSorted((a, b) => a.atMs - b.atMs)) {
      while (sessions.has(session) && !pauses.aborted) {
        const left = began + atMs - performance.now();
        if (left <= LEAST_PAUSE_MS) break;
        await pause(Math.min(left, LOOK_MS), undefined, { signal: pauses }).catch(() => {});
      }
      if (leaving.size >= LEAVING_AT_ONCE) await Promise.race(leaving);
      if (end.signal.aborted) return;
      if (!sessions.has(session)) continue;
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
