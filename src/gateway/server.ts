/** The server on the chat's port, and its sessions: listens, drains, closes. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Chat } from "../chat/chat.js";
import type { KnownBans } from "./moderator.js";
import type { Observe } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";
import { hasLeft, nameOf } from "../session/questions.js";
import type { Dialect } from "../wire/dialect.js";
import { addressKey } from "../limits/address-key.js";
import { Admission } from "./admission.js";
import { wholeAnswer } from "./answers.js";
import { Connection } from "./connection.js";
import { ConnectionCaps, type CapSettings } from "./connection-caps.js";
import { addressOf } from "./client-address.js";
import { drain, type Drain } from "./drain.js";
import { hangUp } from "./hang-up.js";
import type { EventLog } from "./event-log.js";
import { closeExpired } from "./expiry.js";
import type { Hub } from "./hub.js";
import type { SendQueueLimits } from "./send-queue.js";
import { HttpRoutes } from "./http-routes.js";
import { connectionOf, methodOf, released } from "./one-request.js";
import type { Presence } from "./presence.js";
import type { Session, SessionDependencies } from "./session.js";
import type { StaticSite } from "./static-site.js";
import { TcpAcceptor, type AcceptorSettings } from "./tcp-acceptor.js";
import { Upgrader, type UpgraderSettings } from "./upgrader.js";
import type { DialectName } from "./upgrade-request.js";
import { Window } from "../window.js";
import { replyWindow } from "./write-coalescer.js";

export interface GatewaySettings extends AcceptorSettings, UpgraderSettings, CapSettings {
  readonly sendQueue: SendQueueLimits;
  readonly mustAwaitStore: boolean;
}

export interface GatewayDependencies {
  readonly chat: Chat;
  readonly hub: Hub;
  readonly presence: Presence;
  readonly observe: Observe;
  readonly events: EventLog;
  readonly dialects: Readonly<Record<DialectName, Dialect>>;
  readonly requestLimits: SessionDependencies["requestLimits"];
  readonly claimLimits: SessionDependencies["claimLimits"];
  readonly turns: SessionDependencies["turns"];
  readonly onActive: SessionDependencies["onActive"];
  readonly onStatus: SessionDependencies["onStatus"];
  readonly mayBeFree: SessionDependencies["mayBeFree"];
  /** Signs out the session's user, if the session still has its name; keeps retrying. */
  readonly onLeft: (session: Session) => void;
  readonly isReady: () => boolean;
  readonly bans: KnownBans;
  /** `/readyz` answers with it, so that this gateway recognises itself among its peers. */
  readonly id: string;
  readonly nowMs: () => number;
  /** The page for browsers, if there is one. */
  readonly site: StaticSite | undefined;
}

const PACE_CHECK_MS = 1_000;
/** What a stopping gateway gives connections that are no sessions, before it cuts them. */
const IDLE_CLOSE_MS = 2_500;

export class Gateway {
  readonly #dependencies: GatewayDependencies;
  readonly #sessionDependencies: SessionDependencies;
  readonly #sessions = new Set<Session>();
  readonly #acceptor: TcpAcceptor;
  readonly #http = createHttpServer({ requireHostHeader: false }); // the routes ask for it
  readonly #routes: HttpRoutes;
  readonly #upgrader: Upgrader;
  readonly #caps: ConnectionCaps;
  readonly #admission: Admission;
  #pacing: NodeJS.Timeout | undefined;
  /** draining: says at /readyz that it will go. leaving: takes nobody in. stopping: not even plain HTTP. */
  #state: "open" | "draining" | "leaving" | "stopping" = "open";

