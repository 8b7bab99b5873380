/**
 * Catch-up: tells a client what it missed while what happens meanwhile waits; then lets that pass, but
 * for what was told already. So there is no moment in which something could be missed, or told twice.
 */
import type { Chat } from "../chat/chat.js";
import { keyOf } from "../chat/conversation.js";
import type { Message, Notice } from "../chat/events.js";
import type { Holder } from "../chat/ports.js";
import { convOf, encodeEvent, messageEvent } from "../wire/json.js";
import type { Event } from "../wire/json-schema.js";
import { frameOf, type Frame } from "./frame.js";
import type { SendQueue } from "./send-queue.js";
import { missed, type Resumed } from "./resume.js";

export interface CatchUpCallbacks {
  readonly maxEarlyBytes: number;
  /** More happens than the client takes: it has to come back. */
  readonly onOverfull: () => void;
  /** What was told has been rolled back meanwhile: it has to come back. */
  readonly onRolledBack: () => void;
}

export class CatchUp {
  readonly #chat: Chat;
  readonly #holder: Holder;
  readonly #outbox: SendQueue;
  readonly #doors: CatchUpCallbacks;
  /** Notices that came before all that was missed was told, and how long they are. */
  #earlyBytes = 0;
  #early: { notice: Notice; frame: Frame }[] | undefined = [];
  /** By key: up to where messages were read from the archive: what the feed tells of those was told. */
  readonly #toldUpTo = new Map<string, { seq: number; epoch: number }>();

  constructor(chat: Chat, holder: Holder, outbox: SendQueue, doors: CatchUpCallbacks) {
    this.#chat = chat;
    this.#holder = holder;
    this.#outbox = outbox;
    this.#doors = doors;
  }

  /** Takes a notice for this reader; returns whether it is told, at once or later. */
  hear(notice: Notice, frame: Frame): boolean {
    if (this.#early !== undefined) {
      this.#earlyBytes += frame.length;
      if (this.#earlyBytes > this.#doors.maxEarlyBytes) this.#doors.onOverfull();
      else this.#early.push({ notice, frame });
      return true;
    }
    if (notice.type === "message" && this.#wasTold(notice.message)) return false;
    this.#outbox.push(frame);
    return true;
  }

  /** The name was not had: what was heard under it is its owner's. */
  forget(): void {
    this.#early = [];
    this.#earlyBytes = 0;
  }

  /** @throws Unavailable: then the client has to come back, what it was told is not whole */
  async run(conversations: readonly Resumed[]): Promise<void> {
    for (const each of conversations) await this.#tellMissed(each);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const { notice, frame } of early) this.hear(notice, frame);
  }

  async #tellMissed(resumed: Resumed): Promise<void> {
    const { state, after, gaps } = resumed;
    const reader = this.#holder.name;
    const conv = convOf(state.conversation, reader);
    const push = (event: Event): void => this.#outbox.push(frameOf(encodeEvent(event), "text"));
    for (const gap of gaps) push({ type: "gap", conv, ...gap });
    const key = keyOf(state.conversation);
    this.#toldUpTo.set(key, { seq: after, epoch: state.epoch });
    for await (const { messages, gap } of missed(this.#chat, resumed)) {
      if (gap !== undefined) push({ type: "gap", conv, ...gap });
      for (const message of messages) {
        await this.#outbox.untilRoom();
        push(messageEvent(message, reader));
      }
      const { seq, epoch } = messages.at(-1)!;
      this.#toldUpTo.set(key, { seq, epoch: Math.max(epoch, state.epoch) });
    }
  }

  #wasTold({ conversation, seq, epoch }: Message): boolean {
    if (this.#toldUpTo.size === 0) return false;
    const key = keyOf(conversation);
    const told = this.#toldUpTo.get(key);
    if (told === undefined) return false;
    if (seq > told.seq) {
      this.#toldUpTo.delete(key);
      return false;
    }
    // another message under this number: what was told has been rolled back
    if (epoch > told.epoch) this.#doors.onRolledBack();
    return true;
  }
}
