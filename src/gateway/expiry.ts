/** What proves a name may end: then its session is closed, unless the client has shown something newer. */
import type { Session } from "./session.js";

/** @param nowMs by Redis' clock, in ms since 1970 */
export function closeExpired(sessions: Iterable<Session>, nowMs: number): void {
  for (const session of sessions) {
    const endsAtMs = session.holder.proof?.endsAtMs;
    if (endsAtMs !== undefined && endsAtMs <= nowMs) session.close("tokenExpired");
  }
}
