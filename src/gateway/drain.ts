/**
 * The drain: sessions of a stopping node leave one by one over a window, so that they do not all reconnect to the
 * other nodes in the same moment. A session that was told its slot has some time after it: its client reconnects
 * elsewhere before it leaves this node.
 */
import { pauseUnlessAborted } from "../pause.js";

export interface Drain<Session> {
  readonly windowMs: number;
  /** How long after its slot a session that was told may stay. */
  readonly graceMs: number;
  /** How long the last ones may take beyond the window and the grace. The caller closes the rest. */
  readonly withinMs: number;
  /** When aborted, all leave at once. */
  readonly hurry: AbortSignal;
  /** Tells the session its slot, before any session leaves. Returns false if it cannot be told. */
  readonly tell: (session: Session, inMs: number) => boolean;
  /** Signs the session out and closes it. Never rejects. */
  readonly leave: (session: Session) => Promise<void>;
}

/** Shorter pauses are skipped: a timer would cost more than it spreads. */
const LEAST_PAUSE_MS = 10;
/** How often to look whether a session has left by itself. */
const LOOK_MS = 50;
/** More at a time would keep all other calls to Redis waiting. */
const LEAVING_AT_ONCE = 500;

/**
 * Lets all sessions leave, each at its time. Ends when the last one has left, or the time is up.
 * @param sessions live: those that have left by themselves are no longer in it
 */
export async function drain<Session>(
  sessions: ReadonlySet<Session>,
  { windowMs, graceMs, withinMs, hurry, tell, leave }: Drain<Session>,
): Promise<void> {
  const end = new AbortController();
  const lateMs = windowMs + graceMs + withinMs;
  const late = pauseUnlessAborted(lateMs, end.signal);
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
        await pauseUnlessAborted(Math.min(left, LOOK_MS), pauses);
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
