/**
 * A world of two sessions that want one name, a store that knows who has it, and a feed. It does what it is told by a
 * list of numbers, so that a story that breaks a promise can be made shorter.
 */
import type { Notice } from "#tertulia/chat/events.js";
import type { Effect } from "#tertulia/session/effects.js";
import type { Input } from "#tertulia/session/inputs.js";
import { isToAll } from "#tertulia/session/requests.js";
import type { SessionSettings, Traits } from "#tertulia/session/traits.js";
import { ana, bob, message } from "./cell-samples.js";
import { ModelShell } from "./model-shell.js";
import { ModelStore } from "./model-store.js";

const general = { kind: "general" } as const;
const atBob = { kind: "direct", user: bob } as const;
const REQUESTS = [
  { type: "command", command: { type: "send", to: general, text: new Uint8Array(3) } },
  { type: "command", command: { type: "send", to: general, text: new Uint8Array(3) } },
  { type: "command", command: { type: "send", to: atBob, text: new Uint8Array(3) } },
  { type: "command", command: { type: "list" } },
  { type: "command", command: { type: "status", status: "busy" } },
  { type: "command", command: { type: "status", status: "disconnected" } },
  { type: "register", name: ana },
  { type: "hello", name: ana, cursors: { "~": ["1", 0] } },
  { type: "hello", name: ana, cursors: {}, status: "busy" },
  { type: "log-in", asked: { type: "log_in", name: ana, password: new Uint8Array(8) } },
  { type: "bye" },
  { type: "ping" },
] as const;
/** What happens next, each as often as it stands here. */
const ACTS = [
  ...(["answer", "answer", "answer", "answer", "answer", "answer", "answer", "answer"] as const),
  ...(["request", "request", "request", "request", "feed", "feed", "feed", "status"] as const),
  ...([
    "timer",
    "timer",
    "doubt",
    "reclaim",
    "reclaim",
    "begin",
    "begin",
    "world",
    "world",
  ] as const),
] as const;
/** What bytes have no word for, and JSON not. */
const ONLY_JSON: ReadonlySet<string> = new Set(["hello", "log-in", "bye", "ping"]);

export class ModelWorld {
  readonly shells: readonly ModelShell[];
  readonly store = new ModelStore();
  readonly #tape: Iterator<number>;
  /** Whose clients have sent a close frame. */
  readonly #hasClosed = new Set<ModelShell>();
  readonly #saidGoodbye = new Set<ModelShell>();
  /** Who was told that events were missed. */
  readonly #missed = new Set<ModelShell>();
  #fed = 0;

  /** @param run looked at before an effect is carried out: throws where a bug is planted */
  constructor(
    traits: readonly Traits[],
    settings: SessionSettings,
    tape: Iterable<number>,
    run: (effect: Effect) => void = () => {},
  ) {
    this.#tape = tape[Symbol.iterator]();
    const check = (effect: Effect, shell: ModelShell): void => {
      run(effect);
      this.#check(effect, shell);
    };
    this.shells = traits.map((each) => new ModelShell(each, settings, check));
  }

  /** All promises that were broken, with whose they are. */
  get broken(): string[] {
    return this.shells.flatMap(({ broken }, i) => broken.map((each) => `session ${i}: ${each}`));
  }

  /** Lets things happen until the list ends; then all come to their end. */
  run(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#step(next);
      for (const shell of this.shells) this.#quiet(shell);
    }
    for (const shell of this.shells) {
      shell.lose();
      while (this.#answer(shell, 0) || this.#due(shell, 0));
      if (shell.ended !== 1) shell.broken.push(`it was over ${shell.ended} times`);
      if (this.store.owner === shell) this.store.owner = undefined; // by the gateway's sign-out queue
    }
  }

