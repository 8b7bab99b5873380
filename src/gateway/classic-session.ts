/**
 * A session in one of the dialects of bytes. Commands are carried out one after the other, so their
 * effects and replies come in the order in which they were sent.
 */
import type { Socket } from "node:net";
import type { Command, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Name, Status } from "../chat/names.js";
import { activityOf } from "../chat/policy.js";
import { Unavailable } from "../chat/ports.js";
import { CLOSE, type Close } from "../wire/close-codes.js";
import type { ByteDialect } from "../wire/dialect.js";
import type { AnsweringSocket } from "./answering-socket.js";
import { frameOf, type Frame } from "./frame.js";
import { NameClaim } from "./name-claim.js";
import { Connection } from "./connection.js";
import { Keepalive } from "./keepalive.js";
import type { Session, SessionDependencies } from "./session.js";

/** leaving: has asked to be signed out, and waits to hear of it. */
type State = "open" | "leaving";

/** One client loses what comes right behind the 101 reply. PROTOCOL.md, connecting. */
const SETTLE_MS = 25;
/** How long the news of one's own sign-out is waited for. */
const FAREWELL_MS = 2_000;

export class ClassicSession implements Session {
  readonly nameClaim: NameClaim;
  dialect: ByteDialect;
  readonly isLingering = false;
  hasHole = false;
  readonly #doors: SessionDependencies;
  readonly #line: Connection;
  readonly #pulse = new Keepalive((why) => this.#line.cut(why));
  #mayPing = false;
  #state: State = "open";
  /** As far as the feed has told. */
  #status: Status = "active";
  #isFirstFrame = true;
  /** A message is on its way to the store: its own 55 must not overtake the store's answer. */
  #isSending = false;

