/**
 * Name contests: a client claims a name that is held, perhaps by a client that is dead or hangs. All nodes are told.
 * The node that has the holder asks it to prove that it is alive, and cuts it if it does not. PROTOCOL.md, connecting.
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
  readonly signOuts: Pick<SignOutQueue, "lingers">;
  /** Gives a name back that the store counts as this node's, and no session has. */
  readonly audit: { look(name: Name): Promise<void> };
  readonly log: Log;
}

/** How long a claim waits if the holder's node is frozen or cut off: twice the time that a holder has to answer. */
const DECIDED_WITHIN_MS = 4_000;

/** One contest, for all claims of this node to the name. */
interface Contest {
  readonly decided: Promise<boolean>;
  readonly decide: (mayBeFree: boolean) => void;
}

export class NameContests {
  readonly #dependencies: NameContestsDependencies;
  readonly #contests = new Map<Name, Contest>();
  readonly #defending = new Set<Name>();

  constructor(dependencies: NameContestsDependencies) {
    this.#dependencies = dependencies;
  }

  /** After a refused claim: waits until the holder is gone or has proved that it is alive. Returns whether to claim again. */
  mayBeFree(name: Name): Promise<boolean> {
    return (this.#contests.get(name) ?? this.#begin(name)).decided;
  }

  hear(notice: Notice): void {
    switch (notice.type) {
      case "contested":
        this.#defend(notice.name).catch((error: unknown) => {
          this.#dependencies.log.warn(
            { event: "defence_failed", err: error },
            "name could not be defended",
          );
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
    const { chat, log } = this.#dependencies;
    let decide: (mayBeFree: boolean) => void = () => {};
    const first = new Promise<boolean>((resolve) => (decide = resolve));
    // no answer: the name may have become free since the refusal
    const timer = setTimeout(() => decide(true), DECIDED_WITHIN_MS);
    const decided = first.finally(() => {
      clearTimeout(timer);
      this.#contests.delete(name);
    });
    const contest = { decided, decide };
    this.#contests.set(name, contest);
    chat
      .contest(name)
      .catch((error: unknown) =>
        log.warn({ event: "contest_failed", err: error }, "name was not contested"),
      );
    return contest;
  }

  async #defend(name: Name): Promise<void> {
    const { chat, hub, signOuts, audit } = this.#dependencies;
    if (this.#defending.has(name)) return; // the answer goes to all nodes
    const sessions = [...hub.named(name)].filter(({ state }) => isSure(state));
    // the store may count the name as this node's, in data that is older
    if (sessions.length === 0 && !signOuts.lingers(name)) return audit.look(name);
    this.#defending.add(name);
    try {
      const areThere = await Promise.all(sessions.map((session) => session.isThere()));
      const isThere = areThere.includes(true);
      // the name of a session that was cut may linger
      if (!isThere) await Promise.all(sessions.map((session) => session.end()));
      if (isThere || signOuts.lingers(name)) await chat.defend(name);
    } finally {
      this.#defending.delete(name);
    }
  }
}
