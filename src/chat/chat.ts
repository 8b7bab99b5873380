/** The chat: carries out what the policy allows. Knows neither sockets nor Redis. */
import type { Command, LogIn, Refusal, Register, Reply, RuleRefusal } from "./commands.js";
import { addressOf, conversationOf, type Address, type Conversation } from "./conversation.js";
import { executeIdentity, loggedIn, type JoinOutcome } from "./identity-commands.js";
import { executeBlocks } from "./block-commands.js";
import { executeModeration } from "./moderation-commands.js";
import { removed } from "./removal.js";
import type { ChatDependencies, KnownPresence, KnownRoster } from "./dependencies.js";
import type { ConversationState } from "./history.js";
import type { Identity, Origin, Proof } from "./identity.js";
import type { Name } from "./names.js";
import { executeOwnData } from "./own-data-commands.js";
import {
  MAX_DEVICES,
  MAX_LISTED,
  MAX_PAGE,
  STRANGER,
  isTypingTold,
  mayWhileMuted,
  recipientOf,
  textLimitOf,
  type Actor,
  type Bot,
  type Policy,
  type SessionActor,
} from "./policy.js";
import type { KnownSanctions, Sanction } from "./sanctions.js";
import type { ClaimOutcome, ConversationStore, Holder, NotedActivity, UserStore } from "./ports.js";

export class Chat {
  readonly #users: UserStore;
  readonly #conversations: ConversationStore;
  readonly #policy: Policy;
  readonly #presence: KnownPresence;
  readonly #identity: Identity;
  readonly #sanctions: KnownSanctions;
  /** Also for families of commands that have files of their own. */
  readonly #all: ChatDependencies;
  readonly #roster: KnownRoster;

  constructor(dependencies: ChatDependencies) {
    this.#users = dependencies.users;
    this.#conversations = dependencies.conversations;
    this.#policy = dependencies.policy;
    this.#presence = dependencies.presence;
    this.#identity = dependencies.identity;
    this.#sanctions = dependencies.sanctions;
    this.#roster = dependencies.roster;
    this.#all = dependencies;
  }

