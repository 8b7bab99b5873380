/** A session's hold on a name: claimed, in doubt for a while perhaps, then claimed again or lost. */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Chat } from "../chat/chat.js";
import { isBefore, type Notice, type Position } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { SessionActor } from "../chat/policy.js";

/** How long a request waits while the name is in doubt. */
const PATIENCE_MS = 5_000;

/** Each takes up to four seconds. */
const CONTESTS = 3;

export interface NameClaimCallbacks {
  /** The name is about to be claimed: from here on its notices must be heard. */
  readonly onClaiming: () => void;
  /** The name is not had: refused, or, if `isUnsure`, perhaps claimed without an answer. */
  readonly onUnclaimed: (isUnsure: boolean) => void;
  /** It was refused, for somebody holds it: whether to try again, once the holder has had time to show itself. */
  readonly mayBeFree: (name: Name) => Promise<boolean>;
  /** The name is given back: what is for it from here on is for somebody else. */
  readonly onLeft: () => void;
}

export class NameClaim implements SessionActor {
  readonly kind = "session";
  /** Whoever claims with the same key shares the name. */
  key: string | undefined;
  /** Where the client is connected from; only where addresses are kept. */
  address: string | undefined;
  /** False once nothing more may be done in the name. */
  isLive = true;
  /** The name was given back, and need not be again. */
  hasLeft = false;
  readonly #chat: Chat;
  readonly #doors: NameClaimCallbacks;
  #id = newId();
  #name: Name | undefined;
  #joinedAt: Position | undefined;
  #doubt: Doubt | undefined;

  constructor(chat: Chat, doors: NameClaimCallbacks) {
    this.#chat = chat;
    this.#doors = doors;
  }

  get id(): string {
    return this.#id;
  }

  /** The name that is held or being claimed. */
  get name(): Name {
    if (this.#name === undefined) throw new Error("a session without a name cannot act");
    return this.#name;
  }

  get hasName(): boolean {
    return this.#name !== undefined;
  }

  /** Whether the name was claimed with success; it may be in doubt all the same. */
  get isClaimed(): boolean {
    return this.#joinedAt !== undefined;
  }

  /** Whether a claim is under way, or due again. */
  get isUnsettled(): boolean {
    return this.#doubt !== undefined || (this.hasName && !this.isClaimed);
  }

  /** Whether the name is this hold's, beyond doubt. */
  get isSure(): boolean {
    return this.isClaimed && this.isLive && !this.isUnsettled;
  }

  /**
   * Claims a name. One that is held is contested: its holder loses it if it is not there any more.
   * @throws Unavailable when the store gave no answer: the name is let go of then.
   */
  async acquire(name: Name): Promise<"new" | "back" | "joined" | "taken"> {
    const outcome = await this.#claim(name);
    if (outcome !== "taken" || !(await this.#doors.mayBeFree(name))) return outcome;
    return this.isLive ? this.#claim(name) : outcome; // it may have hung up meanwhile
  }

  async #claim(name: Name): Promise<"new" | "back" | "joined" | "taken"> {
    this.#name = name;
    this.#doors.onClaiming();
    try {
      const claim = await this.#chat.join(this);
      if (claim.outcome === "taken") {
        this.#unclaim(false);
        return "taken";
      }
      this.#joinedAt = claim.at;
      return claim.outcome === "held" ? "back" : claim.outcome;
    } catch (error) {
      this.#unclaim(true);
      throw error;
    }
  }

  /**
   * Gives the name back: when this has resolved, anybody can have it.
   * @throws Unavailable when the store gave no answer: the name may still be held.
   */
  async leave(): Promise<void> {
    this.isLive = false;
    await this.#chat.leave(this);
    if (this.hasName) this.left(); // a claim under way may have been refused meanwhile
  }

  /** The store has signed this session out. */
  left(): void {
    this.isLive = false;
    this.hasLeft = true;
    this.#doors.onLeft();
  }

  /** The name may be somebody else's by now: nothing may be told or done until it is reclaimed. */
  doubt(): void {
    if (this.isClaimed) this.#doubt ??= new Doubt();
  }

  /**
   * Claims again what the cluster may have given away meanwhile; says whether it is kept. On data that may be
   * older, a session of then may have the name and be gone: it is contested, which is not waited for here.
   */
  async reclaim(mayBeOlder: boolean, settled: (isKept: boolean) => void): Promise<void> {
    if (await this.#reclaim()) return settled(true);
    const settle = (isKept: boolean): void => {
      if (!this.isLive) return; // it has left meanwhile
      this.isLive = isKept;
      settled(isKept);
    };
    if (mayBeOlder) void this.#contest().then(settle);
    else settle(false);
  }

  async #reclaim(): Promise<boolean> {
    const claim = await this.#chat.join(this);
    if (claim.outcome === "taken") return false;
    if (claim.outcome !== "held") this.#joinedAt = claim.at;
    this.#doubt?.end();
    this.#doubt = undefined;
    return true;
  }

  /** As long as it takes until the leases of then have ended. */
  async #contest(): Promise<boolean> {
    for (let i = 0; i < CONTESTS; i++) {
      if (!(await this.#doors.mayBeFree(this.name))) return false;
      if (await this.#reclaim().catch(() => false)) return true;
    }
    return false;
  }

  /** Waits while the name is in doubt; false if it still is after this time. */
  async untilSure(withinMs = PATIENCE_MS): Promise<boolean> {
    if (this.#doubt === undefined) return true;
    await Promise.race([this.#doubt.ended, pause(withinMs)]);
    return this.#doubt === undefined;
  }

  /** Hears what became of the name. Returns whether it is this hold's story: it had the name by then. */
  hears({ user, at }: Extract<Notice, { type: "presence" }>): boolean {
    if (this.#joinedAt === undefined || this.#doubt !== undefined) return false;
    if (!isBefore(this.#joinedAt, at)) return false;
    // faster than the store's answer to the sign-out, which may never come
    if (user.status === "disconnected" && !this.isLive) this.#doors.onLeft();
    return true;
  }

  #unclaim(isUnsure: boolean): void {
    this.#doors.onUnclaimed(isUnsure);
    this.#name = undefined;
    // the sign-out that may be due for this claim must not undo the next one
    if (isUnsure) this.#id = newId();
  }
}

function newId(): string {
  return randomBytes(12).toString("base64url");
}

/** A time in which a name may be somebody else's. */
class Doubt {
  end: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));
}
