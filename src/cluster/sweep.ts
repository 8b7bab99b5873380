/** The sweep: the leader's duty, once a second. */
import { StaleToken, type Duties, type LeavingDuties, type NameDuties } from "./ports.js";
import type { Observe } from "../observe.js";

/** One round: idle users become inactive, the users of dead nodes are signed out, names of nobody are forgotten, what users left who are gone for good is cleared. */
export async function sweep(
  duties: Duties & NameDuties & LeavingDuties,
  token: string,
  observe: Observe,
): Promise<void> {
  try {
    const { idled, dead } = await duties.sweep(token);
    observe.counters.sweeps.inc();
    if (idled > 0) {
      observe.counters.swept.of("idle").inc(idled);
      observe.log.info({ event: "users_idle", users: idled }, "quiet users became inactive");
    }
    const reaped = await Promise.all(dead.map((node) => duties.reap(token, node)));
    const users = reaped.reduce((sum, count) => sum + count, 0);
    if (users > 0) {
      observe.counters.swept.of("lost").inc(users);
      const nodes = [...new Set(dead.map(({ incarnation }) => incarnation))];
      observe.log.warn(
        { event: "users_reaped", users, nodes },
        "users of dead nodes were signed out",
      );
    }
    const freed = await duties.finishLeaving(token);
    if (freed > 0) {
      observe.log.info(
        { event: "users_cleared", users: freed },
        "nothing is kept any more of users who left for good: their names are free",
      );
    }
    const forgotten = await duties.forget(token);
    if (forgotten === 0) return;
    observe.counters.swept.of("forgotten").inc(forgotten);
    observe.log.info(
      { event: "names_forgotten", names: forgotten },
      "names of nobody were forgotten",
    );
  } catch (error) {
    if (!(error instanceof StaleToken)) throw error;
    observe.log.warn({ event: "leader_superseded", token }, "a newer leader has acted");
  }
}
