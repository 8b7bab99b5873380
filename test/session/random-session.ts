/** A session in a world of its own that does what it may, at random: the chat answers when it likes, timers run late. */
import type { Message } from "#tertulia/chat/events.js";
import { type Input } from "#tertulia/session/inputs.js";
import { allowedFrame, mustDrain } from "#tertulia/session/questions.js";
import type { Decoded } from "#tertulia/session/requests.js";
import { newState, type SessionState } from "#tertulia/session/state.js";
import { transition } from "#tertulia/session/transition.js";
import type { Effect } from "#tertulia/session/effects.js";
import type { SessionSettings, Traits } from "#tertulia/session/traits.js";
import { ana, message, send } from "./cell-samples.js";
import { INPUTS } from "./input-samples.js";
import { TIMERS_MS, type Timer } from "#tertulia/session/timers.js";

const TO_ALL = { kind: "request", request: { type: "command", command: send } } as const;
const IGNORED: Decoded = { kind: "ignored", why: "unknown_op" };

/** What the session waits for, and how it may be answered. */
interface Pending {
  readonly effect: Effect["type"];
  readonly answers: readonly Input[];
}

export interface Turn {
  readonly input: Input;
  readonly before: SessionState;
  readonly after: SessionState;
  readonly effects: readonly Effect[];
}

export class RandomSession {
  state: SessionState;
  readonly turns: Turn[] = [];
  /** Numbers of messages of the general chat that the client was told, in the order of output. */
  readonly told: number[] = [];
  /** After which number it is told all that follows. */
  from = 0;
  #pending: Pending[] = [];
  readonly #timers = new Set<Timer>();
  readonly #random: () => number;
  /** Each frame has another ref. */
  #refs = 0;
  #head = 0;
  /** Up to which message the feed has told. */
  #fed = 0;
  #socket: "upgrading" | "open" | "closing" | "closed" = "upgrading";

  constructor(traits: Traits, settings: SessionSettings, random: () => number) {
    this.#random = random;
    this.state = newState(traits, settings);
    if (traits.nameInRequest !== "introduced" && random() < 0.7) this.#put(INPUTS.claim[0]!);
  }

  /** Whether the client was told all that there is. */
  get isCurrent(): boolean {
    const { delivery, transport, name } = this.state;
    const isOpen = transport.kind === "open" && name.kind === "held";
    return isOpen && delivery.kind === "flowing" && this.#fed === this.#head;
  }

