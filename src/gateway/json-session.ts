/**
 * A session in JSON: says hello by a frame, is told what it missed, then goes on with what happens,
 * each message once and in order. PROTOCOL.md, JSON.
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Refusal, Reply } from "../chat/commands.js";
import type { Notice } from "../chat/events.js";
import type { Name } from "../chat/names.js";
import { activityOf } from "../chat/policy.js";
import { Unavailable } from "../chat/ports.js";
import { CLOSE, type Close } from "../wire/close-codes.js";
import {
  decodeRequest,
  encodeEvent,
  encodeReply,
  errorEvent,
  idOf,
  idOfFrame,
  jsonDialect,
  nameFromText,
  presenceFields,
  problem,
  textFromName,
} from "../wire/json.js";
import type { Event, Request, Requests } from "../wire/json-schema.js";
import type { AnsweringSocket } from "./answering-socket.js";
import { CatchUp } from "./catch-up.js";
import type { Asked } from "./event-log.js";
import { frameOf, type Frame } from "./frame.js";
import { NameClaim } from "./name-claim.js";
import { commandOf } from "./json-commands.js";
import { Connection } from "./connection.js";
import type { Presence } from "./presence.js";
import { Keepalive } from "./keepalive.js";
import { TokenBucket } from "./rate-limiter.js";
import { resume } from "./resume.js";
import type { Session, SessionDependencies } from "./session.js";
import { welcomeOf, type JsonSettings } from "./welcome.js";

const HELLO_WITHIN_MS = 10_000;
const WITHOUT_A_NAME: ReadonlySet<Request["type"]> = new Set(["hello", "ping", "bye"]);
/** Bad or refused frames in a row. */
const STRIKES = 100;

export class JsonSession implements Session {
  readonly nameClaim: NameClaim;
  readonly dialect = jsonDialect;
  isInactive = false;
  isLingering = true;
  readonly hasHole = false; // it closes itself
  readonly #doors: SessionDependencies;
  readonly #presence: Presence;
  readonly #settings: JsonSettings;
  readonly #line: Connection;
  readonly #rate: TokenBucket;
  readonly #catchUp: CatchUp;
  #isGreeted = false;
  #strikes = 0;
  readonly #pulse = new Keepalive((why) => this.#line.cut(why));

