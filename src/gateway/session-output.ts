/** Runs the effects that send to the client: encodes what is sent in its dialect, and queues it. */
import type { Message } from "../chat/events.js";
import type { Effect } from "../session/effects.js";
import { nameOf } from "../session/questions.js";
import type { Output } from "../session/requests.js";
import type { Frame } from "./frame.js";
import type { RequestIntake } from "./request-intake.js";
import type { SendQueue } from "./send-queue.js";
import type { SessionCodec } from "./session-codec.js";
import type { Session } from "./session.js";

export type OutputEffect = Extract<
  Effect,
  {
    type:
      | "send"
      | "sendAnswer"
      | "refuseFrame"
      | "push"
      | "pushOutput"
      | "cork"
      | "uncork"
      | "forgetCorked";
  }
>;

export class SessionOutput {
  readonly #session: Session;
  readonly #codec: SessionCodec;
  readonly #intake: Pick<RequestIntake, "answered">;
  readonly #sendQueue: SendQueue;
  readonly #nowMs: () => number;
  #pushed = 0;

  /**
   * @param intake is told how long answers are
   * @param nowMs by Redis' clock, in ms since 1970
   */
  constructor(
    session: Session,
    codec: SessionCodec,
    intake: Pick<RequestIntake, "answered">,
    sendQueue: SendQueue,
    nowMs: () => number,
  ) {
    this.#intake = intake;
    this.#session = session;
    this.#codec = codec;
    this.#sendQueue = sendQueue;
    this.#nowMs = nowMs;
  }

  /** How many notices the state machine has pushed. */
  get pushed(): number {
    return this.#pushed;
  }

  run(effect: OutputEffect): void {
    switch (effect.type) {
      case "send":
        return this.send(effect.output);
      case "sendAnswer":
        return this.#sendQueue.send(this.#codec.answer(effect.answer));
      case "refuseFrame":
        return this.#sendQueue.send(this.#codec.refuse(effect.waitMs));
      case "push":
        this.#pushed++;
        return this.#sendQueue.push(effect.frame as Frame);
      case "pushOutput":
        return this.#sendQueue.push(this.#encoded(effect.output));
      case "cork":
        return this.#sendQueue.cork();
      case "uncork":
        return this.#sendQueue.uncork();
      case "forgetCorked":
        return this.#sendQueue.clear();
      default:
        return effect satisfies never;
    }
  }

  send(output: Output): void {
    const frame = this.#encoded(output);
    if (frame !== undefined) this.#intake.answered(frame.length);
    this.#sendQueue.send(frame);
  }

  /** Pushes the messages of a page. Backpressure: waits while the client does not read. */
  async pushMissed(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      await this.#sendQueue.untilRoom();
      this.#sendQueue.push(this.#encoded({ type: "missed", message }));
    }
  }

  #encoded(output: Output): Frame | undefined {
    const { holder, state } = this.#session;
    return this.#codec.encodeOutput(output, {
      name: nameOf(state),
      key: holder.key,
      proof: holder.proof,
      nowMs: this.#nowMs,
    });
  }
}
