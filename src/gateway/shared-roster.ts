/**
 * The list of users, read once for all who ask within a moment: a reading costs Redis a call in every bucket. What is
 * heard meanwhile is put into it, and what Redis has answered to a change, so a client finds what it has been told.
 */
import type { KnownRoster } from "../chat/dependencies.js";
import type { Name, User } from "../chat/names.js";
import type { UserStore } from "../chat/ports.js";
import { Roster, type Heard } from "../chat/roster.js";

/** For so long a reading serves all who ask: clients ask at each notice, some twice a second. */
const SHARED_FOR_MS = 500;

type Change = (roster: Roster) => void;

type State =
  | { readonly kind: "nothing" }
  | { readonly kind: "reading"; readonly roster: Promise<Roster>; readonly changes: Change[] }
  | { readonly kind: "read"; readonly roster: Roster; readonly untilMs: number };

export class SharedRoster implements KnownRoster {
  readonly #users: Pick<UserStore, "roster">;
  readonly #most: number;
  readonly #nowMs: () => number;
  #state: State = { kind: "nothing" };

  /**
   * @param most users of a list
   * @param nowMs steady
   */
  constructor(users: Pick<UserStore, "roster">, most: number, nowMs = () => performance.now()) {
    this.#users = users;
    this.#most = most;
    this.#nowMs = nowMs;
  }

  async list(): Promise<readonly User[]> {
    this.#forgetOld();
    const state = this.#state;
    switch (state.kind) {
      case "read":
        return state.roster.list;
      case "reading":
        return (await state.roster).list;
      case "nothing": {
        const changes: Change[] = [];
        const roster = this.#read(changes);
        this.#state = { kind: "reading", roster, changes };
        return (await roster).list;
      }
      default:
        return state satisfies never;
    }
  }

  /** Takes what is announced of a user, or what Redis has answered to a change. */
  hear(heard: Heard): void {
    this.#change((roster) => roster.hear(heard));
  }

  /** The user has left for good. */
  forget(name: Name): void {
    this.#change((roster) => roster.forget(name));
  }

  #change(change: (roster: Roster) => void): void {
    this.#forgetOld();
    if (this.#state.kind === "reading") this.#state.changes.push(change);
    if (this.#state.kind === "read") change(this.#state.roster);
  }

  #read(changes: readonly Change[]): Promise<Roster> {
    return this.#users.roster(this.#most).then(
      (read) => {
        const roster = new Roster(read, this.#most);
        for (const change of changes) change(roster);
        this.#state = { kind: "read", roster, untilMs: this.#nowMs() + SHARED_FOR_MS };
        return roster;
      },
      (error: unknown) => {
        this.#state = { kind: "nothing" };
        throw error;
      },
    );
  }

  #forgetOld(): void {
    if (this.#state.kind === "read" && this.#nowMs() >= this.#state.untilMs) {
      this.#state = { kind: "nothing" };
    }
  }
}
