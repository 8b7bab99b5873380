/** The intake of a connection: which of the frames that have come is carried out next, and when. */
import type { WebSocket } from "ws";
import type { Budget, Spender } from "../limits/budget.js";
import { FRAME_COST, REFUSAL_COST, costOf, costOfAnswer } from "../limits/costs.js";
import type { Input } from "../session/inputs.js";
import { allowedFrame, hasStruckOut, isClaimed, mustDrain, nameOf } from "../session/questions.js";
import type { Decoded, StatusCommand } from "../session/requests.js";
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
  #address = "";
  /** The frame that was taken, if it sets a status, and the one behind it does so again. */
  #superseded: Waiting | undefined;
  #pause: NodeJS.Timeout | undefined;

  constructor(session: Taking, codec: SessionCodec, turns: Turns, budget: Budget) {
    this.#session = session;
    this.#codec = codec;
    this.#turns = turns;
    this.#budget = budget;
    this.#queue = new RequestQueue();
  }

  /** @param address whom it is counted for: see `addressKey` */
  attach(webSocket: WebSocket, address: string): void {
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
    const waitMs = this.#waitMs();
    if (waitMs > 0 && !this.#isRefused(first, state)) return this.#lookIn(waitMs);
    const statusWaitMs = waitMs > 0 ? 0 : this.#statusWaitMs(first, state);
    const { second } = this.#queue;
    const isSuperseded = statusWaitMs > 0 && second !== undefined && this.#isStatus(second, false);
    if (statusWaitMs > 0 && !isSuperseded) return this.#lookIn(statusWaitMs);
    if (!this.#turns.mayTake(this)) return undefined;
    this.#queue.shift();
    this.#codec.takeUp(first);
    this.#superseded = isSuperseded ? first : undefined;
    this.#spend(waitMs > 0 ? REFUSAL_COST : FRAME_COST);
    // what the refusal itself costs has to be waited for, too
    const tooFastMs = waitMs > 0 ? this.#waitMs() : undefined;
    return { type: "frame", tooFastMs };
  }

  /** Decodes the frame that was taken. */
  read(isFirst: boolean): Decoded {
    const decoded = this.#codec.read(isFirst);
    this.#spend(costOf(decoded) - FRAME_COST);
    if (decoded.kind !== "request" || decoded.request.type !== "command") return decoded;
    const { command } = decoded.request;
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
   * Whether a request that is too much is refused, not delayed. What could not be read anyway would wait for nothing; and
   * a question, in a long queue, is perhaps not worth its answer any more. A request that the node makes for the client is
   * never refused: the client could not send it again.
   */
  #isRefused(first: Waiting, state: SessionState): boolean {
    if (!Buffer.isBuffer(first)) return false;
    if (state.traits.whenTooFast === "refuse") return true;
    const isFirst = state.request.kind === "fresh";
    return (
      this.#codec.isWaste(first, isFirst) ||
      (this.#queue.isLong && this.#codec.isQuestion(first, isFirst))
    );
  }

  /**
   * In how many ms a status may be set, of which everybody hears; 0 for any other request. Of those that wait, the latest
   * is set; those before it are only answered.
   */
  #statusWaitMs(first: Waiting, state: SessionState): number {
    const waitMs = this.#budget.statusWaitMs(this.#spender, performance.now());
    return waitMs > 0 && this.#isStatus(first, state.request.kind === "fresh") ? waitMs : 0;
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

  #waitMs(): number {
    return this.#budget.waitMs(this.#spender, performance.now());
  }

  #spend(cost: number): void {
    this.#budget.spend(this.#spender, cost, performance.now());
  }

  get #spender(): Spender {
    const { state } = this.#session;
    return { user: isClaimed(state) ? nameOf(state) : undefined, address: this.#address };
  }
}

/** Whether it sets the client's own status, and leaves it connected. */
function isChange({ name, status }: StatusCommand, state: SessionState): boolean {
  const own = nameOf(state);
  return status !== "disconnected" && own !== undefined && (name ?? own) === own;
}
