/** One connection: says hello, matches answers to requests, and detects that the connection is dead. */
import { ABNORMAL_CLOSURE, NORMAL_CLOSURE } from "../../wire/close-codes.js";
import type { Events, Requests, SUBPROTOCOL as Subprotocol } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { DebugEvent } from "./debug.js";
import { startTimer, type Timer } from "./timer.js";
import type { Timing } from "./options.js";
import { frameEvent } from "./frame-event.js";
import type { WebSocketConstructor, WebSocketLike } from "./web-socket.js";

/** Requests that may be sent after the welcome; the connection adds the id. */
export type ClientRequest = Requests[Exclude<keyof Requests, "hello">];
export type Ok = Events["ok"];
export type ServerEvent = Events["message" | "presence" | "read" | "typing" | "gap" | "goaway"];

export interface ConnectionOptions {
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly timing: Timing;
  /** Called when the WebSocket is open, so that hello has the latest cursors. */
  hello(): Requests["hello"] | Promise<Requests["hello"]>;
  onWelcome(welcome: Events["welcome"]): void;
  onEvent(event: ServerEvent): void;
  /** The hello was refused, and the connection is closed. */
  onRefused(error: TertuliaError): void;
  /** An error that answers no request. */
  onError(error: TertuliaError): void;
  /** No answer in the usual time: another node may serve better. Called repeatedly while it lasts. */
  onSuspect(): void;
  /** Called once; not after `leave`. */
  onLost(code: number, reason: string): void;
  debug(event: DebugEvent): void;
}

/** Called in the same step that reads the frame: whatever follows the answer sees its effect. */
export type AnswerCallback = (error: TertuliaError | undefined, ok: Ok) => void;

const SUBPROTOCOL: typeof Subprotocol = "tertulia.v1.json";
const HELLO_ID = 0;
/** For a sign of life, when the connection may be dead. */
const PROBE_WITHIN_MS = 3_000;
/** While Redis is away an answer takes up to five seconds, and a pong may wait behind one. */
const ANSWER_WITHIN_MS = 6_000;
const SUSPECT_AFTER_MS = 3_000;
/** For the close event after an error event. */
const CLOSE_WITHIN_MS = 100;

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocketLike;
  readonly #pending = new Map<number, AnswerCallback>();
  #lastId = HELLO_ID;
  #state: "dialling" | "greeting" | "open" | "ended" = "dialling";
  /** Undefined until the welcome. */
  #limits: Events["welcome"]["limits"] | undefined;
  /** The socket's own message about its failure, if it gives one. */
  #socketError = "";
  /** When the last frame came, by `performance.now()`. */
  heardMs = 0;
  #probedMs = -Infinity;
  #timer: Timer;
  /** Runs while requests wait for an answer. */
  #answerTimer: Timer | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#socket = new options.WebSocket(options.url, [SUBPROTOCOL]);
    this.#socket.addEventListener("open", () => {
      if (this.#state !== "dialling") return;
      this.#state = "greeting";
      options.debug({ type: "open", url: options.url });
      this.#greet(options.hello());
    });
    this.#socket.addEventListener("message", ({ data }) => this.#receive(data));
    this.#socket.addEventListener("error", (event) => this.#onSocketError(event));
    this.#socket.addEventListener("close", ({ code, reason }) => this.#lose(code, reason));
    this.#timer = startTimer(
      () => this.#cut("no welcome in time"),
      this.#options.timing.openWithinMs,
    );
  }

  /** Why the connection ended, as far as this side knows. */
  lossError(code: number, reason: string): TertuliaError {
    const { url } = this.#options;
    if (this.#limits !== undefined) {
      return new TertuliaError("lost", `${url} is lost: ${code} ${reason}`.trim(), true);
    }
    const unknown = "this environment does not say why; is that the address of a chat that runs?";
    const why = reason || this.#socketError || (code === ABNORMAL_CLOSURE ? unknown : `${code}`);
    return new TertuliaError("unreachable", `${url} cannot be reached: ${why}`, true);
  }

  /** Gives the name back, also one that was only requested. `done` is called at the answer. */
  bye(done: () => void): void {
    if (this.#state !== "dialling") {
      this.request({ type: "bye" }, done);
      return;
    }
    this.leave();
    done();
  }

  /** Sends a request. `onAnswer` is called with the answer, and never if the connection is lost first. */
  request(request: ClientRequest, onAnswer: AnswerCallback): void {
    const frame = { ...request, id: ++this.#lastId };
    const text = JSON.stringify(frame);
    const maxBytes = this.#limits?.frame ?? Infinity;
    if (isLonger(text, maxBytes)) {
      const why = `more than the ${maxBytes} bytes of a frame`;
      onAnswer(new TertuliaError("too_large", why), { type: "ok" });
      return;
    }
    this.#pending.set(frame.id, onAnswer);
    this.#write(frame, text);
    this.#expectAnswer();
  }

  /** Closes as normal; whatever still comes is ignored. */
  leave(): void {
    if (this.#end(NORMAL_CLOSURE, "left")) this.#socket.close(NORMAL_CLOSURE);
  }

  /** Cuts the connection unless it shows a sign of life soon. */
  probe(): void {
    const withinMs = Math.min(PROBE_WITHIN_MS, this.#options.timing.pongWithinMs);
    const nowMs = performance.now();
    if (this.#state === "ended" || nowMs - this.#probedMs < withinMs) return;
    this.#probedMs = nowMs;
    clearTimeout(this.#timer);
    if (this.#state === "open") this.#ping(withinMs);
    else this.#timer = startTimer(() => this.#cut("no welcome in time"), withinMs);
  }

  /** At once, unless a token has to be fetched first. */
  #greet(hello: Requests["hello"] | Promise<Requests["hello"]>): void {
    if (!(hello instanceof Promise)) return this.#send({ ...hello, id: HELLO_ID });
    hello.then(
      (fetched) => this.#state === "greeting" && this.#greet(fetched),
      (error: TertuliaError) => this.#answer(HELLO_ID, error, { type: "ok" }),
    );
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
        event satisfies never; // a type of a later version
    }
  }

  #open(welcome: Events["welcome"]): void {
    this.#state = "open";
    this.#limits = welcome.limits;
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

  /** Keepalive: a ping after a silence, a cut after a longer one. */
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

  /** A request, too, should bring a sign of life: without one, the connection is suspect. */
  #expectAnswer(): void {
    const askedMs = performance.now();
    this.#answerTimer ??= startTimer(() => {
      this.#answerTimer = undefined;
      if (this.#pending.size > 0) this.#expectAnswer();
      if (this.heardMs < askedMs) this.#options.onSuspect();
    }, ANSWER_WITHIN_MS);
  }

  /** A close event follows, but not from Node 22's own WebSocket after a failed connection. */
  #onSocketError(event: object): void {
    if (this.#state === "ended") return;
    this.#socketError = messageOf(event);
    clearTimeout(this.#timer);
    this.#timer = startTimer(() => this.#cut(""), CLOSE_WITHIN_MS);
  }

  #cut(reason: string): void {
    if (this.#state === "ended") return;
    this.#lose(ABNORMAL_CLOSURE, reason);
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #lose(code: number, reason: string): void {
    if (this.#end(code, reason)) this.#options.onLost(code, reason);
  }

  /** Returns false if the connection had ended already. */
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
