/** Keeps one open link, come what may: dials, waits, moves when a node goes away, and ends for good. */
import { retryPolicyOf } from "../../wire/close-codes.js";
import type { Events, Requests } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { State } from "./events.js";
import type { Debug } from "./debug.js";
import { later, type Timer } from "./later.js";
import { Connection, type Told } from "./connection.js";
import type { Timing } from "./options.js";
import { moveDelayMs, retryDelayMs } from "./backoff.js";
import type { WebSocketConstructor } from "./web-socket.js";

export interface ReconnectorOptions {
  /** Each attempt takes the next one. */
  readonly urls: readonly string[];
  readonly WebSocket: WebSocketConstructor;
  readonly timing: Timing;
  /** Whether the name may be ours already: then somebody else's claim is not believed at once. */
  readonly isComingBack: boolean;
  hello(): Requests["hello"];
  changed(state: State): void;
  /** A link is open; the one before it, if there was one, is no longer heard. */
  opened(link: Connection, welcome: Events["welcome"]): void;
  lost(): void;
  told(event: Exclude<Told, Events["goaway"]>): void;
  failed(error: TertuliaError): void;
  readonly debug: Debug;
}

/** A link that lived this long was a success; the next retry is a first one. */
const STEADY_AFTER_MS = 2_000;
/** On the way back. Longer than a dead node keeps a name: its lease (4 s), and the lingering (3 s). */
const NAME_BACK_WITHIN_MS = 15_000;
/** A name that is taken is asked for about this often, so that it is had soon after it is free. */
const NAME_ATTEMPT = 1;
/** So many answers in a row that the chat is unavailable, and another node may be better off. */
const UNABLE = 2;
/** Clients of one node doubt it at the same time, and spread their attempts over this. */
const DOUBT_SPREAD_MS = 1_000;
/** After so long without a doubt, the next one is a first one. */
const TRUSTED_AFTER_MS = 120_000;
/** For the answer to `bye`. */
const BYE_WITHIN_MS = 2_000;

interface Ending {
  readonly reason: string;
  readonly done: Promise<void>;
  /** Those that may hold the name still. */
  readonly links: Set<Connection>;
}

export class Reconnector {
  readonly #options: ReconnectorOptions;
  #state: State = { name: "connecting" };
  #current: Connection | undefined;
  /** Not welcome yet; beside the current one if that one's node is leaving. */
  #coming: Connection | undefined;
  #timer: Timer | undefined;
  #turn = 0;
  #attempt = 0;
  #openedMs = 0;
  #isComingBack: boolean;
  #takenSinceMs: number | undefined;
  /** Why another link is being opened beside the current one: the node has said so, or seems not to serve. */
  #moving: "told" | "doubt" | undefined;
  #doubts = 0;
  #doubtedMs = -Infinity;
  #doubtAfterMs = -Infinity;
  #unable = 0;
  #ending: Ending | undefined;
  #ended = (): void => {};

