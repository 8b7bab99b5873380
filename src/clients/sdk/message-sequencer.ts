/** Delivers each message once and in sequence; what is missing is fetched, or announced as a gap. PROTOCOL.md, cursors and resume. */
import { isNewerEpoch } from "../../wire/epoch.js";
import type { Conversation, Cursors, Gap, HistoryPage, Message } from "./events.js";

export interface MessageSequencerOptions {
  readonly cursors: Cursors;
  deliver(message: Message): void;
  gap(gap: Gap): void;
  /** Up to {@link PAGE} messages after this one. */
  fetch(conv: string, after: number): Promise<HistoryPage>;
}

type Cursor = readonly [epoch: string, seq: number];

/** The most that the server gives in one answer. */
export const PAGE = 200;
/** Of cursors in a hello, so that they fit into its frame; the most recent conversations come first. */
const RESUME_BYTES = 32_768;

export class MessageSequencer {
  readonly #options: MessageSequencerOptions;
  /** In the order of their latest messages; the newest last. */
  readonly #cursors = new Map<string, Cursor>();
  /** Conversations that this user wrote to, without a message or a welcome that lists them so far: all of them is wanted. */
  readonly #started = new Set<string>();
  #state: "new" | "welcomed" = "new";
  /** Conversations of which the welcome says that something is missing: their epochs, until the gap event comes. */
  readonly #expectedGaps = new Map<string, string>();
  /** Messages that came after a hole, while the hole is being fetched. */
  #buffered = new Map<string, Message[]>();

  constructor(options: MessageSequencerOptions) {
    this.#options = options;
    for (const [conv, cursor] of Object.entries(options.cursors)) this.#cursors.set(conv, cursor);
  }

  get cursors(): Record<string, [epoch: string, seq: number]> {
    return Object.fromEntries(
      [...this.#cursors].map(([conv, [epoch, seq]]) => [conv, [epoch, seq]]),
    );
  }

  /** This user writes to a conversation. Writing counts as reading, so without a cursor the server would not send it again. */
  start(conv: string): void {
    if (!this.#cursors.has(conv)) this.#started.add(conv);
  }

  /** The message was refused: nobody has that name. */
  cancelStart(conv: string): void {
    this.#started.delete(conv);
  }

  /** The cursors for a hello, as many as fit. */
  resume(): Record<string, [epoch: string, seq: number]> {
    let left = RESUME_BYTES;
    const encoder = new TextEncoder();
    const started = this.#state === "welcomed" ? [...this.#started] : [];
    const all = [...this.#cursors, ...started.map((conv): [string, Cursor] => [conv, ["0", 0]])];
    const fitting = all.toReversed().filter((entry) => {
      left -= encoder.encode(JSON.stringify(entry)).length;
      return left >= 0;
    });
    return Object.fromEntries(fitting.map(([conv, [epoch, seq]]) => [conv, [epoch, seq]]));
  }

  /**
   * Starts again from what the server says will follow. An own cursor is kept if the server can go on from
   * it: another connection may have delivered more since the hello. Returns gaps of conversations that began
   * while this client was away and were read, or written in, by another device.
   */
  welcome(conversations: readonly Conversation[]): Gap[] {
    this.#buffered = new Map();
    this.#expectedGaps.clear();
    const gaps: Gap[] = [];
    for (const { conv, epoch, after, recovered } of conversations) {
      if (this.#state === "welcomed" && recovered && after > 0 && !this.#cursors.has(conv)) {
        gaps.push({ conv, after: 0, before: after + 1, reason: "limit" });
      }
      // if the connection is lost before the gap event, the next welcome must announce it again
      if (!recovered) this.#expectedGaps.set(conv, epoch);
      else if (!this.#cursors.has(conv)) this.#cursors.set(conv, [epoch, after]);
      if (recovered) this.#started.delete(conv);
    }
    this.#state = "welcomed";
    return gaps;
  }

  message(message: Message): void {
    const { conv, seq } = message;
    const buffered = this.#buffered.get(conv);
    if (buffered) {
      buffered.push(message);
      return;
    }
    const cursor = this.#cursors.get(conv);
    if (cursor === undefined && seq > 1) {
      this.gap({ conv, after: 0, before: seq, reason: "limit" }); // the welcome does not list all
    } else if (cursor !== undefined && seq <= cursor[1]) {
      if (!isNewerEpoch(message.epoch, cursor[0])) return;
      this.gap({ conv, after: seq - 1, before: seq, reason: "rolled_back" });
    } else if (cursor !== undefined && seq > cursor[1] + 1) {
      this.#buffered.set(conv, [message]);
      void this.#fill(conv, this.#buffered);
      return;
    }
    this.#deliver(message);
  }

  gap(gap: Gap): void {
    const [epoch, seq] = this.#cursors.get(gap.conv) ?? ["0", 0];
    const epochOfGap = this.#expectedGaps.get(gap.conv);
    if (epochOfGap !== undefined || gap.reason === "rolled_back" || gap.before - 1 > seq) {
      this.#cursors.set(gap.conv, [epochOfGap ?? epoch, gap.before - 1]);
    }
    this.#expectedGaps.delete(gap.conv);
    this.#started.delete(gap.conv);
    this.#options.gap(gap);
  }

  #deliver(message: Message): void {
    this.#started.delete(message.conv);
    this.#cursors.delete(message.conv);
    this.#cursors.set(message.conv, [message.epoch, message.seq]);
    this.#options.deliver(message);
  }

  /** The protocol has no holes. If there is one all the same, it is filled, or announced as a gap. */
  async #fill(conv: string, buffered: Map<string, Message[]>): Promise<void> {
    const before = buffered.get(conv)![0]!.seq;
    let page: HistoryPage | undefined;
    do {
      const after = this.#cursors.get(conv)![1];
      page = await this.#options.fetch(conv, after).catch(() => undefined); // becomes a gap
      if (this.#buffered !== buffered) return; // a new welcome has started again from the same cursor
      for (const message of page?.messages ?? []) {
        if (message.seq < before && message.seq === this.#cursors.get(conv)![1] + 1) {
          this.#deliver(message);
        }
      }
      if (this.#cursors.get(conv)![1] === after) page = undefined; // no progress
    } while (page !== undefined && this.#cursors.get(conv)![1] < before - 1);
    const after = this.#cursors.get(conv)![1];
    const behind = buffered.get(conv)!;
    buffered.delete(conv);
    if (after < before - 1) this.gap({ conv, after, before, reason: "trimmed" });
    for (const message of behind) this.message(message);
  }
}
