/** Keeps one connection open: dials, backs off, moves to another node when one goes away, and closes for good. */
import { NORMAL_CLOSURE, type RetryPolicy } from "../../wire/close-codes.js";
import type { Events, Requests } from "../../wire/json-schema.js";
import { TertuliaError } from "./error.js";
import type { State } from "./events.js";
import type { Debug } from "./debug.js";
import { startTimer, type Timer } from "./timer.js";
import { Connection, type ServerEvent } from "./connection.js";
import type { Timing } from "./options.js";
import { MoveBackoff, retryDelayMs } from "./backoff.js";
import type { WebSocketConstructor } from "./web-socket.js";

export interface ReconnectorOptions {
  /** Each attempt takes the next one, round and round. */
  readonly urls: readonly string[];
  readonly WebSocket: WebSocketConstructor;
  readonly timing: Timing;
  hello(): Requests["hello"] | Promise<Requests["hello"]>;
  retryPolicyOf(code: number): RetryPolicy;
  isRetryable(error: TertuliaError): boolean;
  onState(state: State): void;
  /** A connection is open; nothing of the one before it is heard any more. */
  onOpen(connection: Connection, welcome: Events["welcome"]): void;
  onLost(): void;
  onEvent(event: Exclude<ServerEvent, Events["goaway"]>): void;
  onError(error: TertuliaError): void;
  readonly debug: Debug;
}

/** A connection that lived this long was a success: the backoff starts again from its first delay. */
const STEADY_AFTER_MS = 2_000;
/** For a client that comes back. Longer than a dead node keeps a name: its lease (4 s) and the lingering (3 s). */
export const NAME_RETURN_WITHIN_MS = 15_000;
/** The backoff of `name_taken` stays at this attempt, so that the client has the name soon after it is free. */
const NAME_ATTEMPT = 1;
/** After so many `unavailable` in a row, another node may serve better. */
const UNAVAILABLE_IN_ROW = 2;
/** All clients of a node suspect it at the same time, and spread their attempts over this. */
const SUSPECT_SPREAD_MS = 1_000;
/** At least: what came while the program stood still is read by then. */
const SUSPECT_LEAST_MS = 250;
/** For the answer to `bye`. */
const BYE_WITHIN_MS = 2_000;

interface Closing {
  readonly reason: string;
  readonly done: Promise<void>;
  /** Those that may still hold the name. */
  readonly connections: Set<Connection>;
}

export class Reconnector {
  readonly #options: ReconnectorOptions;
  #state: State = { name: "connecting" };
  #current: Connection | undefined;
  /** Dialled, without a welcome yet. Beside the current one while this client moves to another node. */
  #candidate: Connection | undefined;
  #timer: Timer | undefined;
  #urlIndex = 0;
  #attempt = 0;
  #openedMs = 0;
  /** For so long `name_taken` is retried. */
  #nameWithinMs: number;
  #nameTakenSinceMs: number | undefined;
  /** Why a candidate is opened beside the current connection: the node said goaway, or seems not to serve. */
  #migration: "goaway" | "suspect" | undefined;
  readonly #moves = new MoveBackoff();
  #unavailableInRow = 0;
  #closing: Closing | undefined;
  #resolveClosed = (): void => {};

  constructor(options: ReconnectorOptions) {
    this.#options = options;
    this.#nameWithinMs = options.timing.nameWithinMs;
    this.#dial();
  }

  get state(): State {
    return this.#state;
  }

  /** Ends a backoff and dials; an open connection is probed. */
  retryNow(): void {
    this.#attempt = 0;
    if (this.#state.name === "waiting") {
      this.#dial();
      return;
    }
    this.#current?.probe();
    this.#candidate?.probe();
  }

