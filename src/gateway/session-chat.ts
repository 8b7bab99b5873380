/** Runs the effects that ask the chat; puts each answer into the state machine as an input. */
import type { LogIn } from "../chat/commands.js";
import type { Conversation } from "../chat/conversation.js";
import type { Proof } from "../chat/identity.js";
import type { Name } from "../chat/names.js";
import { Damaged, Unavailable } from "../chat/ports.js";
import type { Effect } from "../session/effects.js";
import type { Input } from "../session/inputs.js";
import { takesAnswers } from "../session/questions.js";
import type { ChatCommand, Cursors } from "../session/requests.js";
import type { Permit } from "./claim-limits.js";
import { pageAfter, resume } from "./resume.js";
import { newKey, type SessionHolder } from "./session-holder.js";
import type { Session, SessionDependencies } from "./session.js";
import type { ClaimAnswer, Failure, ReclaimAnswer } from "../session/answers.js";

export type ChatEffect = Extract<
  Effect,
  { type: "claim" | "contest" | "release" | "execute" | "beginLogin" | "resume" | "readPage" }
>;

/** A command. Its answer, as soon as it is known; or what has to wait for the answers before it. */
interface UnderWay {
  answer: Input | undefined;
}

export class SessionChat {
  readonly #session: Session;
  readonly #dependencies: SessionDependencies;
  readonly #machine: { put(input: Input): void };
  /** Commands that are being carried out, in their order. Mostly one, or none. */
  #underWay: UnderWay[] | undefined;

  /** @param machine gets the answers */
  constructor(
    session: Session,
    dependencies: SessionDependencies,
    machine: { put(input: Input): void },
  ) {
    this.#session = session;
    this.#dependencies = dependencies;
    this.#machine = machine;
  }

  /** @throws Unavailable */
  async reclaim({ mayBeOlder, round }: Extract<Effect, { type: "reclaim" }>): Promise<void> {
    const answered = (answer: ReclaimAnswer): void =>
      this.#machine.put({ type: "reclaimAnswered", answer, mayBeOlder, round });
    try {
      const claim = await this.#dependencies.chat.reclaim(this.#session.holder);
      if (claim.outcome === "revoked") this.#machine.put({ type: "close", why: "revoked" });
      if (!("at" in claim)) return answered({ outcome: "taken" });
      this.#session.holder.tenureMs = claim.tenureMs;
      this.#session.holder.formerMs = claim.formerMs;
      if (claim.role !== undefined) this.#session.holder.knows(claim.role, claim.at);
      answered({ outcome: "kept", at: claim.outcome === "held" ? undefined : claim.at });
    } catch (error) {
      // who holds the name is not known, and will not be: the other sessions of the node need not wait for that
      if (error instanceof Damaged) return answered({ outcome: "taken" });
      answered({ outcome: error instanceof Unavailable ? "unavailable" : "bug" });
      throw error;
    }
  }

