/** One connection: says hello, pairs requests with answers, and notices when the line is dead. */
import type { Events, Requests, SUBPROTOCOL as Subprotocol } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { DebugEvent } from "./debug.js";
import { startTimer, type Timer } from "./timer.js";
import type { Timing } from "./options.js";
import { frameEvent } from "./frame-event.js";
import type { WebSocketConstructor, WebSocketLike } from "./web-socket.js";

/** What may be asked once there is a welcome; the link adds the id. */
export type ClientRequest = Requests[Exclude<keyof Requests, "hello">];
export type Ok = Events["ok"];
export type ServerEvent = Events["message" | "presence" | "read" | "typing" | "gap" | "goaway"];

export interface ConnectionOptions {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly timing: Timing;
  /** Asked when the connection is there, so that it has the latest cursors. */
  hello(): Requests["hello"];
  onWelcome(welcome: Events["welcome"]): void;
  onEvent(event: ServerEvent): void;
  /** The hello was refused; the link is at its end. */
  onRefused(error: TertuliaError): void;
  /** An error that answers no request. */
  onError(error: TertuliaError): void;
  /** It does not answer as it should, and may yet: somebody else may do better. Said again and again. */
  onSuspect(): void;
  /** Said once, and not after `leave`. */
  onLost(code: number, reason: string): void;
  debug(event: DebugEvent): void;
}

/** Called where the frame is read, not later: what follows the answer finds it done. */
export type AnswerCallback = (error: TertuliaError | undefined, ok: Ok) => void;

