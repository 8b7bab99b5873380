/**
 * The event log: which clients came and went, what was refused and why, and at debug from whom to whom a message
 * went. Never a text or a key, and no address but the client's own. docs/operations.md has the table.
 */
import type { Reply } from "../chat/commands.js";
import { formatAddress, type Address } from "../chat/conversation.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import type { Observe } from "../observe.js";
import { CLOSE } from "../wire/close-codes.js";
import type { SessionState } from "../session/state.js";
import { shown } from "../wire/shown.js";
import { nameWriter, type LogNames } from "./log-names.js";
import { isClaimed, nameOf } from "../session/questions.js";
import type { Asked } from "../session/requests.js";
import type { Resumed } from "../session/resumed.js";
import type { Ending } from "../session/endings.js";

const MAX_ORIGIN_CHARS = 100;

/** What the log tells of a session. */
export interface LoggedSession {
  readonly holder: { readonly id: string };
  readonly state: SessionState;
  readonly dialect: { readonly name: string };
}

/** How a connection ended. */
export interface LoggedEnding {
  readonly code: number;
  readonly why: string;
}

export function loggedEnding(ending: Ending): LoggedEnding {
  switch (ending.by) {
    case "node": {
      const { code, reason } = CLOSE[ending.why];
      return { code, why: ending.detail ?? reason };
    }
    case "client":
      return { code: ending.code, why: "closed by the client" };
    case "loss":
      return { code: CLOSE.lost.code, why: ending.why };
    default:
      return ending satisfies never;
  }
}

interface RefusedConnection {
  readonly name: Name | undefined;
  readonly dialect: string;
  readonly address: string | undefined;
  /** Of the page that asked, if that is why. */
  readonly origin: string | undefined;
}

export class EventLog {
  readonly #observe: Observe;
  readonly #name: (name: Name) => string | undefined;
  readonly #hasAddresses: boolean;

  constructor(observe: Observe, names: LogNames) {
    this.#observe = observe;
    this.#name = nameWriter(names);
    this.#hasAddresses = names.how === "plain";
  }

  /** A connection is open; it may have no name yet. */
  opened({ holder, dialect }: LoggedSession, address: string | undefined): void {
    const fields = {
      session: holder.id,
      dialect: dialect.name,
      address: this.#address(address),
    };
    this.#observe.log.debug({ event: "opened", ...fields }, "connection was opened");
  }

  /** A session has its name. */
  connected(
    session: LoggedSession,
    outcome: "new" | "back" | "joined",
    { address, client }: { address: string | undefined; client?: string | undefined },
  ): void {
    const details = {
      outcome,
      ...(client !== undefined && { client: shown(encoder.encode(client)) }),
      address: this.#address(address),
    };
    this.#observe.log.info(
      { event: "connected", ...this.#of(session), ...details },
      "client connected",
    );
  }

  /** A client that came back is told of gaps. */
  resumed(session: LoggedSession, conversations: readonly Resumed[]): void {
    const { log, counters } = this.#observe;
    const reasons = conversations.flatMap(({ gaps }) => gaps.map(({ reason }) => reason));
    for (const reason of reasons) counters.resumeGaps.of(reason).inc();
    const lost = reasons.filter((reason) => reason === "rolled_back").length;
    if (lost === 0) return;
    const fields = { ...this.#of(session), conversations: lost };
    log.warn(
      { event: "resume_rolled_back", ...fields },
      "client has seen messages that redis does not hold",
    );
  }

  /** A session's name is held by another one: it is closed. */
  replaced({ holder }: LoggedSession): void {
    this.#observe.log.warn(
      { event: "replaced", session: holder.id },
      "name was taken elsewhere, session closed",
    );
  }

  /** The connection is gone. One that never had a name is logged at debug only. */
  disconnected(session: LoggedSession, ending: LoggedEnding): void {
    const { log } = this.#observe;
    const level = isClaimed(session.state) ? "info" : "debug";
    log[level]({ event: "disconnected", ...this.#of(session), ...ending }, "client disconnected");
  }

  connectionRefused(
    status: number,
    reason: string,
    { name, origin, ...from }: RefusedConnection,
  ): void {
    const fields = {
      user: name === undefined ? undefined : this.#name(name),
      dialect: from.dialect,
      status,
      reason,
      address: this.#address(from.address),
      ...(origin !== undefined && {
        origin: shown(encoder.encode(origin.slice(0, MAX_ORIGIN_CHARS))),
      }),
    };
    this.#observe.log.info({ event: "refused", ...fields }, "connection was refused");
  }

  frameIgnored(session: LoggedSession, why: string, op?: number): void {
    this.#observe.log.info(
      { event: "ignored", ...this.#of(session), why, op },
      "frame was ignored",
    );
  }

  statusChanged(session: LoggedSession, notice: Extract<Notice, { type: "presence" }>): void {
    const { cause, user } = notice;
    const fields = { ...this.#of(session), status: user.status, cause };
    this.#observe.log.info({ event: "status", ...fields }, "status changed");
  }

  /** The leader has signed out a user whose node is dead. */
  signedOut(name: Name): void {
    this.#observe.log.info(
      { event: "lost", user: this.#name(name) },
      "user of a dead node was signed out",
    );
  }

  /** Logs messages that were stored, and commands that were refused; counts refusals. */
  answered(session: LoggedSession, asked: Asked | undefined, reply: Reply): void {
    const { log, counters } = this.#observe;
    if (reply.type === "refused") {
      counters.refusals.of(reply.refusal).inc();
      const fields = { ...this.#of(session, asked), command: asked?.type, reason: reply.refusal };
      log.info({ event: "command_refused", ...fields }, "command was refused");
    } else if (reply.type === "stored" && asked?.type === "send" && log.isLevelEnabled("debug")) {
      const { seq } = reply.message;
      const { session: id, user: from } = this.#of(session);
      const fields = { session: id, from, to: this.#to(asked.to), seq, bytes: asked.text.length };
      log.debug({ event: "message", ...fields, repeated: reply.repeated }, "message was stored");
    }
  }

  /** The fields of each line about a session. A session without a name has the one that it asks for. */
  #of(
    { holder, state, dialect }: LoggedSession,
    asked?: Asked,
  ): { session: string; user: string | undefined; dialect: string } {
    const isName = asked?.type === "hello" || asked?.type === "register";
    const name = nameOf(state) ?? (isName ? asked.name : undefined);
    const user = name === undefined ? undefined : this.#name(name);
    return { session: holder.id, user, dialect: dialect.name };
  }

  #to(address: Address): string | undefined {
    return address.kind === "direct" ? this.#name(address.user) : formatAddress(address);
  }

  #address(address: string | undefined): string | undefined {
    return this.#hasAddresses ? address : undefined;
  }
}

const encoder = new TextEncoder();
