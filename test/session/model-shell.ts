/**
 * In place of a connection: carries out the effects of the state machine in a model, and notes each that breaks a
 * promise. What the chat is asked waits until the world answers it.
 */
import type { Notice } from "#tertulia/chat/events.js";
import { SessionMachine } from "#tertulia/gateway/session-machine.js";
import { SENDS, type Effect } from "#tertulia/session/effects.js";
import type { Input } from "#tertulia/session/inputs.js";
import { allowedFrame, isCorked, mustDrain, takesAnswers } from "#tertulia/session/questions.js";
import { isToAll, type Decoded, type Output, type Ref } from "#tertulia/session/requests.js";
import { newState, type SessionState } from "#tertulia/session/state.js";
import type { Timer } from "#tertulia/session/timers.js";
import type { SessionSettings, Traits } from "#tertulia/session/traits.js";

/** An effect that asks the chat for something. */
export type Question = Extract<
  Effect,
  {
    type:
      | "claim"
      | "contest"
      | "reclaim"
      | "release"
      | "execute"
      | "beginLogin"
      | "resume"
      | "readPage";
  }
>;
const QUESTIONS: ReadonlySet<Effect["type"]> = new Set<Question["type"]>([
  "claim",
  "contest",
  "reclaim",
  "release",
  "execute",
  "beginLogin",
  "resume",
  "readPage",
]);

/** What may come behind the end: the answer to a sign-out, one that is only logged, an upgrade that is too late. */
const LATE: ReadonlySet<Effect["type"]> = new Set(["left", "logAnswer", "terminate"]);

export interface Frame {
  readonly length: number;
  readonly seq: number | undefined;
}

/** A bug that a test has planted: no promise is broken by it. */
export class PlantedBug extends Error {}

export class ModelShell {
  readonly bugs: string[] = [];
  readonly broken: string[] = [];
  readonly story: string[] = [];
  /** Asked of the chat, and not answered yet. */
  readonly questions: Question[] = [];
  readonly timers = new Set<Timer>();
  /** Numbers of messages, as the client was told them. */
  readonly told: number[] = [];
  /** Numbers of messages that the feed has told this session since it began to claim its name. */
  heard: number[] = [];
  wire: "upgrading" | "open" | "closed" | "cut" = "upgrading";
  isUpgraded = false;
  ended = 0;
  #ending: SessionState["transport"]["ending"];
  readonly #machine: SessionMachine;
  readonly #check: (effect: Effect, shell: ModelShell) => void;
  readonly #requests: Decoded[] = [];
  readonly #unanswered: Ref[] = [];
  #atHand: Decoded | undefined;
  #refs = 0;
  #drained = 0;
  #corked: (Frame | "output")[] | undefined = [];

