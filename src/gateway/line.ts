/** The line of a session: its WebSocket, inbox and outbox; how it is closed, cut, and how it ends. */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { CLOSE } from "../wire/close.js";
import type { Hold } from "./hold.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import type { SessionDoors } from "./session.js";

export interface LineDoors extends Pick<SessionDoors, "limits" | "writes" | "observe"> {
  readonly frames: "binary" | "text";
  readonly carryOut: (frame: Buffer) => Promise<void>;
  /** The connection is gone, and all that was asked for on it is done. */
  readonly onEnded: () => void;
}

/** How long a dead client's last wishes may take. */
const PATIENCE_MS = 5_000;
/** How long a close is waited for. */
const FAREWELL_MS = 2_000;

export class Line {
  readonly outbox: Outbox;
  /** The connection is gone. */
  isEnded = false;
  readonly #hold: Hold;
  readonly #doors: LineDoors;
  readonly #inbox: Inbox;
  #webSocket: WebSocket | undefined;
  #ending: Promise<void> | undefined;

  constructor(hold: Hold, doors: LineDoors) {
    this.#hold = hold;
    this.#doors = doors;
    const { log, counters } = doors.observe;
    this.#inbox = new Inbox((frame) =>
      doors.carryOut(frame).catch((error: unknown) => {
        log.error({ err: error, session: hold.id }, "frame failed");
      }),
    );
    this.outbox = new Outbox(doors.limits, doors.writes, (why) => {
      counters.slowReaders.inc();
      log.warn({ session: hold.id, why }, "slow reader was cut");
      // close() waits for the reader to take what it does not take: only text dialects can be told
      if (doors.frames === "text") this.close(CLOSE.slowReader, "read faster, then resume");
      else this.#webSocket?.terminate();
    });
  }

  attach(webSocket: WebSocket, socket: Socket, onClosed: (code: number) => void = () => {}): void {
    this.#webSocket = webSocket;
    this.outbox.attach(webSocket, socket);
    this.#inbox.attach(webSocket);
    webSocket.on("error", (error) => {
      this.#doors.observe.log.debug({ err: error, session: this.#hold.id }, "websocket failed");
    });
    webSocket.on("close", (code) => {
      onClosed(code);
      void this.end();
    });
  }

  /** Takes a frame as if the client had sent it. */
  put(frame: Buffer): void {
    this.#inbox.put(frame);
  }

  close(code: number, reason: string): void {
    const webSocket = this.#webSocket;
    this.outbox.flush(); // what was said before comes before
    webSocket?.close(code, reason);
    setTimeout(() => webSocket?.terminate(), FAREWELL_MS).unref();
  }

  terminate(): void {
    this.#webSocket?.terminate();
  }

  /** Carries out all that has come, for a while; what comes later is refused. */
  async settle(): Promise<void> {
    const patience = setTimeout(() => this.abandon(), PATIENCE_MS);
    await this.#inbox.drain();
    clearTimeout(patience);
    this.#hold.isLive = false;
  }

  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Forgets what was asked for and is not done yet. */
  abandon(): void {
    this.#hold.isLive = false;
    this.#inbox.clear();
  }

  async #end(): Promise<void> {
    this.isEnded = true;
    await this.settle();
    this.#doors.onEnded();
  }
}
