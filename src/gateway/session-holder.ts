/** The session as the chat and its stores see it: the actor of its commands, and the holder of its name. */
import { nanoid } from "nanoid";
import { isBefore, type Position } from "../chat/events.js";
import type { Origin, Proof, Role } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import type { SessionActor } from "../chat/policy.js";
import { isLive } from "../session/questions.js";
import type { SessionState } from "../session/state.js";

/** Before a claim was answered nothing is the holder's. */
export const NO_TENURE = Number.MAX_SAFE_INTEGER;

export class SessionHolder implements SessionActor {
  readonly kind = "session";
  /** Sessions that claim with the same key share the name. */
  key: string | undefined;
  keeps: "name" | "return" | undefined;
  /** As the claim was answered last. */
  tenureMs = NO_TENURE;
  formerMs = NO_TENURE;
  /** Where the client is connected from; only where addresses are kept. */
  address: string | undefined;
  /** From where the client comes, and what its upgrade request showed. */
  origin: Origin = {};
  /** By what the name was proved to be its own. */
  proof: Proof | undefined;
  readonly #session: { readonly state: SessionState };
  #id = newId();
  #name: Name | undefined;
  #roleAt: Position | undefined;

  constructor(session: { readonly state: SessionState }) {
    this.#session = session;
  }

  get id(): string {
    return this.#id;
  }

  /** The name that was claimed last, even if the claim failed. */
  get name(): Name {
    if (this.#name === undefined) throw new Error("a session without a name cannot act");
    return this.#name;
  }

  get isLive(): boolean {
    return isLive(this.#session.state);
  }

  /** The role of the account that has proved the name, as of a position of the user's bucket. */
  knows(role: Role, at: Position): void {
    const { proof } = this;
    if (proof === undefined || proof.by.kind === "token") return;
    if (this.#roleAt !== undefined && isBefore(at, this.#roleAt)) return;
    this.#roleAt = at;
    this.proof = { ...proof, role };
  }

  claims(name: Name): void {
    this.#name = name;
  }

  /** Takes a new id: a sign-out that is due for the last claim must not undo the next one. */
  renew(): void {
    this.#id = newId();
  }
}

/** A random key, for a client that has none. */
export function newKey(): string {
  return nanoid(24);
}

function newId(): string {
  return nanoid(16);
}
