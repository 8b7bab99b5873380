/**
 * Evicts sessions while the gateway keeps running: all of them when this gateway alone is not ready, and those that
 * missed notices and cannot be told so. They leave over a short window, so that they do not all reconnect in the same
 * moment. Each is signed out before it is closed, if that can be done soon.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Counters } from "../observe.js";
import { hasHole, isGoing } from "../session/questions.js";
import { drain } from "./drain.js";
import type { Session } from "./session.js";
import type { CloseReason } from "../session/endings.js";

const WINDOW_MS = 2_000;
/** After this time the connection is closed, even if requests or the sign-out are not done. */
const SIGNED_OUT_WITHIN_MS = 1_000;
const NEVER = new AbortController().signal;

export class Evictor {
  readonly #sessions: ReadonlySet<Session>;
  readonly #counters: Counters;
  /** Of the sessions that missed notices. */
  #state: "idle" | "evicting" = "idle";

  /** @param sessions all sessions of the gateway, live: those that have left are no longer in it */
  constructor(sessions: ReadonlySet<Session>, counters: Counters) {
    this.#sessions = sessions;
    this.#counters = counters;
  }

  /** How many sessions are not going yet. It takes a moment until those that go are no longer among all. */
  get remaining(): number {
    return [...this.#sessions].filter(({ state }) => !isGoing(state)).length;
  }

  /** Evicts the sessions that missed notices. To be called when the hub has delivered a gap. */
  withHoles(): void {
    if (this.#state === "evicting") return; // it looks again when it is done
    this.#state = "evicting";
    void this.#leaveWithHoles().finally(() => (this.#state = "idle"));
  }

  /** Evicts all, until the gateway is ready again: sessions that are still open then stay. */
  async whileAlone(isReady: () => boolean): Promise<void> {
    await this.#leave("alone", () => !isReady());
  }

  async #leaveWithHoles(): Promise<void> {
    const isDue = ({ state }: Session): boolean => hasHole(state) && !isGoing(state);
    while ([...this.#sessions].some(isDue)) await this.#leave("hole", isDue);
  }

  async #leave(why: "alone" | "hole", mustLeave: (session: Session) => boolean): Promise<void> {
    const leave = async (session: Session): Promise<void> => {
      if (!mustLeave(session)) return;
      const late = pause(SIGNED_OUT_WITHIN_MS, undefined, { ref: false });
      await Promise.race([session.leave(), late]);
      session.close(closeOf(why, session));
      this.#counters.letGo.of(why).inc();
    };
    const times = { windowMs: WINDOW_MS, graceMs: 0, withinMs: 2 * SIGNED_OUT_WITHIN_MS };
    await drain(this.#sessions, { ...times, hurry: NEVER, tell: () => false, leave });
  }
}

/** Clients with cursors are told to resume; others only to reconnect. */
function closeOf(why: "alone" | "hole", { dialect }: Session): CloseReason {
  if (why === "hole") return "eventsMissed";
  return dialect.traits.afterHole === "resume" ? "cannotServeJson" : "cannotServe";
}