  constructor(settings: JsonSettings, presence: Presence, doors: SessionDependencies) {
    this.#settings = settings;
    this.#presence = presence;
    this.#doors = doors;
    this.#rate = new TokenBucket(settings.requestsPerSecond, performance.now());
    this.nameClaim = new NameClaim(doors.chat, {
      onClaiming: () => doors.onClaiming(this),
      onUnclaimed: (isUnsure) => {
        doors.onUnclaimed(this, isUnsure);
        this.#catchUp.forget();
      },
      // who has hung up meanwhile would take a name that nobody uses then
      mayBeFree: async (name) => (await doors.mayBeFree(name)) && !this.#line.isClosing,
      onLeft: () => doors.onLeft(this),
    });
    this.#line = new Connection(this.nameClaim, {
      ...doors,
      frames: "text",
      carryOut: (frame) => this.#carryOut(frame),
      isLingering: () => this.isLingering,
      onEnded: (ending) => doors.onEnded(this, ending),
    });
    this.#catchUp = new CatchUp(doors.chat, this.nameClaim, this.#line.sendQueue, {
      maxEarlyBytes: doors.limits.maxBytes,
      onOverfull: () => this.close(CLOSE.slowReader),
      onRolledBack: () => this.close(CLOSE.positionLost),
    });
  }

  attach(webSocket: AnsweringSocket, socket: Socket): void {
    this.#pulse.attach(webSocket, socket);
    const greeting = setTimeout(() => {
      if (!this.#isGreeted) this.close(CLOSE.noHello);
    }, HELLO_WITHIN_MS);
    this.#line.attach(webSocket, socket, (code) => {
      clearTimeout(greeting);
      this.#presence.unfollow(this);
      if (code === CLOSE.bye.code) this.isLingering = false;
    });
    this.#line.sendQueue.uncork();
  }

  /** Says hello for a client that has said its name in the request. */
  greet(name: Name): void {
    const hello = { type: "hello", name: textFromName(name) } as const;
    this.#line.put(Buffer.from(JSON.stringify(hello)));
  }

  suspend(): void {
    if (!this.nameClaim.isClaimed) return;
    this.nameClaim.doubt();
    this.#line.sendQueue.cork();
  }

  async reclaim(mayBeOlder: boolean): Promise<void> {
    if (!this.nameClaim.isClaimed || !this.nameClaim.isLive) return;
    await this.nameClaim.reclaim(mayBeOlder, (isKept) => {
      if (isKept) this.#line.sendQueue.uncork();
      else this.#line.replaced();
    });
  }

  hear(notice: Notice, frame: Frame | undefined): boolean {
    if (this.#line.isClosing) return false;
    // what is missing can be read again: by whoever comes back with its cursors
    if (notice.type === "gap") this.close(CLOSE.positionLost);
    if (notice.type === "presence" && notice.user.name === this.nameClaim.name) {
      if (this.nameClaim.hears(notice)) {
        this.isInactive = notice.user.status === "inactive";
        this.#doors.events.statusChanged(this, notice);
      }
    }
    if (notice.type === "typing" && notice.author === this.nameClaim.name) return false;
    return frame !== undefined && this.#catchUp.hear(notice, frame);
  }

  isThere(): Promise<boolean> {
    return this.#pulse.answers();
  }

  checkPace(now: number): void {
    this.#line.sendQueue.checkPace(now);
    this.#pulse.check(now);
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

  goAway(inMs: number): boolean {
    this.#send({ type: "goaway", reason: "drain", reconnectAfterMs: Math.round(inMs) });
    return this.nameClaim.isClaimed;
  }

  abandon(): void {
    this.#line.abandon();
  }

  async #carryOut(frame: Buffer): Promise<void> {
    const { events, observe } = this.#doors;
    const { counters, log } = observe;
    // before it is checked: to check a frame costs as much as to carry it out
    const wait = this.#rate.take(performance.now());
    if (wait > 0) {
      counters.frames.inc({ kind: "refused" });
      const refused = problem(idOfFrame(frame), "rate_limited", { retryAfterMs: wait });
      return this.#strike(refused, CLOSE.tooFast);
    }
    const decoded = decodeRequest(frame);
    counters.frames.inc({ kind: decoded.kind });
    if (decoded.kind === "bad") {
      events.frameIgnored(this, decoded.error.code);
      return this.#strike(decoded.error, CLOSE.badFrames);
    }
    const { request } = decoded;
    this.#strikes = 0;
    try {
      await this.#answer(request);
    } catch (error) {
      const isExpected = error instanceof Unavailable;
      if (isExpected) log.warn({ err: error }, "store was unavailable");
      else log.error({ err: error, request: request.type }, "request failed");
      const ours = problem(request.id, "internal");
      this.#send(isExpected ? errorEvent(request.id, "unavailable") : ours);
    }
  }

  async #answer(request: Request): Promise<void> {
    const { id } = request;
    if (!this.nameClaim.isClaimed && !WITHOUT_A_NAME.has(request.type)) {
      return this.#reply(id, { type: "refused", refusal: "not_registered" });
    }
    switch (request.type) {
      case "hello":
        return this.#hello(request);
      case "ping":
        return this.#send({ type: "pong", ...idOf(id), ts: this.#doors.nowMs() });
      case "bye": {
        this.isLingering = false;
        const isOut = await this.#line.signOut(); // before the answer: the name is free then
        this.#send(isOut ? { type: "ok", ...idOf(id) } : errorEvent(id, "unavailable"));
        return this.close(CLOSE.bye);
      }
      case "presence":
        return this.#follow(request);
      default: {
        if (this.#line.isEnded && request.type !== "publish") return;
        const read = commandOf(request);
        if ("error" in read) return this.#send(read.error);
        const { command } = read;
        const activity = activityOf(command, this.nameClaim.name);
        if (activity === "status") this.#doors.onStatus(this);
        else if (activity !== undefined) this.#doors.onActive(this, activity);
        this.#reply(id, await this.#execute(command), command);
      }
    }
  }

  async #execute(command: Parameters<SessionDependencies["chat"]["execute"]>[1]): Promise<Reply> {
    // no longer live: the name has been given back, or is just being so
    if (!this.nameClaim.isLive || !(await this.nameClaim.untilSure())) {
      return { type: "refused", refusal: "unavailable" };
    }
    const reply = await this.#doors.chat.execute(this.nameClaim, command);
    if (command.type !== "status" || reply.type !== "accepted") return reply;
    return { type: "user", user: { name: this.nameClaim.name, status: command.status } };
  }

  async #hello(hello: Requests["hello"]): Promise<void> {
    const { id, name: text, key, status, client, resume: cursors = {} } = hello;
    if (this.#isGreeted) {
      return this.#send(problem(id, "forbidden", { message: "hello was said already" }));
    }
    const { chat, observe, events } = this.#doors;
    const name = nameFromText(text);
    const refuse = (refusal: Refusal): void =>
      this.#reply(id, { type: "refused", refusal }, { type: "hello", name });
    if (chat.refuseName(name, text)) return refuse("bad_name");
    this.nameClaim.key = key ?? randomBytes(18).toString("base64url");
    const outcome = await this.nameClaim.acquire(name);
    if (outcome === "taken") return refuse("name_taken");
    events.connected(this, outcome, { client, address: this.#line.address });
    try {
      this.#isGreeted = true;
      // before the welcome: whoever had been away is not active in between for long
      if (status !== undefined && outcome !== "joined") {
        await chat.execute(this.nameClaim, { type: "status", status });
      }
      const conversations = await resume(chat, name, cursors);
      events.resumed(this, conversations);
      this.#send(welcomeOf(id, this.nameClaim, this.#settings, conversations));
      await this.#catchUp.run(conversations);
    } catch (error) {
      // what it was told is not whole: it comes back and resumes
      observe.log.warn({ err: error, session: this.nameClaim.id }, "resume failed");
      this.close(CLOSE.internal);
    }
  }

  async #follow({ id, watch = [], off = false }: Requests["presence"]): Promise<void> {
    this.#presence.unfollow(this);
    if (off || this.#line.isEnded) return this.#send({ type: "ok", ...idOf(id) });
    const watched = new Set(watch.map(nameFromText));
    const snapshot = this.#presence.follow(this, watched, this.nameClaim.name);
    this.#send({ type: "ok", ...idOf(id), ...presenceFields(snapshot) });
  }

  #strike(error: Event, closing: Close): void {
    this.#send(error);
    if (++this.#strikes >= STRIKES) this.close(closing);
  }

  #reply(id: Request["id"], reply: Reply, asked?: Asked): void {
    this.#doors.events.answered(this, asked, reply);
    const reader = this.nameClaim.hasName ? this.nameClaim.name : undefined;
    this.#line.sendQueue.send(frameOf(encodeReply(id, reply, reader), "text"));
  }

  /** Not held back behind anything: what a session in doubt is told, it is told of itself. */
  #send(event: Event): void {
    this.#line.sendQueue.send(frameOf(encodeEvent(event), "text"));
  }
}
