/**
 * Lets sessions go while their gateway goes on: those of one that alone is not ready, and those in
 * bytes whose view has a hole. They leave over a short window, so that they do not all knock
 * elsewhere in the same moment, and each is signed out before if that can be done soon.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Counters } from "../observe.js";
import { hasHole } from "../session/questions.js";
import { drain } from "./drain.js";
import type { Session } from "./session.js";
import type { CloseReason } from "../session/endings.js";

const WINDOW_MS = 2_000;
/** What was asked, and the sign-out, may take so long; the connection is closed all the same. */
const SIGNED_OUT_WITHIN_MS = 1_000;
const NEVER = new AbortController().signal;

export class Evictor {
  readonly #sessions: ReadonlySet<Session>;
  readonly #counters: Counters;
  /** It takes a moment until who was closed is no longer among all. */
  readonly #closed = new WeakSet<Session>();
  #isBusy = false;

  /** @param sessions all of the gateway: who has left is no longer in it */
  constructor(sessions: ReadonlySet<Session>, counters: Counters) {
    this.#sessions = sessions;
    this.#counters = counters;
  }

  /** How many have not been closed here yet. */
  get remaining(): number {
    return [...this.#sessions].filter((session) => !this.#closed.has(session)).length;
  }

  /** Those whose view has a hole, as the hub has just told them. */
  withHoles(): void {
    if (this.#isBusy) return; // and will look again
    this.#isBusy = true;
    void this.#leaveWithHoles().finally(() => (this.#isBusy = false));
  }

  /** All, until the gateway is ready again: who is still there then stays. */
  async whileAlone(isReady: () => boolean): Promise<void> {
    await this.#leave("alone", () => !isReady());
  }

  async #leaveWithHoles(): Promise<void> {
    const isDue = (session: Session): boolean =>
      hasHole(session.state) && !this.#closed.has(session);
    while ([...this.#sessions].some(isDue)) await this.#leave("hole", isDue);
  }

  async #leave(why: "alone" | "hole", mustLeave: (session: Session) => boolean): Promise<void> {
    const leave = async (session: Session): Promise<void> => {
      if (!mustLeave(session)) return;
      this.#closed.add(session);
      const late = pause(SIGNED_OUT_WITHIN_MS, undefined, { ref: false });
      await Promise.race([session.leave(), late]);
      session.close(closeOf(why, session));
      this.#counters.letGo.inc({ why });
    };
    const times = { windowMs: WINDOW_MS, graceMs: 0, withinMs: 2 * SIGNED_OUT_WITHIN_MS };
    await drain(this.#sessions, { ...times, hurry: NEVER, tell: () => false, leave });
  }
}

/** Some clients can be told what happened, and come back and resume. */
function closeOf(why: "alone" | "hole", { dialect }: Session): CloseReason {
  if (why === "hole") return "eventsMissed";
  return dialect.traits.afterHole === "resume" ? "cannotServeJson" : "cannotServe";
}
