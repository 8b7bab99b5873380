/** The intake of a connection: which of the frames that have come is carried out next, and when. */
import type { WebSocket } from "ws";
import type { Budget, Spender } from "../limits/budget.js";
import {
  FRAME_COST,
  REFUSAL_COST,
  SUPERSEDED_LIST_COST,
  costOf,
  costOfAnswer,
} from "../limits/costs.js";
import type { Input } from "../session/inputs.js";
import {
  allowedFrame,
  hasStruckOut,
  isClaimed,
  isHangingUp,
  mustDrain,
  nameOf,
} from "../session/questions.js";
import { privateMessageOf, type Decoded, type StatusCommand } from "../session/requests.js";
import type { SessionState } from "../session/state.js";
import { RequestQueue, type Waiting } from "./request-queue.js";
import type { SessionCodec } from "./session-codec.js";
import type { Taker, Turns } from "./turns.js";

export interface Taking {
  readonly state: SessionState;
  /** To be called when there may be a frame to take. */
  look(): void;
}

export class RequestIntake implements Taker {
  round = 0;
  taken = 0;
  readonly #session: Taking;
  readonly #codec: SessionCodec;
  readonly #turns: Turns;
  readonly #budget: Budget;
  readonly #queue: RequestQueue;
  #address: string | undefined;
  /** The frame that was taken, if it sets a status, and the one behind it does so again. */
  #superseded: Waiting | undefined;
  /** The frame that had to wait for tokens. */
  #late: Waiting | undefined;
  #pause: NodeJS.Timeout | undefined;

  constructor(session: Taking, codec: SessionCodec, turns: Turns, budget: Budget) {
    this.#session = session;
    this.#codec = codec;
    this.#turns = turns;
    this.#budget = budget;
    this.#queue = new RequestQueue();
  }

  /** @param address whom it is counted for, if for any: see `addressKey` */
  attach(webSocket: WebSocket, address: string | undefined): void {
    this.#address = address;
    this.#queue.attach(webSocket);
  }

