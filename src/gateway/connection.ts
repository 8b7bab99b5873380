/** A connection: feeds what happens on it into the state machine of its session, and carries out the effects. */
import type { Socket } from "node:net";
import { addressKey } from "../limits/address-key.js";
import { Budget } from "../limits/budget.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import { hearsAll, routeOf } from "../session/delivery.js";
import type { Claimed, Effect } from "../session/effects.js";
import type { Input } from "../session/inputs.js";
import { isClaimed, isFinished, isOver, nameOf } from "../session/questions.js";
import { newState, type SessionState } from "../session/state.js";
import { CLOSE, closeReason } from "../wire/close-codes.js";
import type { Dialect } from "../wire/dialect.js";
import type { AnsweringSocket, WebSocketOwner } from "./answering-socket.js";
import type { Broadcast } from "./broadcast.js";
import { isPrivate } from "./client-address.js";
import { loggedEnding } from "./event-log.js";
import { logBroken, logEffect, logFailed, logSlow } from "./log-effects.js";
import type { Frame } from "./frame.js";
import { Keepalive } from "./keepalive.js";
import { RequestIntake } from "./request-intake.js";
import { SendQueue, type Slowness } from "./send-queue.js";
import { SessionChat } from "./session-chat.js";
import { SessionCodec } from "./session-codec.js";
import { SessionHolder } from "./session-holder.js";
import { SessionMachine, type MachineOwner } from "./session-machine.js";
import { SessionOutput } from "./session-output.js";
import { SessionTimers } from "./session-timers.js";
import type { Session, SessionDependencies } from "./session.js";
import { addressOf } from "./tcp-acceptor.js";
import type { CloseReason } from "../session/endings.js";

const nothing = (): void => {};
const DONE = Promise.resolve();

/** Its parts get the connection itself, not a closure each: connections are many. */
export class Connection implements Session, MachineOwner, WebSocketOwner {
  readonly holder = new SessionHolder(this);
  readonly #dependencies: SessionDependencies;
  readonly #machine: SessionMachine;
  readonly #chat: SessionChat;
  readonly #codec: SessionCodec;
  readonly #intake: RequestIntake;
  readonly #sendQueue: SendQueue;
  readonly #output: SessionOutput;
  readonly #timers: SessionTimers;
  readonly #keepalive: Keepalive;
  #webSocket: AnsweringSocket | undefined;
  #address: string | undefined;
  #onClaimed: (claimed: Claimed) => void = nothing;
  #reclaiming = DONE;
  #answerClose: () => void = nothing;

  constructor(dialect: Dialect, dependencies: SessionDependencies) {
    const { limits, replyWindow, settings, nowMs, observe, turns } = dependencies;
    this.#dependencies = dependencies;
    this.#machine = new SessionMachine(newState(dialect.traits, settings), this);
    this.#chat = new SessionChat(this, dependencies, this.#machine);
    this.#codec = new SessionCodec(dialect, observe.counters);
    const budget = new Budget(dependencies.requestLimits, performance.now());
    this.#intake = new RequestIntake(this.#machine, this.#codec, turns, budget);
    this.#sendQueue = new SendQueue(limits, replyWindow, this);
    this.#output = new SessionOutput(this, this.#codec, this.#intake, this.#sendQueue, nowMs);
    this.#timers = new SessionTimers(this.#machine);
    this.#keepalive = new Keepalive(this.#machine);
  }

  get state(): SessionState {
    return this.#machine.state;
  }

  get dialect(): Dialect {
    return this.#codec.dialect;
  }