  constructor(dialect: ByteDialect, doors: SessionDependencies) {
    this.dialect = dialect;
    this.#doors = doors;
    this.nameClaim = new NameClaim(doors.chat, {
      onClaiming: () => doors.onClaiming(this),
      onUnclaimed: (isUnsure) => {
        doors.onUnclaimed(this, isUnsure);
        this.#line.sendQueue.clear();
      },
      // who has hung up meanwhile would take a name that nobody uses then
      mayBeFree: async (name) => (await doors.mayBeFree(name)) && !this.#line.isClosing,
      onLeft: () => doors.onLeft(this),
    });
    this.#line = new Connection(this.nameClaim, {
      ...doors,
      frames: "binary",
      carryOut: (frame) => this.#carryOut(frame),
      isLingering: () => this.isLingering,
      onEnded: (ending) => doors.onEnded(this, ending),
    });
  }

  get isInactive(): boolean {
    return this.#status === "inactive";
  }

  /** Claims a name. What is told to it from here on is held, so nothing after the claim is missed. */
  async claim(name: Name): ReturnType<NameClaim["acquire"]> {
    this.#line.sendQueue.cork();
    return this.nameClaim.acquire(name);
  }

  suspend(): void {
    if (!this.nameClaim.isClaimed) return;
    this.nameClaim.doubt();
    this.#line.sendQueue.cork();
  }

  async reclaim(mayBeOlder: boolean): Promise<void> {
    if (!this.nameClaim.isClaimed || this.#state === "leaving" || !this.nameClaim.isLive) return;
    await this.nameClaim.reclaim(mayBeOlder, (isKept) => {
      if (isKept) this.#open();
      else this.#line.replaced();
    });
  }

  attach(webSocket: AnsweringSocket, socket: Socket): void {
    this.#mayPing = webSocket.protocol !== "";
    this.#pulse.attach(webSocket, socket);
    this.#line.attach(webSocket, socket);
    setTimeout(() => this.#open(), SETTLE_MS);
  }

  hear(notice: Notice, frame: Frame | undefined): boolean {
    const isOwn =
      notice.type === "presence" &&
      this.nameClaim.hasName &&
      notice.user.name === this.nameClaim.name;
    if (isOwn) {
      // what became of the name before this session had it is not this session's story
      if (!this.nameClaim.hears(notice)) return false;
      const { status } = notice.user;
      this.#status = status;
      this.#doors.events.statusChanged(this, notice);
    }
    if (notice.type === "gap" && notice.hasMissed) this.hasHole = true;
    if (frame === undefined || this.#line.isClosing || this.hasHole) return false;
    this.#line.sendQueue.push(frame);
    if (isOwn && this.#state === "leaving" && notice.user.status === "disconnected") {
      this.close(CLOSE.signedOut);
    }
    return true;
  }

  /** One known client exits on any ping: only who offered a subprotocol gets one. */
  isThere(): Promise<boolean> {
    if (this.#mayPing) return this.#pulse.answers();
    // what every client takes, and has heard before
    const nudge = (): void => {
      const user = { name: this.nameClaim.name, status: this.#status };
      const frame = this.dialect.encodeReply({ type: "unchanged", user });
      if (frame !== undefined) this.#line.sendQueue.push(frameOf(frame, this.dialect.frames));
    };
    return this.#pulse.survives(nudge);
  }

  checkPace(now: number): void {
    this.#line.sendQueue.checkPace(now);
  }

  close(close: Close): void {
    this.#line.close(close);
  }

  end(): Promise<void> {
    return this.#line.end();
  }

  leave(): Promise<void> {
    return this.#line.leave();
  }

  /** These dialects have no word for it. */
  goAway(): boolean {
    return false;
  }

  abandon(): void {
    this.#line.abandon();
  }

  /** Stops holding frames back, unless there is a reason to. */
  #open(): void {
    if (!this.nameClaim.isUnsettled && !this.#isSending) this.#line.sendQueue.uncork();
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
    const { observe, events } = this.#doors;
    observe.counters.frames.inc({ kind: decoded.kind });
    switch (decoded.kind) {
      case "command":
        if (decoded.dialect !== undefined) this.#speak(decoded.dialect);
        this.#noteActivity(decoded.command);
        return this.#answer(await this.#execute(decoded.command), decoded.command, frame[0]);
      case "refused":
        return this.#answer({ type: "refused", refusal: decoded.refusal });
      case "speaks":
      case "ignored": {
        const why = decoded.kind === "ignored" ? decoded.why : "unknown_op";
        return events.frameIgnored(this, why, frame[0]);
      }
      default:
        return decoded satisfies never;
    }
  }

  #noteActivity(command: Command): void {
    if (!this.nameClaim.hasName) return;
    const activity = activityOf(command, this.nameClaim.name);
    if (activity === "status") this.#doors.onStatus(this);
    else if (activity !== undefined) this.#doors.onActive(this, activity);
  }

  #speak(dialect: ByteDialect): void {
    const { connections } = this.#doors.observe.counters;
    connections.dec({ dialect: this.dialect.name });
    connections.inc({ dialect: dialect.name });
    this.dialect = dialect;
  }

  async #execute(command: Command): Promise<Reply> {
    try {
      if (command.type === "register") return await this.#register(command.name);
      if (!this.nameClaim.isClaimed) return { type: "refused", refusal: "not_registered" };
      if (!(await this.nameClaim.untilSure())) return { type: "refused", refusal: "unavailable" };
      // nobody is there to read the answer
      if (this.#line.isEnded && isQuestion(command)) return { type: "accepted" };
      if (command.type === "status" && command.status === "disconnected") {
        return await this.#signOut(command);
      }
      if (command.type === "send") return await this.#send(command);
      return await this.#doors.chat.execute(this.nameClaim, command);
    } catch (error) {
      const { log } = this.#doors.observe;
      if (error instanceof Unavailable) log.warn({ err: error }, "store was unavailable");
      else log.error({ err: error, command: command.type }, "command failed");
      return { type: "refused", refusal: "unavailable" };
    }
  }

  /** Where the store's answer says more than the feed's, its own message waits for that answer. */
  async #send(command: Extract<Command, { type: "send" }>): Promise<Reply> {
    if (!this.#doors.mustAwaitStore) return this.#doors.chat.execute(this.nameClaim, command);
    this.#isSending = true;
    this.#line.sendQueue.cork();
    try {
      return await this.#doors.chat.execute(this.nameClaim, command);
    } finally {
      this.#isSending = false; // what was held is released behind the answer
    }
  }

  /** A name by frame: the one it has, or its first. */
  async #register(name: Name): Promise<Reply> {
    if (!this.nameClaim.isClaimed) {
      if (this.#doors.chat.refuseName(name)) return { type: "refused", refusal: "bad_name" };
      const outcome = await this.claim(name);
      if (outcome === "taken") return { type: "refused", refusal: "name_taken" };
      this.#doors.events.connected(this, outcome, this.#line);
      return { type: "registered", user: { name, status: "active" } };
    }
    if (name !== this.nameClaim.name) return { type: "refused", refusal: "bad_name" };
    const looked = await this.#doors.chat.execute(this.nameClaim, { type: "lookup", name });
    return looked.type === "user" ? { type: "registered", user: looked.user } : looked;
  }

  /** Tells everybody, this client too, and closes when it has been told. */
  async #signOut(command: Extract<Command, { type: "status" }>): Promise<Reply> {
    this.#state = "leaving"; // from here on, for the news may be faster than the answer
    let reply: Reply | undefined;
    try {
      reply = await this.#doors.chat.execute(this.nameClaim, command);
      return reply;
    } finally {
      if (reply?.type === "accepted") {
        this.nameClaim.left();
        setTimeout(() => this.close(CLOSE.signedOut), FAREWELL_MS).unref();
      } else if (this.#state === "leaving") this.#state = "open";
    }
  }

  /** A reply does not wait behind notices that are held back. */
  #answer(reply: Reply, command?: Command, op?: number): void {
    this.#doors.events.answered(this, command, reply);
    const frame = this.dialect.encodeReply(reply, op);
    if (frame !== undefined) this.#line.sendQueue.send(frameOf(frame, this.dialect.frames));
    this.#open();
  }
}

function isQuestion({ type }: Command): boolean {
  return type === "list" || type === "lookup" || type === "history";
}
