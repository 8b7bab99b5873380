/**
 * Contests: somebody wants a name that is held, perhaps by a client that is gone or hangs. All nodes are told;
 * the one that has the holder lets it show that it is there, or cuts it. PROTOCOL.md, connecting.
 */
import type { Chat } from "../chat/chat.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { Log } from "../observe.js";
import { isSure } from "../session/questions.js";
import type { Hub } from "./hub.js";
import type { SignOutQueue } from "./sign-out-queue.js";

export interface NameContestsDependencies {
  readonly chat: Chat;
  readonly hub: Hub;
  readonly leavers: Pick<SignOutQueue, "lingers">;
  /** Gives a name back that the store counts as this node's, and no session has. */
  readonly audit: { look(name: Name): Promise<void> };
  readonly log: Log;
}

/** How long a contender waits if the holder's node is frozen or cut off: twice what a holder has to answer. */
const DECIDED_WITHIN_MS = 4_000;

/** What contenders of this node wait for together. */
interface Contest {
  readonly decided: Promise<boolean>;
  readonly decide: (mayBeFree: boolean) => void;
}

export class NameContests {
  readonly #doors: NameContestsDependencies;
  readonly #contests = new Map<Name, Contest>();
  readonly #defending = new Set<Name>();

  constructor(doors: NameContestsDependencies) {
    this.#doors = doors;
  }

  /** For who was refused a name: waits until its holder is gone or has shown itself. Whether to try again. */
  mayBeFree(name: Name): Promise<boolean> {
    return (this.#contests.get(name) ?? this.#begin(name)).decided;
  }

  hear(notice: Notice): void {
    switch (notice.type) {
      case "contested":
        this.#defend(notice.name).catch((error: unknown) => {
          this.#doors.log.warn({ err: error }, "name could not be defended");
        });
        return;
      case "defended":
        this.#contests.get(notice.name)?.decide(false);
        return;
      case "presence":
        if (notice.user.status === "disconnected") {
          this.#contests.get(notice.user.name)?.decide(true);
        }
        return;
      default:
    }
  }

  #begin(name: Name): Contest {
    const { chat, log } = this.#doors;
    let decide: (mayBeFree: boolean) => void = () => {};
    const first = new Promise<boolean>((resolve) => (decide = resolve));
    // it may have become free between the refusal and this moment
    const timer = setTimeout(() => decide(true), DECIDED_WITHIN_MS);
    const decided = first.finally(() => {
      clearTimeout(timer);
      this.#contests.delete(name);
    });
    const contest = { decided, decide };
    this.#contests.set(name, contest);
    chat
      .contest(name)
      .catch((error: unknown) => log.warn({ err: error }, "name was not contested"));
    return contest;
  }

  async #defend(name: Name): Promise<void> {
    const { chat, hub, leavers, audit } = this.#doors;
    if (this.#defending.has(name)) return; // its answer is for all
    const sessions = [...hub.named(name)].filter(({ state }) => isSure(state));
    // what the store counts as this node's may be left of older data
    if (sessions.length === 0 && !leavers.lingers(name)) return audit.look(name);
    this.#defending.add(name);
    try {
      const areThere = await Promise.all(sessions.map((session) => session.isThere()));
      const isThere = areThere.includes(true);
      // who was cut may keep the name for a while
      if (!isThere) await Promise.all(sessions.map((session) => session.end()));
      if (isThere || leavers.lingers(name)) await chat.defend(name);
    } finally {
      this.#defending.delete(name);
    }
  }
}