  #next(): number | undefined {
    const { done, value } = this.#tape.next();
    return done === true ? undefined : value;
  }

  #step(number: number): void {
    const shell = this.shells[number % this.shells.length]!;
    const rest = Math.floor(number / 64);
    const act = ACTS[Math.floor(number / 2) % ACTS.length]!;
    switch (act) {
      case "answer":
        return void this.#answer(shell, rest);
      case "request":
        return this.#request(shell, rest);
      case "feed":
        return this.#feed();
      case "status":
        return this.#status(rest);
      case "timer":
        return void this.#due(shell, rest);
      case "doubt":
        return this.#doubt(rest);
      case "reclaim":
        return this.#reclaim(shell, rest);
      case "begin":
        return this.#begin(shell);
      case "world":
        return this.#world(shell, rest);
      default:
        return act satisfies never;
    }
  }

  /** A client connects: its name is claimed before the upgrade is answered, or by its first request. */
  #begin(shell: ModelShell): void {
    const { state } = shell;
    if (shell.isUpgraded) return;
    const { nameInRequest } = state.traits;
    if (nameInRequest === "required" && state.name.kind === "none") {
      if (state.request.kind === "fresh" && shell.story.length === 0) {
        shell.put({ type: "claim", name: ana, claimant: { type: "handshake" } });
      }
      return;
    }
    if (state.request.kind === "claiming") return;
    shell.upgrade();
  }

  #request(shell: ModelShell, rest: number): void {
    if (shell.wire !== "open" || shell.state.transport.kind === "peer-closing") return;
    const { traits } = shell.state;
    const asked = REQUESTS[rest % REQUESTS.length]!;
    const isBytes = !traits.catchesUp;
    if (isBytes === ONLY_JSON.has(asked.type)) return;
    if (!isBytes && asked.type === "register") return;
    shell.ask(asked);
  }

  #answer(shell: ModelShell, rest: number): boolean {
    const { questions } = shell;
    const any = questions[rest % Math.max(1, questions.length)];
    if (any === undefined) return false;
    // the connection sees to it that commands are answered in their order
    const isCommand = any.type === "execute";
    const question = isCommand ? questions.find(({ type }) => type === "execute")! : any;
    questions.splice(questions.indexOf(question), 1);
    shell.put(this.store.answerTo(question, shell, Math.floor(rest / 8)));
    return true;
  }

  /** A message is written, or told to all that are in the hub. */
  #feed(): void {
    if (this.#fed === this.store.head) this.store.head++;
    else {
      const seq = ++this.#fed;
      const notice: Notice = { type: "message", at: this.store.nextAt(), message: message(seq) };
      for (const shell of this.shells) if (isInHub(shell)) shell.hear(notice, seq);
    }
  }

  /** Everybody is told what became of the name; or, seldom, that events were missed. */
  #status(rest: number): void {
    const at = this.store.nextAt();
    const status = rest % 3 === 0 ? "disconnected" : "inactive";
    const own = { type: "presence", at, user: { name: ana, status }, cause: "left" } as const;
    const hasMissed = rest % 2 === 0;
    const gap = { type: "gap", bucket: 0, after: at, reason: "trimmed", hasMissed } as const;
    const notice = rest % 17 === 16 ? gap : own;
    for (const shell of this.shells.filter(isInHub)) {
      shell.hear(notice);
      if (notice === gap && hasMissed) this.#missed.add(shell);
    }
  }

  #due(shell: ModelShell, rest: number): boolean {
    const timers = [...shell.timers];
    const timer = timers[rest % Math.max(1, timers.length)];
    if (timer === undefined) return false;
    shell.timers.delete(timer);
    shell.put({ type: "timer", timer });
    return true;
  }

  /** The lease of the node has ended: the name may be given to somebody else from here on, or is. */
  #doubt(rest: number): void {
    if (this.store.suspended.size === 0) {
      for (const shell of this.shells) {
        shell.put({ type: "suspend" });
        this.store.suspended.add(shell);
      }
    } else if (
      this.store.owner instanceof ModelShell &&
      this.store.suspended.has(this.store.owner)
    ) {
      this.store.owner = rest % 2 === 0 ? "somebody else" : undefined;
    }
  }

  #reclaim(shell: ModelShell, rest: number): void {
    shell.put({ type: "suspend" });
    this.store.suspended.add(shell);
    shell.put({ type: "reclaim", mayBeOlder: rest % 2 === 0 });
  }

  #world(shell: ModelShell, rest: number): void {
    const acts: readonly Input[] = [
      { type: "leave" },
      { type: "goAway", inMs: 10 },
      { type: "nudge" },
      { type: "close", why: "restarting" },
      { type: "close", why: "revoked" },
      { type: "slow" },
      { type: "abandon" },
      { type: "cut", why: "silent" },
    ];
    // of the connection, once it is made
    const ofClient: readonly Input[] = [
      { type: "closeReceived", code: 1000 },
      { type: "closeReceived", code: 1001 },
      { type: "socketFailed", why: "reset" },
    ];
    const canClose = shell.wire === "open" || shell.wire === "closed";
    const all = canClose && shell.state.transport.kind !== "closed" ? [...acts, ...ofClient] : acts;
    if (rest % 23 === 22) return shell.lose();
    if (rest % 13 === 12) return shell.put({ type: "broken" });
    const input = all[rest % all.length]!;
    if (input.type === "closeReceived") {
      if (this.#hasClosed.has(shell)) return;
      this.#hasClosed.add(shell);
      if (input.code === 1000) this.#saidGoodbye.add(shell);
    }
    shell.put(input);
  }

  /** What no effect may do to others. */
  #check(effect: Effect, shell: ModelShell): void {
    const { type } = effect;
    const isAct = effect.type === "execute" && effect.command.type !== "lookup";
    if (isAct && this.store.owner !== shell) {
      shell.broken.push("something is done in a name that somebody else may have");
    }
    const isUnderWay = shell.questions.some((each) => each.type === type);
    const isBehind = shell.state.request.kind === "storing" && isAct && isToAll(effect.command);
    if (isUnderWay && !isBehind && type !== "contest" && type !== "reclaim") {
      shell.broken.push(`${type}, while one is under way`);
    }
  }

  /** Each message once and in order; all of them, when nothing is under way and nothing held back. */
  #quiet(shell: ModelShell): void {
    const { told, heard, state, questions } = shell;
    shell.checkCork();
    shell.checkAnswers();
    shell.checkState();
    const isSevered = this.#missed.has(shell) && state.traits.afterHole === "evict";
    if (isSevered && state.delivery.kind !== "severed") shell.broken.push("a hole is forgotten");
    if (this.#saidGoodbye.has(shell) && state.comeback.kind !== "none") {
      shell.broken.push("who has said goodbye may come back");
    }
    if (!state.traits.catchesUp && told[0] !== undefined && told[0] !== heard[0]) {
      shell.broken.push(`told ${told[0]}, which was heard under a name that was not had`);
    }
    const wrong = told.findIndex((seq, i) => i > 0 && seq !== told[i - 1]! + 1);
    if (wrong !== -1) shell.broken.push(`told ${told[wrong]} behind ${told[wrong - 1]}`);
    const isIdle = questions.length === 0 && shell.wire === "open" && !shell.isCorked;
    if (!isIdle || state.name.kind !== "held" || state.delivery.kind !== "flowing") return;
    if (state.transport.kind !== "open" || heard.length === 0) return;
    // what is read of a conversation may be ahead of the feed
    if ((told.at(-1) ?? 0) < heard.at(-1)!) {
      shell.broken.push(`told ${told.at(-1)}, and heard ${heard.at(-1)}`);
    }
  }
}

/** From its claim on, until it has given the name back: what is told to everybody, until it is over. */
function isInHub({ state }: ModelShell): boolean {
  const { kind } = state.name;
  return kind !== "none" && kind !== "contesting" && state.service.kind !== "over";
}