  run(effect: ChatEffect): void {
    switch (effect.type) {
      case "claim":
        void this.#claim(effect).then((answer) =>
          this.#machine.put({ type: "claimAnswered", answer }),
        );
        return;
      case "contest":
        return void this.#contest(effect.name);
      case "release":
        return void this.#release();
      case "execute":
        return void this.#execute(effect.command);
      case "beginLogin":
        return void this.#logIn(effect.asked);
      case "resume":
        return void this.#resume(effect.cursors);
      case "readPage":
        return void this.#readPage(effect.conversation, effect.after);
      default:
        return effect satisfies never;
    }
  }

  async #claim({
    name,
    written,
    key,
    keep,
    shown,
    isAgain,
  }: Extract<Effect, { type: "claim" }>): Promise<ClaimAnswer> {
    const { chat, claimLimits, onClaiming } = this.#dependencies;
    const { holder, state } = this.#session;
    holder.claims(name); // also if there is no answer: the session then gives back what it may have got
    const { address } = holder.origin;
    let permit: Permit | undefined;
    try {
      const asked = { name, written, shown: shown ?? holder.origin.shown };
      const begin = (proof: Proof | undefined): SessionHolder => {
        holder.proof = proof;
        // with a key, a client that comes back can share the name with its previous session
        if (!isAgain) {
          holder.key = key ?? (state.traits.lingers ? newKey() : undefined);
          holder.keeps = key === undefined ? undefined : keep === false ? "return" : "name";
        }
        onClaiming(this.#session);
        return holder;
      };
      const entered = isAgain ? undefined : await claimLimits.enter({ name, key, address }, chat);
      if (typeof entered === "object") return entered;
      permit = entered;
      const proved = isAgain ? holder.proof : undefined;
      const claim = await chat.join(asked, begin, holder.origin, proved);
      permit?.(claim.outcome);
      if (claim.outcome === "refused") {
        return { outcome: claim.refusal, details: claim.details };
      }
      if (claim.outcome === "taken" || claim.outcome === "kept") {
        return { outcome: claim.outcome };
      }
      holder.tenureMs = claim.tenureMs;
      holder.formerMs = claim.formerMs;
      if (claim.role !== undefined) holder.knows(claim.role, claim.at);
      const outcome = claim.outcome === "held" ? "back" : claim.outcome;
      return { outcome, at: claim.at };
    } catch (error) {
      permit?.("failed");
      return { outcome: this.#failure(error, "claim") };
    }
  }

  async #contest(name: Name): Promise<void> {
    let mayBeFree = false;
    try {
      mayBeFree = await this.#dependencies.mayBeFree(name);
    } catch (error) {
      this.#failure(error, "contest");
    }
    this.#machine.put({ type: "contestDecided", mayBeFree });
  }

  async #release(): Promise<void> {
    const { chat, observe } = this.#dependencies;
    try {
      await chat.leave(this.#session.holder);
      this.#machine.put({ type: "releaseAnswered", isReleased: true });
    } catch (error) {
      observe.log.warn(
        { event: "early_sign_out_failed", err: error, session: this.#session.holder.id },
        "sign-out failed before the close",
      );
      this.#machine.put({ type: "releaseAnswered", isReleased: false });
    }
  }

  /** The machine gets the answers in the order in which it asked: a refusal does not overtake what is being stored. */
  async #execute(command: ChatCommand): Promise<void> {
    const own: UnderWay = { answer: undefined };
    const underWay = (this.#underWay ??= []);
    underWay.push(own);
    try {
      const { holder } = this.#session;
      const reply = await this.#dependencies.chat.execute(holder, command);
      if (reply.type === "refreshed") holder.proof = reply.proof;
      own.answer = { type: "answered", reply };
    } catch (error) {
      own.answer = { type: "failed", why: this.#failure(error, command.type) };
    }
    this.#putAnswers();
  }

  /** Puts an input into the machine behind the answers to all commands that are under way. */
  afterAnswers(input: Input): void {
    (this.#underWay ??= []).push({ answer: input });
    this.#putAnswers();
  }

  #putAnswers(): void {
    const underWay = this.#underWay ?? [];
    while (underWay[0]?.answer !== undefined) this.#machine.put(underWay.shift()!.answer!);
  }

  async #logIn(asked: LogIn): Promise<void> {
    try {
      const reply = await this.#dependencies.chat.logIn(asked, this.#session.holder.origin);
      this.#machine.put({ type: "answered", reply });
    } catch (error) {
      this.#machine.put({ type: "failed", why: this.#failure(error, asked.type) });
    }
  }

  async #resume(cursors: Cursors): Promise<void> {
    const isAwaited = (): boolean => takesAnswers(this.#session.state.transport);
    try {
      const { chat } = this.#dependencies;
      const conversations = await resume(chat, this.#session.holder, cursors, isAwaited);
      this.#machine.put({ type: "resumed", conversations });
    } catch (error) {
      // the rest of the hello is still carried out: requests may be waiting behind it
      if (!isAwaited()) return this.#machine.put({ type: "resumed", conversations: [] });
      this.#machine.put({ type: "failed", why: this.#failure(error, "resume") });
    }
  }

  async #readPage(conversation: Conversation, after: number): Promise<void> {
    try {
      const { chat } = this.#dependencies;
      const page = await pageAfter(chat, this.#session.holder, conversation, after);
      // the client comes back, and is told of the conversations that it may read
      if (page === undefined) throw new Error("what is resumed may not be read any more");
      this.#machine.put({ type: "pageRead", page });
    } catch (error) {
      this.#machine.put({ type: "failed", why: this.#failure(error, "resume") });
    }
  }

  /** An answer that did not come in time is expected; every other error is a bug. */
  #failure(error: unknown, request: string): Failure {
    const { log } = this.#dependencies.observe;
    const fields = { err: error, session: this.#session.holder.id, request };
    if (error instanceof Unavailable) {
      log.warn({ event: "store_unavailable", ...fields }, "store was unavailable");
      return "unavailable";
    }
    log.error({ event: "request_failed", ...fields }, "request failed");
    return "bug";
  }
}