  claim(name: Name): Promise<Claimed> {
    const claimed = new Promise<Claimed>((resolve) => (this.#onClaimed = resolve));
    this.#machine.put({ type: "claim", name, claimant: { type: "handshake" } });
    return claimed;
  }

  introduce(name: Name): void {
    this.#intake.push(this.dialect.requestName(name));
  }

  attach(webSocket: AnsweringSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#address = addressOf(socket);
    webSocket.serve(socket, this);
    this.#keepalive.attach(webSocket, socket);
    this.#sendQueue.attach(webSocket, socket);
    const isCounted = this.#dependencies.requestLimits.isForPrivate || !isPrivate(this.#address);
    this.#intake.attach(webSocket, isCounted ? addressKey(this.#address) : undefined);
    this.#machine.put({ type: "upgraded" });
  }

  heard(frame: Buffer | undefined): void {
    this.#keepalive.heard();
    if (frame !== undefined) this.#intake.push(frame);
  }

  closeReceived(code: number): Promise<void> {
    const answered = new Promise<void>((resolve) => (this.#answerClose = resolve));
    this.#machine.put({ type: "closeReceived", code });
    return answered;
  }

  failed(error: Error): void {
    logFailed(this.#dependencies.observe, this, error);
    this.#machine.put({ type: "socketFailed", why: error.message });
  }

  closed(code: number): void {
    this.#machine.put({ type: "socketClosed", code });
  }

  hear(notice: Notice, frame: Frame | undefined): boolean {
    const route = routeOf(this.state, notice);
    if (route === "drop") return false;
    if (route === "transition") {
      const [{ delivery }, pushed] = [this.state, this.#output.pushed];
      this.#machine.put({ type: "notice", notice, frame });
      const isEarly = delivery.kind === "catching-up" && delivery !== this.state.delivery;
      return isEarly || pushed !== this.#output.pushed;
    }
    if (frame === undefined) return false;
    this.#sendQueue.push(frame);
    return true;
  }

  share(broadcast: Broadcast): boolean {
    if (!hearsAll(this.state)) return false;
    this.#sendQueue.share(broadcast);
    return true;
  }

  unshare(): void {
    if (this.#sendQueue.broadcast === undefined) return;
    this.#sendQueue.unshare();
    this.#dependencies.onUnshared(this);
  }

  suspend(): void {
    this.#machine.put({ type: "suspend" });
  }

  reclaim(mayBeOlder: boolean): Promise<void> {
    this.#reclaiming = DONE;
    this.#machine.put({ type: "reclaim", mayBeOlder });
    return this.#reclaiming;
  }

  isThere(): Promise<boolean> {
    const { pinged } = this.state.traits;
    // one known client quits on any ping
    const mayPing = pinged === "always" || this.#webSocket?.protocol !== "";
    if (mayPing) return this.#keepalive.answers();
    return this.#keepalive.survives(() => this.#machine.put({ type: "nudge" }));
  }

  checkPace(nowMs: number): void {
    this.#sendQueue.checkPace(nowMs);
    if (this.state.traits.pinged === "always") this.#keepalive.check(nowMs);
  }

  close(why: CloseReason, detail?: string): void {
    this.#machine.put({ type: "close", why, detail });
  }

  expel(why: CloseReason): void {
    this.#chat.afterAnswers({ type: "abandon" });
    this.#chat.afterAnswers({ type: "close", why });
  }

  end(): Promise<void> {
    this.#machine.put({ type: "socketClosed" });
    return this.#machine.until(isOver);
  }

  leave(): Promise<void> {
    this.#machine.put({ type: "leave" });
    return this.#machine.until(isFinished);
  }

  goAway(inMs: number): boolean {
    this.#machine.put({ type: "goAway", inMs });
    return this.state.traits.isToldOfDrain && isClaimed(this.state);
  }

  abandon(): void {
    this.#machine.put({ type: "abandon" });
  }

  next(state: SessionState): Input | undefined {
    return this.#intake.next(state);
  }

  run(effect: Effect): void {
    const { events, presence } = this.#dependencies;
    switch (effect.type) {
      case "send":
      case "sendAnswer":
      case "refuseFrame":
      case "push":
      case "pushOutput":
      case "cork":
      case "uncork":
      case "forgetCorked":
        return this.#output.run(effect);
      case "pushMissed":
        return void this.#output.pushMissed(effect.messages).then(
          () => this.#machine.put({ type: "pageTold" }),
          (error: unknown) => this.#machine.break(error, { type: "pageTold" }),
        );
      case "close": {
        this.#sendQueue.flush(); // frames that were sent before the close come before it
        const { code, reason } = CLOSE[effect.why];
        return this.#webSocket?.close(code, closeReason(effect.detail ?? reason));
      }
      case "answerClose":
        this.#sendQueue.flush();
        return this.#answerClose();
      case "terminate":
        return this.#webSocket?.terminate();
      case "decode":
        return this.#machine.put({ type: "decoded", decoded: this.#intake.read(effect.isFirst) });
      case "forgetRequests":
        return this.#intake.clear();
      case "startTimer":
        return this.#timers.start(effect.timer);
      case "stopTimer":
        return this.#timers.stop(effect.timer);
      case "claimed":
        this.#onClaimed(effect);
        this.#onClaimed = nothing;
        return;
      case "reclaim":
        this.#reclaiming = this.#chat.reclaim(effect);
        this.#reclaiming.catch(() => {}); // the caller of reclaim() gets the error
        return;
      case "claim":
      case "contest":
      case "release":
      case "execute":
      case "beginLogin":
      case "resume":
      case "readPage":
        return this.#chat.run(effect);
      case "unclaimed":
        this.#dependencies.onUnclaimed(this, effect.isUnsure);
        if (effect.isUnsure) this.holder.renew();
        return;
      case "left":
        return this.#dependencies.onLeft(this);
      case "ended":
        this.#intake.stop();
        this.#sendQueue.end();
        return this.#dependencies.onEnded(this, loggedEnding(effect.ending));
      case "follow": {
        presence.unfollow(this);
        const snapshot = presence.follow(this, new Set(effect.watch), nameOf(this.state));
        return this.#output.send({ type: "following", ref: effect.ref, snapshot });
      }
      case "unfollow":
        return presence.unfollow(this);
      case "active":
        return this.#dependencies.onActive(this, effect.kind);
      case "statusChosen":
        return this.#dependencies.onStatus(this);
      case "countRefused":
        return this.#codec.countRefused();
      case "logConnected":
      case "logStatus":
      case "logIgnored":
      case "logResumed":
      case "logAnswer":
      case "logLost":
        return logEffect(effect, this, events, { address: this.#address, op: this.#codec.op });
      default:
        return effect satisfies never;
    }
  }

  /** A session that no longer gets every notice for everybody, or in another dialect, leaves the broadcast. */
  settled(): void {
    const { broadcast } = this.#sendQueue;
    if (broadcast === undefined) return;
    if (broadcast.dialect !== this.dialect || !hearsAll(this.state)) this.unshare();
  }

  broken(error: unknown, { type }: Input): void {
    logBroken(this.#dependencies.observe, this, error, type);
  }

  slow(why: Slowness): void {
    logSlow(this.#dependencies.observe, this, why);
    this.#machine.put({ type: "slow" });
  }
}