  constructor(options: ReconnectorOptions) {
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

  /** Told of each answer: whether the node could do what was asked. */
  served(isAble: boolean): void {
    if (isAble) this.#unable = 0;
    else if (++this.#unable >= UNABLE) this.#doubt(() => this.#unable > 0);
  }

  /** Says bye, waits until it was heard, and ends. */
  close(reason: string): Promise<void> {
    if (this.#state.name === "closed") return Promise.resolve();
    if (this.#ending !== undefined) return this.#ending.done;
    const done = new Promise<void>((resolve) => (this.#ended = resolve));
    const links = [this.#current, this.#coming].filter((link) => link !== undefined);
    this.#ending = { reason, done, links: new Set(links) };
    clearTimeout(this.#timer);
    this.#timer = later(() => this.#end({ name: "closed", code: 1000, reason }), BYE_WITHIN_MS);
    for (const link of links) link.bye(() => this.#isOver(link));
    this.#isOver();
    return done;
  }

  /** While ending: this link has no name any more. The last one ends it all. */
  #isOver(link?: Connection): void {
    const { links, reason } = this.#ending!;
    if (link !== undefined) links.delete(link);
    if (links.size === 0) this.#end({ name: "closed", code: 1000, reason });
  }

  #dial(): void {
    clearTimeout(this.#timer);
    const { urls, WebSocket, timing } = this.#options;
    const url = urls[this.#turn++ % urls.length]!;
    if (this.#current === undefined) this.#change({ name: "connecting" });
    this.#options.debug({ type: "dial", url });
    if (this.#ending !== undefined) return; // whoever was told has closed it
    try {
      const link: Connection = new Connection({
        url,
        WebSocket,
        timing,
        hello: () => this.#options.hello(),
        failed: (error) => this.#options.failed(error),
        debug: (event) => this.#options.debug(event),
        welcomed: (welcome) => this.#welcomed(link, welcome),
        told: (event) => {
          if (link === this.#current) this.#told(event);
        },
        refused: (error) => this.#refused(link, error),
        doubted: () => {
          const nowMs = performance.now();
          if (link === this.#current) this.#doubt(() => link.heardMs < nowMs);
        },
        lost: (code, reason) => this.#lost(link, code, reason),
      });
      this.#coming = link;
    } catch (cause) {
      // a page that came by https may not use ws: to another host
      if (this.#turn === 1) throw cause;
      const error = new TertuliaError("unreachable", `${url}: ${String(cause)}`, true);
      this.#dialLater(retryDelayMs(this.#attempt++), error);
    }
  }

  /** In this order: the old link is not heard from here on, so what it had delivered is had. */
  #welcomed(link: Connection, welcome: Events["welcome"]): void {
    if (this.#ending !== undefined) return; // its bye is on the way
    this.#current?.leave();
    this.#current = link;
    this.#coming = undefined;
    this.#moving = undefined;
    this.#unable = 0;
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
    this.#moving = "told";
    if (this.#ending !== undefined || this.#coming !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = later(() => this.#dial(), event.reconnectAfterMs);
  }

  /**
   * The node seems not to serve: tries for a link elsewhere, and keeps this one until that is welcome. While
   * no node serves, none is; the attempts become fewer.
   * @param isDue asked once more before: after this program stood still, its timers come before what was said
   */
  #doubt(isDue: () => boolean): void {
    const nowMs = performance.now();
    const isMoving = this.#moving !== undefined || this.#coming !== undefined;
    if (this.#current === undefined || isMoving || this.#ending !== undefined) return;
    if (nowMs < this.#doubtAfterMs) return;
    if (nowMs - this.#doubtedMs > TRUSTED_AFTER_MS) this.#doubts = 0;
    this.#doubtedMs = nowMs;
    this.#doubtAfterMs = nowMs + moveDelayMs(this.#doubts++);
    this.#moving = "doubt";
    clearTimeout(this.#timer);
    this.#timer = later(() => {
      if (isDue()) this.#dial();
      else this.#moving = undefined;
    }, Math.random() * DOUBT_SPREAD_MS);
  }

  /** The link beside the current one was not to be had: whether the current one stays, and all is as before. */
  #stays(): boolean {
    const isEnough = this.#moving === "doubt" && this.#current !== undefined;
    if (isEnough) this.#moving = undefined;
    return isEnough;
  }

  #refused(link: Connection, error: TertuliaError): void {
    this.#coming = undefined;
    if (this.#ending !== undefined) {
      this.#isOver(link);
      return;
    }
    if (this.#stays()) return;
    this.#options.failed(error);
    const isTaken = error.code === "name_taken";
    if (isTaken ? this.#mayBecomeFree() : error.retryable) {
      const attempt = isTaken ? NAME_ATTEMPT : this.#attempt++;
      this.#dialLater(retryDelayMs(attempt) + (error.retryAfterMs ?? 0), error);
    } else {
      this.#end({ name: "closed", code: 1000, reason: error.code, error });
    }
  }

  /** Whoever holds the name may have vanished, and may have been this client. */
  #mayBecomeFree(): boolean {
    const nowMs = performance.now();
    this.#takenSinceMs ??= nowMs;
    const { nameWithinMs } = this.#options.timing;
    return nowMs - this.#takenSinceMs < (this.#isComingBack ? NAME_BACK_WITHIN_MS : nameWithinMs);
  }

  #lost(link: Connection, code: number, reason: string): void {
    this.#takenSinceMs = undefined;
    if (link === this.#current) {
      this.#current = undefined;
      this.#moving = undefined;
      if (performance.now() - this.#openedMs > STEADY_AFTER_MS) this.#attempt = 0;
      this.#options.lost();
    } else {
      this.#coming = undefined;
    }
    if (this.#ending !== undefined) {
      this.#isOver(link);
      return;
    }
    if (this.#stays()) return;
    const retry = retryPolicyOf(code);
    if (retry === "never") {
      const error = new TertuliaError(
        "closed",
        `the chat closed the connection: ${code} ${reason}`,
      );
      this.#end({ name: "closed", code, reason, error });
    } else if (this.#coming === undefined) {
      const delayMs = retry === "at once" && this.#attempt === 0 ? 0 : undefined;
      this.#dialLater(delayMs ?? retryDelayMs(this.#attempt), link.problem(code, reason));
      this.#attempt++;
    } else {
      this.#change({ name: "connecting" });
    }
  }

  #dialLater(delayMs: number, error: TertuliaError): void {
    this.#options.debug({ type: "retry", delayMs, error });
    if (this.#ending !== undefined) return; // whoever was told has closed it
    clearTimeout(this.#timer);
    this.#timer = later(() => this.#dial(), delayMs);
    if (this.#current === undefined) {
      this.#change({ name: "waiting", retryAtMs: Date.now() + delayMs, error });
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