  step(): void {
    const choice = this.#random();
    if (choice < 0.35 && this.#answer()) return;
    if (choice < 0.65 && this.#request()) return;
    if (choice < 0.8) return this.#message();
    this.#world();
  }

  /** The client only waits: all that is asked is answered, and all timers run out. */
  settle(): void {
    for (let acts = 0; this.#answer() || this.#drain() || this.#due(); acts++) {
      if (acts > 1_000) throw new Error("there is no end of what it waits for");
    }
  }

  /** The client hangs up, and all that is asked is answered. */
  end(): void {
    this.#socket = "closed";
    this.#put({ type: "socketClosed" });
    this.settle();
  }

  #due(): boolean {
    const [timer] = this.#timers;
    if (timer === undefined) return false;
    this.#timers.delete(timer);
    this.#put({ type: "timer", timer });
    return true;
  }

  /** All messages are told by the feed. */
  feed(): void {
    while (this.#fed < this.#head) this.#message();
  }

  #answer(): boolean {
    const any = this.#pending[Math.floor(this.#random() * this.#pending.length)];
    if (any === undefined) return false;
    // the connection sees to it that commands are answered in their order
    const isCommand = any.effect === "execute";
    const pending = isCommand ? this.#pending.find(({ effect }) => effect === "execute")! : any;
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    if (pending.effect !== "readPage") this.#put(this.#pick(pending.answers));
    else if (this.#random() < 0.9) this.#put(pending.answers[0]!);
    else this.#put({ type: "failed", why: "unavailable" });
    return true;
  }

  #request(): boolean {
    const isThere = this.#socket === "open" || this.#random() < 0.2;
    if (this.#socket === "upgrading" || !isThere) return false;
    if (allowedFrame(this.state) === undefined) return false;
    this.#put(this.#pick(INPUTS.frame));
    return true;
  }

  #drain(): boolean {
    if (!mustDrain(this.state)) return false;
    this.#put({ type: "drained" });
    return true;
  }

  #message(): void {
    if (this.#fed === this.#head || this.#random() < 0.3) this.#head++;
    if (this.#random() < 0.3) return; // the feed is late
    const at = { generation: 1, offset: 10 + ++this.#fed };
    const frame = { length: 20, seq: this.#fed };
    if (!this.#isInHub) return;
    this.#put({
      type: "notice",
      notice: { type: "message", at, message: message(this.#fed) },
      frame,
    });
  }

  get #isInHub(): boolean {
    const { kind } = this.state.name;
    return kind !== "none" && kind !== "contesting" && this.state.service.kind !== "over";
  }

  #world(): void {
    const timers = [...this.#timers].map((timer): Input => ({ type: "timer", timer }));
    const fitting: Input[] = [...timers, ...INPUTS.leave, ...INPUTS.nudge, ...INPUTS.suspend];
    fitting.push({ type: "reclaim", mayBeOlder: this.#random() < 0.5 });
    if (mustDrain(this.state)) fitting.push({ type: "drained" }, { type: "drained" });
    if (this.#socket === "upgrading") fitting.push({ type: "upgraded" }, { type: "upgraded" });
    if (this.#isInHub) fitting.push(...INPUTS.notice.slice(3, 9));
    if (this.#random() < 0.1) {
      fitting.push(...INPUTS.abandon, ...INPUTS.close, ...INPUTS.cut, ...INPUTS.slow);
      fitting.push(...INPUTS.goAway, ...INPUTS.socketClosed);
      if (this.#random() < 0.1) fitting.push(...INPUTS.broken);
      if (this.#isInHub) fitting.push(...INPUTS.notice.slice(9));
      if (this.#socket === "open") fitting.push(...INPUTS.closeReceived, ...INPUTS.socketFailed);
    }
    const input = this.#pick(fitting);
    if (input.type === "timer") this.#timers.delete(input.timer);
    if (input.type === "upgraded") this.#socket = "open";
    if (input.type === "closeReceived") this.#socket = "closing";
    if (input.type === "socketClosed") this.#socket = "closed";
    this.#put(input);
  }

  #put(input: Input): void {
    const before = this.state;
    const { state, effects } = transition(before, input);
    this.state = state;
    this.turns.push({ input, before, after: state, effects });
    for (const effect of effects) this.#run(effect);
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case "decode":
        return this.#put({ type: "decoded", decoded: this.#decoded() });
      case "startTimer":
        if (TIMERS_MS[effect.timer] > 0) this.#timers.add(effect.timer);
        return;
      case "stopTimer":
        return void this.#timers.delete(effect.timer);
      case "claim":
        // a bad name is refused at once
        return this.#asks(
          effect,
          INPUTS.claimAnswered.filter(({ answer }) => answer.outcome !== "bad_name"),
        );
      case "contest":
        return this.#asks(effect, INPUTS.contestDecided);
      case "reclaim": {
        const { mayBeOlder, round } = effect;
        return this.#asks(
          effect,
          INPUTS.reclaimAnswered.map((each) => ({ ...each, mayBeOlder, round })),
        );
      }
      case "release":
        return this.#asks(effect, INPUTS.releaseAnswered);
      case "execute":
      case "beginLogin":
        return this.#asks(effect, [...INPUTS.answered, ...INPUTS.answered, ...INPUTS.failed]);
      case "resume": {
        this.from = Math.max(0, this.#head - 3);
        const conversation = { kind: "general" } as const;
        const state = { conversation, epoch: 1, head: this.#head, floor: 1, time: 1, read: 0 };
        const resumed = { state, after: this.from, gaps: [] };
        return this.#asks(effect, [{ type: "resumed", conversations: [resumed] }]);
      }
      case "readPage":
        return this.#asks(effect, [{ type: "pageRead", page: this.#page(effect.after) }]);
      case "pushMissed":
        this.told.push(...effect.messages.map(({ seq }) => seq));
        return this.#asks(effect, [{ type: "pageTold" }]);
      case "push": {
        const { seq } = effect.frame as { readonly seq?: number };
        if (seq !== undefined) this.told.push(seq);
        return;
      }
      default:
    }
  }

  /** Two at a time. */
  #page(after: number): Extract<Input, { type: "pageRead" }>["page"] {
    const messages: Message[] = [];
    for (let seq = after + 1; seq <= Math.min(after + 2, this.#head); seq++) {
      messages.push(message(seq));
    }
    const extent = { epoch: 1, head: this.#head, floor: 1, time: 1 };
    return { ...extent, messages, more: false, epochThere: 1, hasEpoch: true };
  }

  #decoded(): Decoded {
    const isFirst = this.state.name.kind === "none" && this.#random() < 0.7;
    const ref = ++this.#refs;
    if (this.state.request.kind === "storing") return { ...TO_ALL, ref };
    if (!isFirst) {
      const { decoded } = this.#pick(INPUTS.decoded);
      const isHello = decoded.kind === "request" && decoded.request.type === "hello";
      if (isHello && !this.state.traits.catchesUp) return IGNORED;
      return "ref" in decoded ? { ...decoded, ref } : decoded;
    }
    const request = this.state.traits.catchesUp
      ? ({ type: "hello", name: ana, cursors: {} } as const)
      : ({ type: "register", name: ana } as const);
    return { kind: "request", request, ref };
  }

  #asks(effect: Effect, answers: readonly Input[]): void {
    this.#pending.push({ effect: effect.type, answers });
  }

  #pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}
