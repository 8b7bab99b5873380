/**
 * The send queue of a connection: frames that are queued in the same window leave in one write (write coalescing), and
 * a slow reader is cut before its queue costs the others anything. While it shares a broadcast, it takes the broadcast's
 * frames when it is flushed, or before a frame of its own: so all frames keep their order.
 *
 * Frames are written to the socket directly, not through ws, whose sender has no queue of its own without compression;
 * control frames and the close are left to ws. ARCHITECTURE.md, libraries' internals.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Broadcast } from "./broadcast.js";
import type { Frame } from "./frame.js";
import type { QueueBudget, Waiting } from "./queue-budget.js";
import type { Gatherer, Window } from "../window.js";

export interface SendQueueLimits {
  /** With more unsent bytes than this when the next frame is due, the reader is cut. */
  readonly maxBytes: number;
  /** If none of the unsent bytes was read for this long, the reader is cut. */
  readonly maxStallMs: number;
  /** Of all queues together. */
  readonly budget: QueueBudget;
}

/** With more queued bytes than this, they are written at once. */
const FLUSHED_AT_BYTES = 65_536;
/** How often a catch-up looks whether there is room for its next page. */
const ROOM_CHECK_MS = 20;

/** How a reader is too slow: too much waits for it, for too long, or most of all while too much waits for all. */
export type Slowness = "overfull" | "stalled" | "crowded";

/** Who reads from a queue, and may be too slow. */
interface SlowReader {
  slow(why: Slowness): void;
}

export class SendQueue implements Gatherer, Waiting {
  readonly #limits: SendQueueLimits;
  readonly #reader: SlowReader;
  readonly #replyWindow: Pick<Window, "queue">;
  #webSocket: WebSocket | undefined;
  #socket: Socket | undefined;
  /** Frames that are held back; undefined while none are. */
  #corked: Frame[] | undefined = [];
  #corkedBytes = 0;
  /** To be written at the end of this window. */
  #queued: Frame[] = [];
  #queuedBytes = 0;
  /**
   * Cut: the reader was told, and nothing is queued any more. Known here before the session knows: its other effects of
   * this moment are still to come. Afterwards the session's state says the same, and sends nothing.
   */
  #state: "writing" | "cut" = "writing";
  /** What the budget was told last. */
  #noted = 0;
  #broadcast: Broadcast | undefined;
  /** The number of the first frame of the broadcast that was not taken yet. */
  #nextShared = 0;
  #taken = 0;
  #takenAt: number | undefined;

  /**
   * Corked until the first {@link uncork}.
   *
   * @param reader its connection must be ended when it is told that it is too slow
   */
  constructor(limits: SendQueueLimits, replyWindow: Pick<Window, "queue">, reader: SlowReader) {
    this.#limits = limits;
    this.#replyWindow = replyWindow;
    this.#reader = reader;
  }