  /** To be called at each answer. `isAble`: the node could do what was asked. */
  onServed(isAble: boolean): void {
    if (isAble) this.#unavailableInRow = 0;
    else if (++this.#unavailableInRow >= UNAVAILABLE_IN_ROW)
      this.#suspect(() => this.#unavailableInRow > 0);
  }

  /** Says bye, waits for the answer, and closes. */
  close(reason: string): Promise<void> {
    if (this.#state.name === "closed") return Promise.resolve();
    if (this.#closing !== undefined) return this.#closing.done;
    const done = new Promise<void>((resolve) => (this.#resolveClosed = resolve));
    const connections = [this.#current, this.#candidate].filter(
      (connection) => connection !== undefined,
    );
    this.#closing = { reason, done, connections: new Set(connections) };
    clearTimeout(this.#timer);
    this.#timer = startTimer(
      () => this.#end({ name: "closed", code: NORMAL_CLOSURE, reason }),
      BYE_WITHIN_MS,
    );
    for (const connection of connections) connection.bye(() => this.#onReleased(connection));
    this.#onReleased();
    return done;
  }

  /** While closing: this connection holds no name any more. After the last one the client is closed. */
  #onReleased(connection?: Connection): void {
    const { connections, reason } = this.#closing!;
    if (connection !== undefined) connections.delete(connection);
    if (connections.size === 0) this.#end({ name: "closed", code: NORMAL_CLOSURE, reason });
  }

  #dial(): void {
    clearTimeout(this.#timer);
    const { urls, WebSocket, timing } = this.#options;
    const url = urls[this.#urlIndex++ % urls.length]!;
    if (this.#current === undefined) this.#change({ name: "connecting" });
    this.#options.debug({ type: "dial", url });
    if (this.#closing !== undefined) return; // a listener has closed the client
    try {
      const connection: Connection = new Connection({
        url,
        WebSocket,
        timing,
        hello: () => this.#options.hello(),
        onError: (error) => this.#options.onError(error),
        debug: (event) => this.#options.debug(event),
        onWelcome: (welcome) => this.#onWelcome(connection, welcome),
        onEvent: (event) => {
          if (connection === this.#current) this.#onEvent(event);
        },
        onRefused: (error) => this.#onRefused(connection, error),
        onSuspect: () => {
          const nowMs = performance.now();
          if (connection === this.#current) this.#suspect(() => connection.heardMs < nowMs);
        },
        onLost: (code, reason) => this.#onLost(connection, code, reason),
      });
      this.#candidate = connection;
    } catch (cause) {
      // a page that came by https may not use ws: to another host
      if (this.#urlIndex === 1) throw cause;
      const error = new TertuliaError("unreachable", `${url}: ${String(cause)}`, true);
      this.#dialLater(retryDelayMs(this.#attempt++), error);
    }
  }

  /** The old connection is left first: what it delivered is in the cursors, and nothing comes twice. */
  #onWelcome(connection: Connection, welcome: Events["welcome"]): void {
    if (this.#closing !== undefined) return; // its bye is on its way
    this.#current?.leave();
    this.#current = connection;
    this.#candidate = undefined;
    this.#migration = undefined;
    this.#unavailableInRow = 0;
    this.#nameWithinMs = NAME_RETURN_WITHIN_MS;
    this.#nameTakenSinceMs = undefined;
    this.#openedMs = performance.now();
    if (this.#state.name !== "open") this.#change({ name: "open" });
    this.#options.onOpen(connection, welcome);
  }

  #onEvent(event: ServerEvent): void {
    if (event.type !== "goaway") {
      this.#options.onEvent(event);
      return;
    }
    this.#migration = "goaway";
    if (this.#closing !== undefined || this.#candidate !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = startTimer(() => this.#dial(), event.reconnectAfterMs);
  }

  /**
   * The node seems not to serve: dials another one, and keeps this connection until that one has said welcome.
   * @param isDue asked once more when the timer is due: a program that stood still runs its timers before it
   * reads what has come
   */
  #suspect(isDue: () => boolean): void {
    const nowMs = performance.now();
    const isMigrating = this.#migration !== undefined || this.#candidate !== undefined;
    if (this.#current === undefined || isMigrating || this.#closing !== undefined) return;
    if (!this.#moves.take(nowMs)) return;
    this.#migration = "suspect";
    clearTimeout(this.#timer);
    this.#timer = startTimer(
      () => {
        if (isDue()) this.#dial();
        else this.#migration = undefined;
      },
      SUSPECT_LEAST_MS + Math.random() * SUSPECT_SPREAD_MS,
    );
  }

  /** The candidate has failed. True: the current connection was only suspected, and stays. */
  #staysOnCurrent(): boolean {
    const staysOpen = this.#migration === "suspect" && this.#current !== undefined;
    if (staysOpen) this.#migration = undefined;
    return staysOpen;
  }

  #onRefused(connection: Connection, error: TertuliaError): void {
    this.#candidate = undefined;
    if (this.#closing !== undefined) {
      this.#onReleased(connection);
      return;
    }
    if (this.#staysOnCurrent()) return;
    this.#options.onError(error);
    const isNameTaken = error.code === "name_taken";
    if (isNameTaken ? this.#mayNameBecomeFree() : this.#options.isRetryable(error)) {
      const attempt = isNameTaken ? NAME_ATTEMPT : this.#attempt++;
      this.#dialLater(retryDelayMs(attempt) + (error.retryAfterMs ?? 0), error);
    } else {
      this.#end({ name: "closed", code: NORMAL_CLOSURE, reason: error.code, error });
    }
  }

  /** The holder of the name may be gone already, or be an earlier connection of this client. */
  #mayNameBecomeFree(): boolean {
    const nowMs = performance.now();
    this.#nameTakenSinceMs ??= nowMs;
    return nowMs - this.#nameTakenSinceMs < this.#nameWithinMs;
  }

  #onLost(connection: Connection, code: number, reason: string): void {
    this.#nameTakenSinceMs = undefined;
    if (connection === this.#current) {
      this.#current = undefined;
      this.#migration = undefined;
      if (performance.now() - this.#openedMs > STEADY_AFTER_MS) this.#attempt = 0;
      this.#options.onLost();
    } else {
      this.#candidate = undefined;
    }
    if (this.#closing !== undefined) {
      this.#onReleased(connection);
      return;
    }
    if (this.#staysOnCurrent()) return;
    const retry = this.#options.retryPolicyOf(code);
    if (retry === "never") {
      const error = new TertuliaError(
        "closed",
        `the chat closed the connection: ${code} ${reason}`,
      );
      this.#end({ name: "closed", code, reason, error });
    } else if (this.#candidate === undefined) {
      const delayMs = retry === "at once" && this.#attempt === 0 ? 0 : undefined;
      this.#dialLater(delayMs ?? retryDelayMs(this.#attempt), connection.lossError(code, reason));
      this.#attempt++;
    } else {
      this.#change({ name: "connecting" });
    }
  }

  #dialLater(delayMs: number, error: TertuliaError): void {
    this.#options.debug({ type: "retry", delayMs, error });
    if (this.#closing !== undefined) return; // a listener has closed the client
    clearTimeout(this.#timer);
    this.#timer = startTimer(() => this.#dial(), delayMs);
    if (this.#current === undefined) {
      this.#change({ name: "waiting", retryAtMs: Date.now() + delayMs, error });
    }
  }

  #end(state: State): void {
    if (this.#state.name === "closed") return;
    clearTimeout(this.#timer);
    this.#candidate?.leave();
    this.#current?.leave();
    this.#candidate = undefined;
    this.#current = undefined;
    this.#change(state);
    this.#resolveClosed();
  }

  #change(state: State): void {
    this.#state = state;
    this.#options.onState(state);
  }
}

export function whyClosed(state: State & { name: "closed" }): TertuliaError {
  return state.error ?? new TertuliaError("closed", `this client was closed: ${state.reason}`);
}