  constructor(settings: GatewaySettings, dependencies: GatewayDependencies) {
    this.#dependencies = dependencies;
    this.#sessionDependencies = {
      ...dependencies,
      settings: { ...settings, maxEarlyBytes: settings.sendQueue.maxBytes },
      limits: settings.sendQueue,
      replyWindow: new Window(replyWindow),
      onClaiming: (session) => dependencies.hub.add(session, session.holder.name),
      onUnshared: (session) => dependencies.hub.unshared(session),
      onUnclaimed: (session, isUnsure) => this.#release(session, isUnsure),
      onLeft: (session) => dependencies.hub.release(session, session.holder.name),
      onEnded: (session, ending) => {
        this.#sessions.delete(session);
        dependencies.observe.counters.connections.dec({ dialect: session.dialect.name });
        dependencies.events.disconnected(session, ending);
        if (nameOf(session.state) !== undefined) this.#release(session, !hasLeft(session.state));
      },
    };
    this.#routes = new HttpRoutes({
      chat: dependencies.chat,
      log: dependencies.observe.log,
      mayBeFree: dependencies.mayBeFree,
      isReady: dependencies.isReady,
      id: dependencies.id,
      isDraining: () => this.#state !== "open",
      admit: (request) => this.#admit(request),
      site: dependencies.site,
    });
    this.#caps = new ConnectionCaps(settings, () => ({
      open: this.#acceptor.size,
      // those that are about to claim a name are in the hub
      unnamed: this.#sessions.size - dependencies.hub.sessions.size,
    }));
    this.#admission = new Admission(settings.handshakesPerSecond);
    this.#upgrader = new Upgrader(settings, {
      ...dependencies,
      caps: this.#caps,
      admission: this.#admission,
      isLeaving: () => this.#isLeaving,
      open: (dialect) => this.#open(dialect),
    });
    for (const event of ["request", "checkContinue", "checkExpectation"]) {
      this.#http.on(event, (request: IncomingMessage, response: ServerResponse) => {
        this.#acceptor.hearProxy(request);
        void this.#routes.serve(request, response);
      });
    }
    this.#http.on("upgrade", (request: IncomingMessage) => {
      this.#acceptor.hearProxy(request);
      const socket = released(request);
      this.#upgrader.upgrade(request, socket).catch((error: unknown) => {
        dependencies.observe.log.error({ event: "upgrade_failed", err: error }, "upgrade failed");
        socket.destroy();
      });
    });
    this.#http.on("clientError", (_error, request) => {
      const socket = connectionOf(request);
      const method = methodOf(request);
      const answer = wholeAnswer(socket, 400, "this is no HTTP/1.1 request", { method });
      if (socket.writable) hangUp(socket, answer);
      else socket.destroy();
    });
    this.#acceptor = new TcpAcceptor(settings, dependencies.observe.log, {
      asked: (request) => this.#http.emit("connection", request),
      gone: (socket) => this.#caps.leave(socket),
    });
    const { connections, connectionsLimit } = dependencies.observe.counters;
    connectionsLimit.set(settings.maxConnections);
    // the autoscaler needs this series of a gateway that has no connections yet, too
    for (const { name } of Object.values(dependencies.dialects))
      connections.set({ dialect: name }, 0);
  }

  /** Listens; resolves with the port. */
  async listen(): Promise<number> {
    const port = await this.#acceptor.listen();
    this.#pacing = setInterval(() => {
      const now = performance.now();
      for (const session of this.#sessions) session.checkPace(now);
      closeExpired(this.#sessions, this.#dependencies.nowMs());
    }, PACE_CHECK_MS);
    return port;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** See {@link TcpAcceptor.certificateEnd}. */
  get certificateEnd(): number {
    return this.#acceptor.certificateEnd;
  }

  /** Bytes that were handed to sockets and not taken by the network yet. */
  get queuedBytes(): number {
    return this.#acceptor.queuedBytes;
  }

  /** Tells balancers that it will go (/readyz answers 404); goes on as before. */
  announceDrain(): void {
    if (this.#state === "open") this.#state = "draining";
  }

  /**
   * Refuses new clients, and asks all sessions to leave (1012), spread over the window. A client that can be told
   * may connect elsewhere first, and leave by itself within the grace. The node still listens: a balancer that cannot
   * ask it would take it for dead, and cut the sessions that are still open.
   */
  async drain(
    times: Pick<Drain<Session>, "windowMs" | "graceMs" | "withinMs" | "hurry">,
  ): Promise<void> {
    this.#state = "leaving";
    this.#admission.close();
    const leave = async (session: Session): Promise<void> => {
      await session.leave();
      session.close("restarting");
    };
    const tell = (session: Session, inMs: number): boolean => session.goAway(inMs);
    await drain(this.#sessions, { ...times, tell, leave });
  }

  /**
   * Stops listening, closes all sessions, and ends when the last session is gone and its requests are done, or the
   * time is up.
   */
  async close(withinMs: number): Promise<void> {
    if (this.#state === "stopping") return;
    this.#state = "stopping";
    clearInterval(this.#pacing);
    this.#admission.close();
    const closed = this.#acceptor.close();
    for (const session of this.#sessions) session.close("restarting");
    // idle HTTP connections, and those that are still at their first line
    const lingering = setTimeout(() => this.#acceptor.destroyAll(), IDLE_CLOSE_MS);
    await closed;
    clearTimeout(lingering);
    const ended = Promise.all([...this.#sessions].map((session) => session.end()));
    const time = new AbortController();
    await Promise.race([ended, pauseUnlessAborted(withinMs, time.signal)]);
    time.abort();
    for (const session of this.#sessions) session.abandon();
  }

  #admit(request: IncomingMessage): true | Promise<boolean> {
    const socket = connectionOf(request);
    return this.#admission.enter(addressKey(addressOf(socket)), () => socket.destroyed);
  }

  /** A session that is closed with the gateway. */
  #open(dialect: Dialect): Session {
    const session = new Connection(dialect, this.#sessionDependencies);
    this.#sessions.add(session);
    this.#dependencies.observe.counters.connections.inc({ dialect: dialect.name });
    return session;
  }

  get #isLeaving(): boolean {
    return this.#state === "leaving" || this.#state === "stopping";
  }

  #release(session: Session, mayHaveName: boolean): void {
    this.#dependencies.hub.remove(session, session.holder.name);
    if (mayHaveName) this.#dependencies.onLeft(session);
  }
}
