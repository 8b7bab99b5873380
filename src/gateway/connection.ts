/** The line of a session: its WebSocket, inbox and outbox; how it is closed, cut, and how it ends. */
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { CLOSE, type Close } from "../wire/close-codes.js";
import type { AnsweringSocket } from "./answering-socket.js";
import type { Ending } from "./event-log.js";
import type { NameClaim } from "./name-claim.js";
import { RequestQueue } from "./request-queue.js";
import { SendQueue } from "./send-queue.js";
import type { SessionDependencies } from "./session.js";
import { addressOf } from "./tcp-acceptor.js";

export interface ConnectionCallbacks extends Pick<
  SessionDependencies,
  "limits" | "writeCoalescer" | "observe"
> {
  readonly frames: "binary" | "text";
  readonly carryOut: (frame: Buffer) => Promise<void>;
  /** The name is kept for a while when the connection is gone. */
  readonly isLingering: () => boolean;
  /** The connection is gone, and all that was asked for on it is done. */
  readonly onEnded: (ending: Ending) => void;
}

/** How long a dead client's last wishes may take. */
const PATIENCE_MS = 5_000;
/** How long a close is waited for. */
const FAREWELL_MS = 2_000;

export class Connection {
  readonly sendQueue: SendQueue;
  /** The client has begun to close: it reads no news any more. */
  isClosing = false;
  /** The connection is gone. */
  isEnded = false;
  readonly #hold: NameClaim;
  readonly #doors: ConnectionCallbacks;
  readonly #inbox: RequestQueue;
  #webSocket: AnsweringSocket | undefined;
  /** Of the client, as far as this node sees. */
  #address: string | undefined;
  /** Why the connection ends: who was the first to end it says so. */
  #ending: Ending | undefined;
  #ended: Promise<void> | undefined;

  constructor(hold: NameClaim, doors: ConnectionCallbacks) {
    this.#hold = hold;
    this.#doors = doors;
    const { log, counters } = doors.observe;
    this.#inbox = new RequestQueue((frame) =>
      doors.carryOut(frame).catch((error: unknown) => {
        log.error({ err: error, session: hold.id }, "frame failed");
      }),
    );
    this.sendQueue = new SendQueue(doors.limits, doors.writeCoalescer, (why) => {
      counters.slowReaders.inc();
      log.warn({ session: hold.id, why }, "slow reader was cut");
      // close() waits for the reader to take what it does not take: only text dialects can be told
      if (doors.frames === "text") this.close(CLOSE.slowReader);
      else this.cut("read too slowly");
    });
  }

  get address(): string | undefined {
    return this.#address;
  }

  /** @param onClosing the connection is about to be closed, or has been, with this code */
  attach(
    webSocket: AnsweringSocket,
    socket: Socket,
    onClosing: (code: number) => void = () => {},
  ): void {
    this.#webSocket = webSocket;
    this.#address = addressOf(socket);
    webSocket.beforeAnswer = async (code) => {
      this.isClosing = true;
      this.#ending ??= { code, why: "closed by the client" };
      onClosing(code);
      await Promise.race([this.leave(), pause(FAREWELL_MS, undefined, { ref: false })]);
      this.sendQueue.flush(); // what was said before comes before
    };
    this.sendQueue.attach(webSocket, socket);
    this.#inbox.attach(webSocket);
    webSocket.on("error", (error) => {
      this.#ending ??= { code: CLOSE.lost.code, why: error.message };
      this.#doors.observe.log.debug({ err: error, session: this.#hold.id }, "websocket failed");
    });
    webSocket.on("close", (code) => {
      onClosing(code);
      void this.end();
    });
    // it was closed while its upgrade was under way
    if (this.#ending?.code === CLOSE.lost.code) webSocket.terminate();
    else if (this.#ending !== undefined)
      this.close({ code: this.#ending.code, reason: this.#ending.why });
  }

  /** Takes a frame as if the client had sent it. */
  put(frame: Buffer): void {
    this.#inbox.push(frame);
  }

  close({ code, reason }: Pick<Close, "code" | "reason">): void {
    this.#ending ??= { code, why: reason };
    const webSocket = this.#webSocket;
    this.sendQueue.flush(); // what was said before comes before
    webSocket?.close(code, reason);
    setTimeout(() => webSocket?.terminate(), FAREWELL_MS).unref();
  }

  /** Ends the connection without a close frame. */
  cut(why: string): void {
    this.#ending ??= { code: CLOSE.lost.code, why };
    this.#webSocket?.terminate();
  }

  /** Does what has come, then signs out: the name is free wherever the client goes next. */
  async leave(): Promise<void> {
    await this.#settle();
    await this.signOut();
  }

  /**
   * Gives the name back, unless it lingers; nothing more is done in it. Returns false where that
   * failed: it is tried on when the line has ended.
   */
  async signOut(): Promise<boolean> {
    const hold = this.#hold;
    hold.isLive = false;
    if (!hold.hasName || hold.hasLeft || this.#doors.isLingering()) return true;
    await hold.leave().catch((error: unknown) => {
      const { log } = this.#doors.observe;
      log.warn({ err: error, session: hold.id }, "sign-out failed before the close");
    });
    return hold.hasLeft;
  }

  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  /** The name is somebody else's: nothing more is done or told. */
  replaced(): void {
    this.abandon();
    this.sendQueue.clear();
    const { log } = this.#doors.observe;
    log.warn({ session: this.#hold.id }, "name was taken elsewhere, session closed");
    this.close(CLOSE.replaced);
  }

  /** Forgets what was asked for and is not done yet. */
  abandon(): void {
    this.#hold.isLive = false;
    this.#inbox.clear();
  }

  /** Carries out all that has come, for a while; what comes later is refused. */
  async #settle(): Promise<void> {
    const patience = setTimeout(() => this.abandon(), PATIENCE_MS);
    await this.#inbox.drain();
    clearTimeout(patience);
    this.#hold.isLive = false;
  }

  async #end(): Promise<void> {
    this.#ending ??= { code: CLOSE.lost.code, why: "connection was lost" };
    this.isClosing = true;
    this.isEnded = true;
    await this.#settle();
    this.#doors.onEnded(this.#ending);
  }
}
