/**
 * A list of users as it was read once, kept current by what is heard afterwards: who is connected, longest first; then
 * who left, latest first. Pure.
 */
import { isBefore, type Position } from "./events.js";
import type { Name, Status, User } from "./names.js";

/** What is known of a user, as of a position of the user's bucket. */
export interface Heard {
  readonly user: User;
  readonly at: Position;
}

interface Known {
  readonly status: Status;
  readonly at: Position;
}

export class Roster {
  readonly #most: number;
  /** Who connected last is the last one. */
  readonly #connected = new Map<Name, Known>();
  /** Who left last is the last one. */
  readonly #left = new Map<Name, Known>();
  #list: readonly User[] | undefined;

  /**
   * @param read in the order of {@link list}
   * @param most users that the list has
   */
  constructor(read: readonly Heard[], most: number) {
    this.#most = most;
    for (const { user, at } of read) {
      if (user.status !== "disconnected") this.#connected.set(user.name, { ...user, at });
    }
    for (const { user, at } of read.toReversed()) {
      if (user.status === "disconnected") this.#left.set(user.name, { ...user, at });
    }
  }

  /** Takes what is announced of a user, or what Redis has answered to a change. What is older than known is dropped. */
  hear({ user: { name, status }, at }: Heard): void {
    const was = this.#connected.get(name) ?? this.#left.get(name);
    if (was !== undefined && !isBefore(was.at, at)) return;
    this.#list = undefined;
    if (status === "disconnected") {
      this.#connected.delete(name);
      this.#left.delete(name);
      this.#left.set(name, { status, at });
      return;
    }
    this.#left.delete(name);
    this.#connected.set(name, { status, at }); // a status changes where the user stands
  }

  /** The user has left for good. */
  forget(name: Name): void {
    if (this.#connected.delete(name) || this.#left.delete(name)) this.#list = undefined;
  }

  /** The same array until something is heard. */
  get list(): readonly User[] {
    this.#list ??= this.#made();
    return this.#list;
  }

  #made(): User[] {
    const list: User[] = [];
    for (const [name, { status }] of this.#connected) {
      if (list.length === this.#most) return list;
      list.push({ name, status });
    }
    const left = [...this.#left.keys()].toReversed().slice(0, this.#most - list.length);
    for (const name of left) list.push({ name, status: "disconnected" });
    return list;
  }
}
