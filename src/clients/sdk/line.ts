/** Keeps one open link, come what may: dials, waits, moves when a node goes away, and ends for good. */
import type { Events, Requests } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { State } from "./events.js";
import { Link, type Told } from "./link.js";
import type { Timing } from "./options.js";
import { afterClose, retryDelayMs } from "./retry.js";
import type { WebSocketConstructor } from "./web-socket.js";

export interface LineOptions {
  /** Each attempt takes the next one. */
  readonly urls: readonly string[];
  readonly WebSocket: WebSocketConstructor;
  readonly timing: Timing;
  /** Whether the name may be ours already: then somebody else's claim is not believed at once. */
  readonly isComingBack: boolean;
  hello(): Requests["hello"];
  changed(state: State): void;
  /** A link is open; the one before it, if there was one, is no longer heard. */
  opened(link: Link, welcome: Events["welcome"]): void;
  lost(): void;
  told(event: Exclude<Told, Events["goaway"]>): void;
  failed(error: TertuliaError): void;
}

/** A link that lived this long was a success; the next retry is a first one. */
const STEADY_AFTER_MS = 2_000;
/** Longer than a dead node keeps a name: its lease (4 s), and the lingering (3 s). */
const NAME_TAKEN_PATIENCE_MS = 15_000;
/** For the answer to `bye`. */
const BYE_WITHIN_MS = 2_000;

export class Line {
  readonly #options: LineOptions;
  #state: State = { name: "connecting" };
  #current: Link | undefined;
  /** Not welcome yet; beside the current one if that one's node is leaving. */
  #coming: Link | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turn = 0;
  #attempt = 0;
  #openedMs = 0;
  #isComingBack: boolean;
  #takenSinceMs: number | undefined;
  #ending: { readonly reason: string; readonly done: Promise<void> } | undefined;
  #ended = (): void => {};

  constructor(options: LineOptions) {
    this.#options = options;
    this.#isComingBack = options.isComingBack;
    this.#dial();
  }

  get state(): State {
    return this.#state;
  }

  /** Waits no longer: dials, or makes sure that whoever is at the other end still is. */
  wake(): void {
    this.#attempt = 0;
    if (this.#state.name === "waiting") {
      this.#dial();
      return;
    }
    this.#current?.probe();
    this.#coming?.probe();
  }

  /** Says bye, waits until it was heard, and ends. */
  close(reason: string): Promise<void> {
    if (this.#state.name === "closed") return Promise.resolve();
    if (this.#ending === undefined) {
      this.#ending = { reason, done: new Promise((resolve) => (this.#ended = resolve)) };
      const end = (): void => this.#end({ name: "closed", code: 1000, reason });
      clearTimeout(this.#timer);
      this.#coming?.leave();
      this.#coming = undefined;
      this.#timer = setTimeout(end, BYE_WITHIN_MS);
      if (this.#current) this.#current.ask({ type: "bye" }, end);
      else end();
    }
    return this.#ending.done;
  }

  #dial(): void {
    clearTimeout(this.#timer);
    const { urls, WebSocket, timing } = this.#options;
    if (this.#current === undefined) this.#change({ name: "connecting" });
    const link: Link = new Link({
      url: urls[this.#turn++ % urls.length]!,
      WebSocket,
      timing,
      hello: () => this.#options.hello(),
      failed: (error) => this.#options.failed(error),
      welcomed: (welcome) => this.#welcomed(link, welcome),
      told: (event) => {
        if (link === this.#current) this.#told(event);
      },
      refused: (error) => this.#refused(error),
      lost: (code, reason) => this.#lost(link, code, reason),
    });
    this.#coming = link;
  }

  /** In this order: the old link is not heard from here on, so what it had delivered is had. */
  #welcomed(link: Link, welcome: Events["welcome"]): void {
    this.#current?.leave();
    this.#current = link;
    this.#coming = undefined;
    this.#isComingBack = true;
    this.#takenSinceMs = undefined;
    this.#openedMs = performance.now();
    if (this.#state.name !== "open") this.#change({ name: "open" });
    this.#options.opened(link, welcome);
  }

  #told(event: Told): void {
    if (event.type !== "goaway") {
      this.#options.told(event);
      return;
    }
    if (this.#ending !== undefined || this.#coming !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#dial(), event.reconnectAfterMs);
  }

  #refused(error: TertuliaError): void {
    this.#coming = undefined;
    const nowMs = performance.now();
    const mayPass =
      error.code === "name_taken"
        ? this.#isComingBack && nowMs - (this.#takenSinceMs ??= nowMs) < NAME_TAKEN_PATIENCE_MS
        : error.retryable;
    this.#options.failed(error);
    if (mayPass) this.#dialLater(retryDelayMs(this.#attempt++) + (error.retryAfterMs ?? 0));
    else this.#end({ name: "closed", code: 1000, reason: error.code, error });
  }

  #lost(link: Link, code: number, reason: string): void {
    if (link === this.#current) {
      this.#current = undefined;
      if (performance.now() - this.#openedMs > STEADY_AFTER_MS) this.#attempt = 0;
      this.#options.lost();
    } else {
      this.#coming = undefined;
    }
    if (this.#ending !== undefined) {
      this.#end({ name: "closed", code: 1000, reason: this.#ending.reason });
      return;
    }
    const next = afterClose(code);
    if (next === "end") {
      const error = new TertuliaError(
        "closed",
        `the chat closed the connection: ${code} ${reason}`,
      );
      this.#end({ name: "closed", code, reason, error });
    } else if (this.#coming === undefined) {
      const delayMs = next === "again at once" && this.#attempt === 0 ? 0 : undefined;
      this.#dialLater(delayMs ?? retryDelayMs(this.#attempt));
      this.#attempt++;
    } else {
      this.#change({ name: "connecting" });
    }
  }

  #dialLater(delayMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#dial(), delayMs);
    if (this.#current === undefined) {
      this.#change({ name: "waiting", retryAtMs: Date.now() + delayMs });
    }
  }

  #end(state: State): void {
    if (this.#state.name === "closed") return;
    clearTimeout(this.#timer);
    this.#coming?.leave();
    this.#current?.leave();
    this.#coming = undefined;
    this.#current = undefined;
    this.#change(state);
    this.#ended();
  }

  #change(state: State): void {
    this.#state = state;
    this.#options.changed(state);
  }
}

export function whyClosed(state: State & { name: "closed" }): TertuliaError {
  return state.error ?? new TertuliaError("closed", `this client was closed: ${state.reason}`);
}