  /** Why a stranger may not join by this name; undefined: it may. Claims nothing. */
  mayJoin(name: Name, written?: string): RuleRefusal | undefined {
    const register: Register = { type: "register", name, written };
    const refusal = this.#policy.may(STRANGER, register);
    if (refusal !== undefined) return refusal;
    if (this.#identity.provesNames) return undefined; // told to whoever has proved the name, see join
    return this.#sanctions.banOf(name) === undefined ? undefined : "banned";
  }

  /** Whether a stranger could have the name at this moment; `new`: and nobody ever had it. Claims nothing. */
  async freedom(name: Name): Promise<"new" | "free" | "taken" | "kept" | "bad_name"> {
    const user = await this.#users.user(name);
    if (user === undefined) return this.#policy.mayBeNew(name) ?? "new";
    if (user.status !== "disconnected") return "taken";
    return user.owner === "kept" ? "kept" : "free";
  }

  /**
   * Claims a name for a stranger, or a share of it, if the policy allows it and what the stranger shows proves that
   * the name is its own: the only way to a name.
   *
   * @param proved by which the same stranger has proved the name before: it is not asked for again
   * @param begin is called once it is allowed, before the claim. Returns who is to hold the name, and
   *   from here on gets its notices; its proof is the one that it is called with.
   * @throws Unavailable when the store gave no answer in time.
   */
  async join(
    { name, written, shown }: Omit<Register, "type">,
    begin: (proof: Proof | undefined) => Holder,
    origin: Origin = {},
    proved?: Proof,
  ): Promise<JoinOutcome> {
    const refusal = this.mayJoin(name, written);
    if (refusal !== undefined && refusal !== "banned") return { outcome: "refused", refusal };
    const mustBeKnown = this.#policy.mayBeNew(name);
    if (mustBeKnown !== undefined && (await this.#users.user(name)) === undefined) {
      return { outcome: "refused", refusal: mustBeKnown };
    }
    let proof = proved;
    if (proof === undefined) {
      const answer = await this.#identity.prove(name, shown, origin);
      if (answer.outcome === "refused") {
        const { refusal: why, retryAfterMs } = answer;
        return { outcome: "refused", refusal: why, details: { retryAfterMs } };
      }
      proof = answer.proof;
    }
    const ban = this.#sanctions.banOf(name);
    if (ban) return { outcome: "refused", refusal: "banned", details: { sanction: ban } };
    const claim = await this.#users.claim(begin(proof), MAX_DEVICES);
    if (claim.outcome === "revoked") return { outcome: "refused", refusal: "bad_credentials" };
    if (claim.outcome === "new" || claim.outcome === "back") {
      this.#roster.hear({ user: { name, status: "active" }, at: claim.at });
    }
    return claim;
  }

  /**
   * Begins a login session for a stranger who shows a password; claims nothing.
   *
   * @throws Unavailable when the store gave no answer in time.
   */
  async logIn(asked: LogIn, origin: Origin): Promise<Reply> {
    const refusal = this.mayJoin(asked.name, asked.written);
    if (refusal !== undefined) return refused(refusal);
    return loggedIn(this.#identity, asked, origin, this.#sanctions.banOf(asked.name));
  }

  /**
   * Claims the name of a holder that has joined, once more. `held`: it is still the holder's. The
   * rules are not applied again: a session that was let in stays.
   */
  async reclaim(holder: Holder): Promise<ClaimOutcome> {
    return this.#users.claim(holder, MAX_DEVICES);
  }

  /** Asks the sessions that hold the name, on any node, to show that they are there. May be lost. */
  async contest(name: Name): Promise<void> {
    await this.#users.tell({ type: "contested", name });
  }

  /** Tells those who want the name, on any node, that its holder is there. May be lost. */
  async defend(name: Name): Promise<void> {
    await this.#users.tell({ type: "defended", name });
  }

  /** Signs the holder out, unless the name has gone to somebody else. */
  async leave(holder: Holder): Promise<void> {
    await this.#users.leave(holder, "left");
  }

  /** Notes what people did lately. See {@link UserStore.touch}. */
  async touch(activities: readonly NotedActivity[]): Promise<void> {
    await this.#users.touch(activities);
  }

  /** The general chat, then the user's private conversations; only those that the actor may read. */
  async conversations(actor: SessionActor, isAwaited: () => boolean): Promise<ConversationState[]> {
    const sinceMs = this.#policy.seesPrivateFromMs(actor);
    const all = await this.#conversations.conversations(actor.name, sinceMs, isAwaited);
    return all.filter(({ conversation }) => {
      const of = addressOf(conversation, actor.name);
      return this.#policy.may(actor, { type: "history", of }) === undefined;
    });
  }

  /**
   * Carries out a command, if the policy allows it. What others must hear comes back through the feed,
   * to the sender too; `accepted` says only that it will.
   *
   * @throws Unavailable when the store gave no answer in time.
   */
  async execute(actor: Actor, command: Exclude<Command, Register>): Promise<Reply> {
    const sanction = this.#muteOf(actor, command);
    if (sanction !== undefined) return { type: "refused", refusal: "muted", sanction };
    let refusal = this.#policy.may(actor, command);
    const recipient = refusal === undefined ? recipientOf(command) : undefined;
    if (recipient !== undefined) {
      const known = this.#presence.statusOf(recipient);
      const user = known === undefined ? await this.#users.user(recipient) : undefined;
      const isOwned = user?.owner !== undefined;
      refusal = this.#policy.may(actor, command, { recipient: known ?? user?.status, isOwned });
    }
    if (refusal === "too_large" && command.type === "send") {
      return { type: "refused", refusal, limit: textLimitOf(command, this.#policy.limits) };
    }
    if (refusal !== undefined) return refused(refusal);
    switch (command.type) {
      case "list":
        return { type: "users", users: await this.#roster.list() };
      case "lookup": {
        const user = await this.#users.user(command.name);
        return user === undefined ? refused("unknown_user") : { type: "user", user };
      }
      case "status":
        return this.#setStatus(heldBy(actor), command);
      case "send":
        return this.#send(named(actor), command);
      case "history": {
        const conversation = meant(command.of, actor);
        const sinceMs = this.#seesFromMs(actor, command.of);
        const messages = await this.#conversations.history(conversation, MAX_LISTED, sinceMs);
        return { type: "history", messages };
      }
      case "page": {
        const { range } = command;
        const conversation = meant(command.of, actor);
        const limit = Math.min(range.limit, MAX_PAGE);
        const sinceMs = this.#seesFromMs(actor, command.of);
        const page = await this.#conversations.page(conversation, { ...range, limit }, sinceMs);
        return { type: "page", conversation, page };
      }
      case "read": {
        const conversation = meant(command.of, actor);
        const reader = named(actor).name;
        const sinceMs = this.#seesFromMs(actor, command.of);
        const mark = await this.#conversations.markRead(reader, conversation, command.seq, sinceMs);
        return { type: "read", conversation, ...mark };
      }
      case "typing": {
        const conversation = meant(command.to, actor);
        const author = named(actor).name;
        const isTold = isTypingTold(command.to, this.#presence.count);
        if (isTold && this.#all.typing.mayTell(author)) {
          await this.#conversations.tell({ type: "typing", author, conversation });
        }
        return { type: "accepted" };
      }
      case "remove":
        return removed(this.#all, heldBy(actor), command);
      case "password":
      case "logins":
      case "refresh":
        return executeIdentity(this.#identity, heldBy(actor), command);
      case "moderate":
      case "sanctions":
      case "audit":
        return executeModeration(this.#all, heldBy(actor), command);
      case "block":
      case "blocks":
        return executeBlocks(this.#all, heldBy(actor), command);
      case "unregister":
      case "export": {
        const user = heldBy(actor);
        return executeOwnData(this.#all, user, command, this.#policy.seesPrivateFromMs(user));
      }
      default:
        return command satisfies never;
    }
  }

  #seesFromMs(actor: Actor, of: Address): number {
    return of.kind === "direct" ? this.#policy.seesPrivateFromMs(actor) : 0;
  }

  #muteOf(actor: Actor, command: Command): Sanction | undefined {
    if (!("name" in actor) || mayWhileMuted(command) === undefined) return undefined;
    return this.#sanctions.muteOf(actor.name);
  }

  async #setStatus(
    holder: SessionActor,
    { status }: Extract<Command, { type: "status" }>,
  ): Promise<Reply> {
    if (status === "disconnected") {
      await this.#users.leave(holder, "asked");
      return { type: "accepted" };
    }
    const answer = await this.#users.setStatus(holder, status);
    if (answer.outcome === "gone") return refused("not_registered");
    const user = { name: holder.name, status };
    this.#roster.hear({ user, at: answer.at });
    return answer.outcome === "changed" ? { type: "accepted" } : { type: "unchanged", user };
  }

  async #send(
    author: SessionActor | Bot,
    { to, text, mid: given }: Extract<Command, { type: "send" }>,
  ): Promise<Reply> {
    const conversation = conversationOf(to, author.name);
    const mid = given ?? this.#all.newMessageId();
    const draft = { author, conversation, mid, mayRepeat: given !== undefined, text };
    const appended = await this.#conversations.append(draft);
    if (appended === "mid_conflict") return refused(appended);
    // who is blocked is not told so, but what is said of somebody who is away
    if (appended === "blocked") return refused("recipient_disconnected");
    const { repeated, ...stored } = appended;
    return { type: "stored", message: { conversation, mid, ...stored }, repeated };
  }
}

function refused(refusal: Refusal): Reply {
  return { type: "refused", refusal };
}

/** The conversation that an actor means; nobody has a private one without a name. */
function meant(address: Address, actor: Actor): Conversation {
  return address.kind === "direct" ? conversationOf(address, named(actor).name) : address;
}

function named(actor: Actor): SessionActor | Bot {
  if (actor.kind === "session" || actor.kind === "bot") return actor;
  throw new Error("the policy lets only actors with a name do this");
}

function heldBy(actor: Actor): SessionActor {
  if (actor.kind === "session") return actor;
  throw new Error("the policy lets only sessions do this");
}