  /** @param check the world's own promises, looked at before an effect is carried out */
  constructor(
    traits: Traits,
    settings: SessionSettings,
    check: (effect: Effect, shell: ModelShell) => void,
  ) {
    this.#check = check;
    this.#machine = new SessionMachine(newState(traits, settings), {
      run: (effect) => this.#run(effect),
      next: (state) => this.#next(state),
      settled: () => {},
      broken: (error, { type }) => {
        if (error instanceof PlantedBug) this.bugs.push(`${type}: ${error.message}`);
        else this.broken.push(`${type}: ${String(error)}`);
      },
    });
  }

  get state(): SessionState {
    return this.#machine.state;
  }

  get isCorked(): boolean {
    return this.#corked !== undefined;
  }

  put(input: Input): void {
    this.story.push(input.type === "timer" ? `timer ${input.timer}` : input.type);
    this.#machine.put(input);
  }

  /** All that was asked is answered, once nothing is under way. */
  checkAnswers(): void {
    const { request, transport } = this.state;
    const isIdle = request.kind === "idle" || request.kind === "fresh";
    if (!isIdle || this.#requests.length > 0 || !takesAnswers(transport)) return;
    if (this.#unanswered.length > 0) this.broken.push(`not answered: ${this.#unanswered.join()}`);
  }

  /** What the state says of the cork is so, once all effects are carried out. */
  checkCork(): void {
    if (!takesAnswers(this.state.transport) || isCorked(this.state) === this.isCorked) return;
    this.broken.push(`corked: ${this.isCorked}, and the state says otherwise`);
  }

  /** The upgrade is answered, perhaps to a client that is gone. */
  upgrade(): void {
    this.isUpgraded = true;
    if (this.state.transport.kind !== "closed") this.wire = "open";
    this.put({ type: "upgraded" });
  }

  /** Each timer runs only in the states that wait for it; why a connection ends is said once. */
  checkState(): void {
    const { transport, service, request } = this.state;
    if (this.#ending !== undefined && transport.ending !== this.#ending) {
      this.broken.push("why it ends is said again");
    }
    this.#ending = transport.ending;
    const waits: Partial<Record<Timer, boolean>> = {
      settle: transport.kind === "settling",
      patience: service.kind === "finishing" || service.kind === "hurrying",
      doubt: request.kind === "waiting",
    };
    for (const timer of this.timers) {
      if (waits[timer] === false) this.broken.push(`${timer} runs, and nothing waits for it`);
    }
  }

  hear(notice: Notice, seq?: number): void {
    if (seq !== undefined) this.heard.push(seq);
    this.put({ type: "notice", notice, frame: { length: 20, seq } as Frame });
  }

  /** The client asks. */
  ask(request: Extract<Decoded, { kind: "request" }>["request"]): void {
    const ref = ++this.#refs;
    this.#requests.push({ kind: "request", request, ref });
    this.#unanswered.push(ref);
    this.#machine.look();
  }

  /** The connection is gone. */
  lose(): void {
    this.wire = "closed";
    this.put({ type: "socketClosed" });
  }

  #next(state: SessionState): Input | undefined {
    const which = allowedFrame(state);
    if (which === undefined || (which === "to-all" && !isForAll(this.#requests[0])))
      return undefined;
    this.#atHand = this.#requests.shift();
    if (this.#atHand !== undefined) return { type: "frame" };
    if (!mustDrain(state)) return undefined;
    if (this.#drained++ > 100) throw new Error("it is drained again and again");
    return { type: "drained" };
  }

  #run(effect: Effect): void {
    this.story.push(`  ${effect.type}`);
    this.#check(effect, this);
    if (this.ended > 0 && !LATE.has(effect.type)) {
      this.broken.push(`${effect.type} behind the end`);
    }
    if (SENDS[effect.type] && this.wire === "closed") {
      this.broken.push(`${effect.type} behind the close`);
    }
    if (isQuestion(effect)) {
      this.questions.push(effect);
      return;
    }
    switch (effect.type) {
      case "send":
        return this.#send(effect.output);
      case "sendAnswer":
        return this.#answered(this.#refAtHand);
      case "push":
        return this.#push(effect.frame as Frame);
      case "pushOutput":
        return this.#push("output");
      case "pushMissed":
        for (const { seq } of effect.messages) this.#push({ length: 20, seq });
        return this.put({ type: "pageTold" });
      case "cork":
        this.#corked ??= [];
        return;
      case "uncork": {
        const held = this.#corked ?? [];
        this.#corked = undefined;
        for (const each of held) this.#tell(each);
        return;
      }
      case "forgetCorked":
        if (this.#corked !== undefined) this.#corked = [];
        return;
      case "close":
      case "answerClose":
        if (this.wire !== "cut") this.wire = "closed";
        return;
      case "terminate":
        this.wire = "cut";
        return;
      case "decode":
        return this.put({ type: "decoded", decoded: this.#atHand! });
      case "refuseFrame":
        return this.#answered(this.#refAtHand);
      case "forgetRequests":
        this.#unanswered.splice(this.#unanswered.length - this.#requests.length);
        this.#requests.length = 0;
        return;
      case "startTimer":
        this.timers.add(effect.timer);
        return;
      case "stopTimer":
        this.timers.delete(effect.timer);
        return;
      case "unclaimed":
        this.heard = [];
        return;
      case "ended":
        this.ended++;
        return;
      case "follow":
        return this.#answered(effect.ref);
      default:
    }
  }

  get #refAtHand(): Ref {
    return this.#atHand?.kind === "request" ? this.#atHand.ref : undefined;
  }

  #send(output: Output): void {
    this.#mustBeOpen(output.type);
    if ("ref" in output) this.#answered(output.ref);
  }

  /** Each request is answered once, in their order. */
  #answered(ref: Ref): void {
    const due = this.#unanswered.shift();
    if (due !== ref) this.broken.push(`request ${ref} is answered, and ${due} is due`);
  }

  #push(what: Frame | "output"): void {
    if (this.#corked === undefined) this.#tell(what);
    else this.#corked.push(what);
  }

  #tell(what: Frame | "output"): void {
    this.#mustBeOpen("notice");
    if (this.wire === "cut") return;
    if (what !== "output" && what.seq !== undefined) this.told.push(what.seq);
  }

  #mustBeOpen(what: string): void {
    if (this.wire === "cut") return; // nothing is written any more
    if (this.wire !== "open") this.broken.push(`${what} is told while the wire is ${this.wire}`);
  }
}

function isQuestion(effect: Effect): effect is Question {
  return QUESTIONS.has(effect.type);
}

function isForAll(decoded: Decoded | undefined): boolean {
  if (decoded?.kind !== "request" || decoded.request.type !== "command") return false;
  return isToAll(decoded.request.command);
}
