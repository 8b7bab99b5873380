/**
 * A session: one connection, its name, and its dialogue with the chat. Commands are carried out one
 * after the other, so their effects and replies come in the order in which they were sent.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import {
  isBefore,
  type Command,
  type Name,
  type Notice,
  type Position,
  type Reply,
} from "../chat/model.js";
import { Unavailable, type Holder } from "../chat/ports.js";
import { CLOSE } from "../wire/close.js";
import type { Dialect } from "../wire/dialect.js";
import { Inbox } from "./inbox.js";
import { Outbox } from "./outbox.js";
import { Suspension, type SessionDoors } from "./session-doors.js";

/** leaving: has asked to be signed out, and waits to hear of it. ended: the connection is gone. */
type State = "open" | "leaving" | "ended";

/** One client loses what comes right behind the 101 reply. PROTOCOL.md, connecting. */
const SETTLE_MS = 25;
/** How long a dead client's last wishes may take, and a suspended client's next one may wait. */
const PATIENCE_MS = 5_000;
/** How long a close, or the news of one's own sign-out, is waited for. */
const FAREWELL_MS = 2_000;
const QUESTIONS: ReadonlySet<string> = new Set(["list", "lookup", "history"]);

export class Session implements Holder {
  readonly id = randomBytes(12).toString("base64url");
  dialect: Dialect;
  isLive = true;
  /** As far as the feed has told. */
  isInactive = false;
  readonly #doors: SessionDoors;
  readonly #inbox = new Inbox((frame) =>
    this.#carryOut(frame).catch((error: unknown) => {
      this.#doors.observe.log.error({ err: error, session: this.id }, "frame failed");
    }),
  );
  readonly #outbox: Outbox;
  #state: State = "open";
  #name: Name | undefined;
  #joinedAt: Position | undefined;
  #isFirstFrame = true;
  #webSocket: WebSocket | undefined;
  #ending: Promise<void> | undefined;
  /** While it is not sure that the name is still the session's. */
  #suspension: Suspension | undefined;

  constructor(dialect: Dialect, doors: SessionDoors) {
    this.dialect = dialect;
    this.#doors = doors;
    this.#outbox = new Outbox(doors.limits, (why) => {
      doors.observe.counters.slowReaders.inc();
      doors.observe.log.warn({ session: this.id, why }, "slow reader was cut");
    });
  }

  /** The name that it holds or is claiming. */
  get name(): Name {
    if (this.#name === undefined) throw new Error("a session without a name cannot act");
    return this.#name;
  }

  get hasName(): boolean {
    return this.#name !== undefined;
  }

  /** Claims a name. What is told to it from here on is held, so nothing after the claim is missed. */
  async claim(name: Name): Promise<"new" | "back" | "taken"> {
    this.#outbox.hold();
    this.#name = name;
    this.#doors.onClaiming(this);
    try {
      const claim = await this.#doors.chat.join(this);
      if (claim.outcome === "taken") {
        this.#unclaim(false);
        return "taken";
      }
      this.#joinedAt = claim.at;
      return claim.outcome === "new" ? "new" : "back";
    } catch (error) {
      this.#unclaim(true);
      throw error;
    }
  }

  /** The name may be somebody else's by now: nothing is told and nothing done until it is reclaimed. */
  suspend(): void {
    if (this.#joinedAt === undefined || this.#suspension !== undefined) return;
    this.#suspension = new Suspension();
    this.#outbox.hold();
  }

  /** Claims again what the cluster may have given away meanwhile; closes if it has. */
  async reclaim(): Promise<void> {
    if (this.#joinedAt === undefined || this.#state === "leaving" || !this.isLive) return;
    const claim = await this.#doors.chat.join(this);
    if (claim.outcome === "back" || claim.outcome === "new") this.#joinedAt = claim.at;
    if (claim.outcome !== "taken") {
      this.#suspension?.end();
      this.#suspension = undefined;
      this.#open();
      return;
    }
    this.isLive = false;
    this.#inbox.clear();
    this.#outbox.clear();
    this.#doors.observe.log.warn({ session: this.id }, "name was taken elsewhere, session closed");
    this.close(CLOSE.replaced, "replaced");
  }

  /** The upgrade is done: reads from now on, and writes as soon as the client is sure to read. */
  attach(webSocket: WebSocket, socket: Socket): void {
    this.#webSocket = webSocket;
    this.#outbox.attach(webSocket, socket);
    this.#inbox.attach(webSocket);
    webSocket.on("error", (error) => {
      this.#doors.observe.log.debug({ err: error, session: this.id }, "websocket failed");
    });
    webSocket.on("close", () => void this.end());
    setTimeout(() => this.#open(), SETTLE_MS);
  }

  /** Hears a notice, encoded in its dialect. Returns whether it was for this session. */
  hear(notice: Notice, frame: Uint8Array | undefined): boolean {
    const isOwn = notice.type === "presence" && notice.user.name === this.#name;
    if (isOwn) {
      // what became of the name before this session had it is not this session's story
      const hasName = this.#joinedAt !== undefined && this.#suspension === undefined;
      if (!hasName || !isBefore(this.#joinedAt!, notice.at)) return false;
      const { status } = notice.user;
      this.isInactive = status === "inactive";
      this.#doors.observe.log.info(
        { session: this.id, status, cause: notice.cause },
        "status changed",
      );
    }
    if (frame === undefined || this.#state === "ended") return false;
    this.#outbox.push(frame);
    if (isOwn && this.#state === "leaving" && notice.user.status === "disconnected") {
      this.close(CLOSE.normal, "signed out");
    }
    return true;
  }

  /** Cuts a reader that has taken nothing for too long. Steady clock, ms. */
  checkPace(now: number): void {
    this.#outbox.checkPace(now);
  }

  close(code: number, reason: string): void {
    this.#webSocket?.close(code, reason);
    setTimeout(() => this.#webSocket?.terminate(), FAREWELL_MS).unref();
  }

  /** The connection is gone: carries out what it had still asked for, then signs out. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#state = "ended";
    await this.settle();
    this.#doors.onEnded(this);
  }

  /** Ends when all that has come is carried out; what comes later is refused. */
  async settle(): Promise<void> {
    const patience = setTimeout(() => this.abandon(), PATIENCE_MS);
    await this.#inbox.drain();
    clearTimeout(patience);
    this.isLive = false;
  }

  /** Forgets what the client has asked for and is not done yet. */
  abandon(): void {
    this.isLive = false;
    this.#inbox.clear();
  }

  #unclaim(isUnsure: boolean): void {
    this.#doors.onUnclaimed(this, isUnsure);
    this.#name = undefined;
    this.#outbox.clear();
  }

  /** Stops holding frames back, unless a claim is still under way, or due. */
  #open(): void {
    const isClaiming = this.#name !== undefined && this.#joinedAt === undefined;
    if (!isClaiming && this.#suspension === undefined) this.#outbox.release();
  }

  async #carryOut(frame: Buffer): Promise<void> {
    if (this.#state === "leaving") return;
    this.#open();
    let decoded = this.dialect.decode(frame);
    if (decoded.kind === "speaks" && this.#isFirstFrame) {
      this.#speak(decoded.dialect);
      decoded = this.dialect.decode(frame);
    }
    this.#isFirstFrame = false;
    const { observe, onActive } = this.#doors;
    observe.counters.frames.inc({ kind: decoded.kind });
    // to set one's status is to say what it shall be
    if (!(decoded.kind === "command" && decoded.command.type === "status")) onActive(this);
    switch (decoded.kind) {
      case "command":
        return this.#answer(await this.#execute(decoded.command));
      case "refused":
        return this.#answer({ type: "refused", refusal: decoded.refusal });
      case "speaks":
      case "ignored": {
        const why = decoded.kind === "ignored" ? decoded.why : "unknown_op";
        observe.log.info({ session: this.id, why, op: frame[0] }, "frame was ignored");
        return;
      }
      default:
        return decoded satisfies never;
    }
  }

  #speak(dialect: Dialect): void {
    const { connections } = this.#doors.observe.counters;
    connections.dec({ dialect: this.dialect.name });
    connections.inc({ dialect: dialect.name });
    this.dialect = dialect;
  }

  async #execute(command: Command): Promise<Reply> {
    try {
      if (command.type === "register") return await this.#register(command.name);
      if (this.#joinedAt === undefined) return { type: "refused", refusal: "not_registered" };
      if (this.#suspension !== undefined) {
        await Promise.race([this.#suspension.ended, pause(PATIENCE_MS)]);
        if (this.#suspension !== undefined) return { type: "refused", refusal: "unavailable" };
      }
      // nobody is there to read the answer
      if (this.#state === "ended" && QUESTIONS.has(command.type)) return { type: "accepted" };
      if (command.type === "status" && command.status === "disconnected") {
        return await this.#signOut(command);
      }
      return await this.#doors.chat.execute(this, command);
    } catch (error) {
      const { log } = this.#doors.observe;
      if (error instanceof Unavailable) log.warn({ err: error }, "store was unavailable");
      else log.error({ err: error, command: command.type }, "command failed");
      return { type: "refused", refusal: "unavailable" };
    }
  }

  /** A name by frame: the one it has, or its first. */
  async #register(name: Name): Promise<Reply> {
    if (this.#joinedAt === undefined) {
      if (this.#doors.chat.refuseName(name)) return { type: "refused", refusal: "bad_name" };
      const outcome = await this.claim(name);
      if (outcome === "taken") return { type: "refused", refusal: "name_taken" };
      return { type: "registered", user: { name, status: "active" } };
    }
    if (name !== this.#name) return { type: "refused", refusal: "bad_name" };
    const looked = await this.#doors.chat.execute(this, { type: "lookup", name });
    return looked.type === "user" ? { type: "registered", user: looked.user } : looked;
  }

  /** Tells everybody, this client too, and closes when it has been told. */
  async #signOut(command: Extract<Command, { type: "status" }>): Promise<Reply> {
    this.#state = "leaving"; // from here on, for the news may be faster than the answer
    let reply: Reply | undefined;
    try {
      reply = await this.#doors.chat.execute(this, command);
      return reply;
    } finally {
      if (reply?.type === "accepted") {
        this.isLive = false;
        setTimeout(() => this.close(CLOSE.normal, "signed out"), FAREWELL_MS).unref();
      } else if (this.#state === "leaving") this.#state = "open";
    }
  }

  /** A reply does not wait behind notices that are held back. */
  #answer(reply: Reply): void {
    if (reply.type === "refused") {
      const { counters, log } = this.#doors.observe;
      counters.refusals.inc({ reason: reply.refusal });
      log.info({ session: this.id, reason: reply.refusal }, "command was refused");
    }
    const frame = this.dialect.encodeReply(reply);
    if (frame !== undefined) this.#outbox.send(frame);
    this.#open();
  }
}
