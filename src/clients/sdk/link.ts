/** One connection: says hello, pairs requests with answers, and notices when the line is dead. */
import type { Events, Requests, SUBPROTOCOL as Subprotocol } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { Timing } from "./options.js";
import type { WebSocketConstructor, WebSocketLike } from "./web-socket.js";

/** What may be asked once there is a welcome; the link adds the id. */
export type Ask = Requests[Exclude<keyof Requests, "hello">];
export type Ok = Events["ok"];
export type Told = Events["message" | "presence" | "read" | "typing" | "gap" | "goaway"];

export interface LinkOptions {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly timing: Timing;
  /** Asked when the connection is there, so that it has the latest cursors. */
  hello(): Requests["hello"];
  welcomed(welcome: Events["welcome"]): void;
  told(event: Told): void;
  /** The hello was refused; the link is at its end. */
  refused(error: TertuliaError): void;
  /** An error that answers no request. */
  failed(error: TertuliaError): void;
  /** Said once, and not after `leave`. */
  lost(code: number, reason: string): void;
}

/** Called where the frame is read, not later: what follows the answer finds it done. */
export type Answered = (error: TertuliaError | undefined, ok: Ok) => void;

const SUBPROTOCOL: typeof Subprotocol = "tertulia.v1.json";
const HELLO_ID = 0;
/** For a sign of life, after a sign that the connection may be dead. */
const PROBED_WITHIN_MS = 3_000;

export class Link {
  readonly #options: LinkOptions;
  readonly #socket: WebSocketLike;
  readonly #asked = new Map<number, Answered>();
  #lastId = HELLO_ID;
  #maxFrameBytes = Infinity;
  #state: "opening" | "open" | "ended" = "opening";
  #heardMs = 0;
  #probedMs = -Infinity;
  #timer: ReturnType<typeof setTimeout>;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#socket = new options.WebSocket(options.url, [SUBPROTOCOL]);
    this.#socket.addEventListener("open", () => {
      if (this.#state === "opening") this.#send({ ...options.hello(), id: HELLO_ID });
    });
    this.#socket.addEventListener("message", ({ data }) => this.#hear(data));
    this.#socket.addEventListener("error", () => {}); // a close follows
    this.#socket.addEventListener("close", ({ code, reason }) => this.#lose(code, reason));
    this.#timer = setTimeout(
      () => this.#cut("no welcome in time"),
      this.#options.timing.openWithinMs,
    );
  }

  /** Sends; the answer comes to `answered`, unless the link is lost first: then nothing does. */
  ask(request: Ask, answered: Answered): void {
    const frame = { ...request, id: ++this.#lastId };
    const text = JSON.stringify(frame);
    if (isLonger(text, this.#maxFrameBytes)) {
      const why = `more than the ${this.#maxFrameBytes} bytes of a frame`;
      answered(new TertuliaError("too_large", why), { type: "ok" });
      return;
    }
    this.#asked.set(frame.id, answered);
    this.#socket.send(text);
  }

  /** Says goodbye; what comes is nobody's business any more. */
  leave(): void {
    if (this.#end()) this.#socket.close(1000);
  }

  /** Gives it up unless there is a sign of life soon. */
  probe(): void {
    const withinMs = Math.min(PROBED_WITHIN_MS, this.#options.timing.pongWithinMs);
    const nowMs = performance.now();
    if (this.#state === "ended" || nowMs - this.#probedMs < withinMs) return;
    this.#probedMs = nowMs;
    clearTimeout(this.#timer);
    if (this.#state === "open") this.#ping(withinMs);
    else this.#timer = setTimeout(() => this.#cut("no welcome in time"), withinMs);
  }

  #send(frame: Requests[keyof Requests]): void {
    this.#socket.send(JSON.stringify(frame));
  }

  #hear(data: unknown): void {
    if (this.#state === "ended") return;
    this.#heardMs = performance.now();
    let event: Events[keyof Events];
    try {
      event = JSON.parse(String(data)) as Events[keyof Events];
    } catch {
      this.#cut("not the protocol");
      return;
    }
    switch (event.type) {
      case "welcome":
        if (this.#state === "opening") this.#open(event);
        return;
      case "ok":
        this.#answer(event.id, undefined, event);
        return;
      case "error":
        this.#answer(event.id, errorOf(event), { type: "ok" });
        return;
      case "pong":
        return;
      case "message":
      case "presence":
      case "read":
      case "typing":
      case "gap":
      case "goaway":
        this.#options.told(event);
        return;
      default:
        event satisfies never; // of a later version: not for this client
    }
  }

  #open(welcome: Events["welcome"]): void {
    this.#state = "open";
    this.#maxFrameBytes = welcome.limits.frame;
    clearTimeout(this.#timer);
    this.#listen(this.#options.timing.pingAfterMs);
    this.#options.welcomed(welcome);
  }

  #answer(id: unknown, error: TertuliaError | undefined, ok: Ok): void {
    if (id === HELLO_ID && error !== undefined && this.#state === "opening") {
      this.leave();
      this.#options.refused(error);
      return;
    }
    const answered = typeof id === "number" ? this.#asked.get(id) : undefined;
    if (answered === undefined) {
      if (error !== undefined) this.#options.failed(error);
      return;
    }
    this.#asked.delete(id as number);
    answered(error, ok);
  }

  /** A ping after a silence; a cut after a longer one. */
  #listen(forMs: number): void {
    const { pingAfterMs, pongWithinMs } = this.#options.timing;
    this.#timer = setTimeout(() => {
      const silentMs = performance.now() - this.#heardMs;
      if (silentMs < pingAfterMs) {
        this.#listen(pingAfterMs - silentMs);
        return;
      }
      this.#ping(pongWithinMs);
    }, forMs);
  }

  #ping(withinMs: number): void {
    const askedMs = performance.now();
    this.#send({ type: "ping" });
    this.#timer = setTimeout(() => {
      if (this.#heardMs < askedMs) this.#cut("no sign of life");
      else this.#listen(this.#options.timing.pingAfterMs);
    }, withinMs);
  }

  #cut(reason: string): void {
    if (this.#state === "ended") return;
    this.#lose(1006, reason);
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #lose(code: number, reason: string): void {
    if (this.#end()) this.#options.lost(code, reason);
  }

  /** False if it had ended already. */
  #end(): boolean {
    if (this.#state === "ended") return false;
    this.#state = "ended";
    clearTimeout(this.#timer);
    this.#asked.clear();
    return true;
  }
}

function errorOf(frame: Events["error"]): TertuliaError {
  return new TertuliaError(frame.code, frame.message, frame.retryable, frame.retryAfterMs);
}

function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}