const SUBPROTOCOL: typeof Subprotocol = "tertulia.v1.json";
const HELLO_ID = 0;
/** For a sign of life, after a sign that the connection may be dead. */
const PROBE_WITHIN_MS = 3_000;
/** An answer takes up to five seconds while Redis is away, and a pong may have to wait for one. */
const ANSWER_WITHIN_MS = 6_000;
const SUSPECT_AFTER_MS = 3_000;
/** After an error. */
const CLOSE_WITHIN_MS = 100;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocketLike;
  readonly #pending = new Map<number, AnswerCallback>();
  #lastId = HELLO_ID;
  #maxFrameBytes = Infinity;
  #state: "dialling" | "greeting" | "open" | "ended" = "dialling";
  #wasOpen = false;
  /** What the socket said of its failure, if it can. */
  #socketError = "";
  /** When anything came last, as `performance.now()` counts. */
  heardMs = 0;
  #probedMs = -Infinity;
  #timer: Timer;
  /** For a sign of life after a request. */
  #answerTimer: Timer | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = new options.WebSocket(options.url, [SUBPROTOCOL]);
    this.#socket.addEventListener("open", () => {
      if (this.#state !== "dialling") return;
      this.#state = "greeting";
      options.debug({ type: "open", url: options.url });
      this.#send({ ...options.hello(), id: HELLO_ID });
    });
    this.#socket.addEventListener("message", ({ data }) => this.#receive(data));
    this.#socket.addEventListener("error", (event) => this.#onSocketError(event));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#lose(code, reason));
    this.#timer = startTimer(
      () => this.#cut("no welcome in time"),
      this.#options.timing.openWithinMs,
    );
  }

  /** Why there is no connection any more: what is known of it, here. */
  errorAfterLoss(code: number, reason: string): TertuliaError {
    const { url } = this.#options;
    if (this.#wasOpen) {
      return new TertuliaError("lost", `${url} is lost: ${code} ${reason}`.trim(), true);
    }
    const unknown = "this environment does not say why; is that the address of a chat that runs?";
    const why = reason || this.#socketError || (code === 1006 ? unknown : `${code}`);
    return new TertuliaError("unreachable", `${url} cannot be reached: ${why}`, true);
  }

  /** Gives the name back, even one that was only asked for; `heard` at the answer, if there is one. */
  bye(done: () => void): void {
    if (this.#state !== "dialling") {
      this.request({ type: "bye" }, done);
      return;
    }
    this.leave();
    done();
  }

  /** Sends; the answer comes to `answered`, unless the link is lost first: then nothing does. */
  request(request: ClientRequest, onAnswer: AnswerCallback): void {
    const frame = { ...request, id: ++this.#lastId };
    const text = JSON.stringify(frame);
    if (isLonger(text, this.#maxFrameBytes)) {
      const why = `more than the ${this.#maxFrameBytes} bytes of a frame`;
      onAnswer(new TertuliaError("too_large", why), { type: "ok" });
      return;
    }
    this.#pending.set(frame.id, onAnswer);
    this.#write(frame, text);
    this.#expectAnswer();
  }

  /** Says goodbye; what comes is nobody's business any more. */
  leave(): void {
    if (this.#end(1000, "left")) this.#socket.close(1000);
  }

  /** Gives it up unless there is a sign of life soon. */
  probe(): void {
    const withinMs = Math.min(PROBE_WITHIN_MS, this.#options.timing.pongWithinMs);
    const nowMs = performance.now();
    if (this.#state === "ended" || nowMs - this.#probedMs < withinMs) return;
    this.#probedMs = nowMs;
    clearTimeout(this.#timer);
    if (this.#state === "open") this.#ping(withinMs);
    else this.#timer = startTimer(() => this.#cut("no welcome in time"), withinMs);
  }

  #send(frame: Requests[keyof Requests]): void {
    this.#write(frame, JSON.stringify(frame));
  }

  #write(frame: Requests[keyof Requests], text: string): void {
    this.#options.debug(frameEvent("sent", frame, text));
    this.#socket.send(text);
  }

  #receive(data: unknown): void {
    if (this.#state === "ended") return;
    this.heardMs = performance.now();
    const text = String(data);
    let event: Events[keyof Events];
    try {
      event = JSON.parse(text) as Events[keyof Events];
    } catch {
      this.#cut("not the protocol");
      return;
    }
    this.#options.debug(frameEvent("received", event, text));
    switch (event.type) {
      case "welcome":
        if (this.#state === "greeting") this.#open(event);
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
        this.#options.onEvent(event);
        return;
      default:
        event satisfies never; // of a later version: not for this client
    }
  }

  #open(welcome: Events["welcome"]): void {
    this.#state = "open";
    this.#wasOpen = true;
    this.#maxFrameBytes = welcome.limits.frame;
    clearTimeout(this.#timer);
    this.#schedulePing(this.#options.timing.pingAfterMs);
    this.#options.onWelcome(welcome);
  }

  #answer(id: unknown, error: TertuliaError | undefined, ok: Ok): void {
    if (id === HELLO_ID && error !== undefined && this.#state === "greeting") {
      this.leave();
      this.#options.onRefused(error);
      return;
    }
    const onAnswer = typeof id === "number" ? this.#pending.get(id) : undefined;
    if (onAnswer === undefined) {
      if (error !== undefined) this.#options.onError(error);
      return;
    }
    this.#pending.delete(id as number);
    onAnswer(error, ok);
  }

  /** A ping after a silence; a cut after a longer one. */
  #schedulePing(forMs: number): void {
    const { pingAfterMs, pongWithinMs } = this.#options.timing;
    this.#timer = startTimer(() => {
      const silentMs = performance.now() - this.heardMs;
      if (silentMs < pingAfterMs) {
        this.#schedulePing(pingAfterMs - silentMs);
        return;
      }
      this.#ping(pongWithinMs);
    }, forMs);
  }

  #ping(withinMs: number): void {
    const askedMs = performance.now();
    this.#send({ type: "ping" });
    const wait = (leftMs: number): void => {
      const forMs = Math.min(leftMs, SUSPECT_AFTER_MS);
      this.#timer = startTimer(() => {
        if (this.heardMs >= askedMs) this.#schedulePing(this.#options.timing.pingAfterMs);
        else if (leftMs <= forMs) this.#cut("no sign of life");
        else {
          wait(leftMs - forMs);
          this.#options.onSuspect();
        }
      }, forMs);
    };
    wait(withinMs);
  }

  /** A request asks for a sign of life as a ping does. */
  #expectAnswer(): void {
    const askedMs = performance.now();
    this.#answerTimer ??= startTimer(() => {
      this.#answerTimer = undefined;
      if (this.#pending.size > 0) this.#expectAnswer();
      if (this.heardMs < askedMs) this.#options.onSuspect();
    }, ANSWER_WITHIN_MS);
  }

  /** A close follows; but Node 22's own WebSocket keeps silent after a failed connection. */
  #onSocketError(event: object): void {
    if (this.#state === "ended") return;
    this.#socketError = messageOf(event);
    clearTimeout(this.#timer);
    this.#timer = startTimer(() => this.#cut(""), CLOSE_WITHIN_MS);
  }

  #cut(reason: string): void {
    if (this.#state === "ended") return;
    this.#lose(1006, reason);
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #lose(code: number, reason: string): void {
    if (this.#end(code, reason)) this.#options.onLost(code, reason);
  }

  /** False if it had ended already. */
  #end(code: number, reason: string): boolean {
    if (this.#state === "ended") return false;
    this.#state = "ended";
    clearTimeout(this.#timer);
    clearTimeout(this.#answerTimer);
    this.#pending.clear();
    this.#options.debug({ type: "close", url: this.#options.url, code, reason });
    return true;
  }
}

function errorOf(frame: Events["error"]): TertuliaError {
  return new TertuliaError(frame.code, frame.message, frame.retryable, frame.retryAfterMs);
}

/** A browser says nothing here, Node and `ws` do. */
function messageOf(event: { readonly message?: unknown; readonly error?: unknown }): string {
  const { message, error } = event;
  if (typeof message === "string" && message !== "") return message;
  const { code } = Object(error) as { readonly code?: unknown }; // of several addresses at once
  return typeof code === "string" ? code : "";
}

function isLonger(text: string, bytes: number): boolean {
  return text.length * 3 > bytes && new TextEncoder().encode(text).length > bytes;
}