  /** A frame has come, or the node makes a request for the client. */
  push(waiting: Waiting): void {
    if (hasStruckOut(this.#session.state)) return this.#queue.close();
    const length = this.#queue.push(waiting);
    // otherwise somebody looks when the one before it is taken; that one may be a status, which waits for the next one
    if (length === 1 || (length === 2 && this.#pause !== undefined)) this.#session.look();
  }

  look(): void {
    this.#session.look();
  }

  /** Takes the next frame, if it may be carried out now. If there will be a time for it, the session is told to look then. */
  next(state: SessionState): Input | undefined {
    const { first } = this.#queue;
    if (first === undefined) return mustDrain(state) ? { type: "drained" } : undefined;
    const allowed = allowedFrame(state);
    if (allowed === undefined) return undefined;
    if (allowed === "to-all" && !this.#codec.isToAll(first)) return undefined;
    const waitMs = this.#waitMs(state) || this.#messageWaitMs(first, state);
    if (waitMs > 0 && !this.#isRefused(first, state)) {
      this.#late = first;
      return this.#lookIn(waitMs);
    }
    const statusWaitMs = waitMs > 0 ? 0 : this.#statusWaitMs(first, state);
    const isSuperseded = statusWaitMs > 0 && this.#isStatusBehind(state);
    if (statusWaitMs > 0 && !isSuperseded) return this.#lookIn(statusWaitMs);
    if (!this.#turns.mayTake(this)) return undefined;
    const isForgiven = waitMs === 0 && this.#isDropped(first, state);
    const isRefused = waitMs > 0 || isForgiven;
    this.#late = undefined;
    this.#queue.shift();
    this.#codec.takeUp(first);
    this.#superseded = isSuperseded ? first : undefined;
    this.#spend(isRefused ? REFUSAL_COST : FRAME_COST);
    // what the refusal itself costs has to be waited for, too
    const tooFastMs = isRefused ? Math.max(waitMs, this.#waitMs(state)) : undefined;
    return { type: "frame", tooFastMs, isForgiven };
  }

  /** Decodes the frame that was taken. */
  read(isFirst: boolean): Decoded {
    const decoded = this.#codec.read(isFirst);
    this.#spend(costOf(decoded) - FRAME_COST);
    if (decoded.kind !== "request" || decoded.request.type !== "command") return decoded;
    const { command } = decoded.request;
    const message = privateMessageOf(command);
    if (message !== undefined) {
      this.#budget.spendMessage(this.#spender, message.to, message.bytes, performance.now());
    }
    if (command.type !== "status" || !isChange(command, this.#session.state)) return decoded;
    if (this.#superseded !== undefined) {
      return { ...decoded, request: { type: "superseded", command } };
    }
    this.#budget.spendStatus(this.#spender, performance.now());
    return decoded;
  }

  /** A request was answered with so many bytes. */
  answered(bytes: number): void {
    this.#spend(costOfAnswer(bytes));
  }

  /** Drops all that have come. */
  clear(): void {
    this.#queue.clear();
  }

  /** The session is over. */
  stop(): void {
    clearTimeout(this.#pause);
    this.#queue.clear();
  }

  /**
   * Whether a request that is too much is refused, not delayed. What could not be read anyway would wait for nothing. A
   * request that the node makes for the client is never refused: the client could not send it again.
   */
  #isRefused(first: Waiting, state: SessionState): boolean {
    if (!Buffer.isBuffer(first)) return false;
    if (state.traits.whenTooFast === "refuse") return true;
    return this.#codec.isWaste(first, state.request.kind === "fresh");
  }

  /**
   * Whether a question that has waited is refused now: in a long queue it is perhaps not worth its answer any more. Some
   * clients list at each notice, and how many there are is up to others. So that is no strike; and of the same lists,
   * one behind the other, one is answered, which serves all.
   */
  #isDropped(first: Waiting, state: SessionState): boolean {
    if (this.#late !== first || state.traits.whenTooFast === "refuse") return false;
    const isFirst = state.request.kind === "fresh";
    if (this.#codec.isList(first, isFirst)) {
      this.#spend(SUPERSEDED_LIST_COST * this.#queue.skipSame());
    }
    return this.#queue.isLong && this.#codec.isQuestion(first, isFirst);
  }

  /** In how many ms a private message may be sent to a user who has not answered; 0 for any other request. */
  #messageWaitMs(first: Waiting, state: SessionState): number {
    const spender = this.#spender;
    if (spender.user === undefined) return 0;
    const message = this.#codec.messageOf(first, state.request.kind === "fresh");
    if (message === undefined) return 0;
    return this.#budget.messageWaitMs(spender, message.to, message.bytes, performance.now());
  }

  /**
   * In how many ms a status may be set, of which everybody hears; 0 for any other request. Of those that wait, the latest
   * is set; those before it are only answered.
   */
  #statusWaitMs(first: Waiting, state: SessionState): number {
    const waitMs = this.#budget.statusWaitMs(this.#spender, performance.now());
    return waitMs > 0 && this.#isStatus(first, state.request.kind === "fresh") ? waitMs : 0;
  }

  /** A client that hangs up sets no other status: it is signed out next, and everybody hears of that. */
  #isStatusBehind(state: SessionState): boolean {
    const { second } = this.#queue;
    return (second !== undefined && this.#isStatus(second, false)) || mustHurry(state);
  }

  #isStatus(waiting: Waiting, isFirst: boolean): boolean {
    const command = this.#codec.statusOf(waiting, isFirst);
    return command !== undefined && isChange(command, this.#session.state);
  }

  #lookIn(waitMs: number): undefined {
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      this.look();
    }, waitMs).unref();
  }

  /**
   * What a client sent before it hung up is all that will come, and has little time. It does not wait for tokens of its
   * own; for those of its address it does, or connections that close at once would have no limit.
   */
  #waitMs(state: SessionState): number {
    const nowMs = performance.now();
    if (mustHurry(state)) return this.#budget.waitMsOfAddress(this.#spender, nowMs);
    return this.#budget.waitMs(this.#spender, nowMs);
  }

  #spend(cost: number): void {
    this.#budget.spend(this.#spender, cost, performance.now());
  }

  get #spender(): Spender {
    const { state } = this.#session;
    return { user: isClaimed(state) ? nameOf(state) : undefined, address: this.#address };
  }
}

/** Whether requests are carried out that were sent before the client hung up. In JSON they are refused, and it is told. */
function mustHurry(state: SessionState): boolean {
  return isHangingUp(state) && state.traits.whenTooFast === "wait";
}

/** Whether it sets the client's own status, and leaves it connected. */
function isChange({ name, status }: StatusCommand, state: SessionState): boolean {
  const own = nameOf(state);
  return status !== "disconnected" && own !== undefined && (name ?? own) === own;
}
