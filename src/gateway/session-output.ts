/** Runs the effects that send to the client: encodes what is sent in its dialect, and queues it. */
import type { Message } from "../chat/events.js";
import type { Effect } from "../session/effects.js";
import { nameOf } from "../session/questions.js";
import type { Output } from "../session/requests.js";
import type { Frame } from "./frame.js";
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
      | "pushMissed"
      | "cork"
      | "uncork"
      | "forgetCorked";
  }
>;

export interface OutputCallbacks {
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
  /** All messages of a page are in the send queue. */
  readonly onPageTold: () => void;
  /** A bug: a page could not be told. */
  readonly onBroken: (error: unknown) => void;
}

export class SessionOutput {
  readonly #session: Session;
  readonly #codec: SessionCodec;
  readonly #sendQueue: SendQueue;
  readonly #callbacks: OutputCallbacks;
  #pushed = 0;

  constructor(
    session: Session,
    codec: SessionCodec,
    sendQueue: SendQueue,
    callbacks: OutputCallbacks,
  ) {
    this.#session = session;
    this.#codec = codec;
    this.#sendQueue = sendQueue;
    this.#callbacks = callbacks;
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
      case "pushMissed":
        this.#pushMissed(effect.messages).catch(this.#callbacks.onBroken);
        return;
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
    this.#sendQueue.send(this.#encoded(output));
  }

  #encoded(output: Output): Frame | undefined {
    const { holder, state } = this.#session;
    return this.#codec.encodeOutput(output, {
      name: nameOf(state),
      key: holder.key,
      nowMs: this.#callbacks.nowMs,
    });
  }

  /** Backpressure: waits while the client does not read. */
  async #pushMissed(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      await this.#sendQueue.untilRoom();
      this.#sendQueue.push(this.#encoded({ type: "missed", message }));
    }
    this.#callbacks.onPageTold();
  }
}