  attach(webSocket: WebSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  /** The broadcast that it shares. */
  get broadcast(): Broadcast | undefined {
    return this.#broadcast;
  }

  /** From here on, the client gets all frames of the broadcast, beside its own. Not while frames are held back. */
  share(broadcast: Broadcast): void {
    this.#broadcast = broadcast;
    this.#nextShared = broadcast.end;
    broadcast.add(this);
  }

  /** The client still gets the frames that the broadcast has by now. */
  unshare(): void {
    this.#takeShared();
    this.#broadcast?.delete(this);
    this.#broadcast = undefined;
  }

  cork(): void {
    this.#corked ??= [];
  }

  uncork(): void {
    const held = this.#corked ?? [];
    this.#corked = undefined;
    this.#corkedBytes = 0;
    this.#note();
    for (const frame of held) this.send(frame);
  }

  /** Drops the frames that are held back. */
  clear(): void {
    if (this.#corked !== undefined) this.#corked = [];
    this.#corkedBytes = 0;
    this.#note();
  }

  /** Queues a frame, if there is one, behind all others, including those that are held back. */
  push(frame: Frame | undefined): void {
    if (frame === undefined) return;
    if (this.#corked === undefined) return this.send(frame);
    if (this.#state === "cut") return;
    if (this.#isOverfull) return this.#cut("overfull");
    this.#corked.push(frame);
    this.#corkedBytes += frame.length;
    this.#note();
  }

  /** Backpressure: resolves when most of the queue is free, or the connection is closed. */
  async untilRoom(): Promise<void> {
    while (this.#socket?.writable === true && this.#unsentBytes > this.#limits.maxBytes / 4) {
      await new Promise((resolve) => setTimeout(resolve, ROOM_CHECK_MS));
    }
  }

  /** Queues a frame, if there is one, ahead of those that are held back. It leaves at the end of this window. */
  send(frame: Frame | undefined): void {
    if (frame === undefined) return;
    this.#takeShared();
    this.#add(frame);
  }

  /**
   * Writes the queued frames, and those of the broadcast: at the end of either's window, and before the connection
   * is closed.
   */
  flush(): void {
    const shared = this.#broadcast?.pendingFrom(this.#nextShared);
    if (shared !== undefined) {
      // compared with all that is due before the last frame, as for a frame of its own
      const isRead = this.#unsentBytes + shared.bytesBeforeLast <= this.#limits.maxBytes;
      if (isRead && this.#queued.length === 0) {
        this.#nextShared = this.#broadcast!.end;
        return this.#write(shared.joined);
      }
      this.#takeShared();
    }
    const frames = this.#queued;
    if (frames.length === 0) return;
    this.#queued = [];
    this.#queuedBytes = 0;
    this.#write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }

  /** Cuts a reader that has read nothing for too long. To be called regularly; steady clock, ms. */
  checkPace(now: number): void {
    if (this.#socket === undefined) return;
    const unsent = this.#socket.writableLength; // queued frames do not count: they leave in a moment
    const taken = this.#socket.bytesWritten - unsent;
    if (unsent === 0 || taken !== this.#taken || this.#takenAt === undefined) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    if (now - this.#takenAt > this.#limits.maxStallMs) this.#cut("stalled");
    this.#note();
  }

  /** Frames that are queued do not count: they leave in a moment. */
  get waitingBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#corkedBytes;
  }

  crowdedOut(): void {
    this.#cut("crowded");
  }

  /** The connection is gone. */
  end(): void {
    this.#state = "cut";
    this.#note();
  }

  /** Puts the frames of the broadcast into the queue: the next frame is one of its own. */
  #takeShared(): void {
    const broadcast = this.#broadcast;
    if (broadcast === undefined || this.#nextShared >= broadcast.end) return;
    const frames = broadcast.framesFrom(this.#nextShared);
    this.#nextShared = broadcast.end;
    for (const frame of frames) this.#add(frame);
  }

  #add(frame: Frame): void {
    if (this.#state === "cut" || this.#socket === undefined) return;
    if (this.#webSocket?.readyState !== 1) return;
    // compared before this frame is added: one answer alone may exceed the limit
    if (this.#isOverfull) return this.#cut("overfull");
    if (this.#queued.push(frame) === 1) this.#replyWindow.queue(this);
    this.#queuedBytes += frame.length;
    if (this.#queuedBytes > FLUSHED_AT_BYTES) this.flush(); // a fast reader takes it without delay
  }

  #write(bytes: Buffer): void {
    if (this.#webSocket?.readyState !== 1) return; // nothing may follow a close frame
    this.#socket?.write(bytes);
    this.#note();
  }

  get #unsentBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#queuedBytes + this.#corkedBytes;
  }

  get #isOverfull(): boolean {
    return this.#unsentBytes > this.#limits.maxBytes;
  }

  /** Of most connections nothing waits, and the budget need not know. */
  #note(): void {
    const bytes = this.#state === "cut" ? 0 : this.waitingBytes;
    if (bytes === 0 && this.#noted === 0) return;
    this.#noted = bytes;
    this.#limits.budget.note(this, bytes);
  }

  #cut(why: Slowness): void {
    if (this.#state === "cut") return;
    this.#state = "cut";
    this.#note();
    this.#reader.slow(why);
  }
}
