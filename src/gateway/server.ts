/** The server on the chat's port: plain HTTP, the upgrade, and the sessions that come of it. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocketServer, type ServerOptions } from "ws";
import type { Chat } from "../chat/chat.js";
import type { Observe } from "../observe.js";
import { CLOSE } from "../wire/close.js";
import type { Dialect } from "../wire/dialect.js";
import { drain } from "./drain.js";
import { mendRequestLine } from "./front.js";
import { LINGER_MS, answerUpgrade, isWebSocket, shortestEcho } from "./handshake.js";
import type { Hub } from "./hub.js";
import type { OutboxLimits } from "./outbox.js";
import type { SessionDoors } from "./session-doors.js";
import { Session } from "./session.js";
import { targetOf, type Target } from "./target.js";

export interface GatewaySettings {
  readonly host: string | undefined;
  readonly port: number;
  readonly maxFrameBytes: number;
  readonly outbox: OutboxLimits;
  /** To open at once; more are turned away with 503. */
  readonly maxConnections: number;
}

export interface GatewayDoors {
  readonly chat: Chat;
  readonly hub: Hub;
  readonly observe: Observe;
  readonly dialects: { readonly classic: Dialect; readonly wsProtocol: Dialect };
  readonly onActive: (session: Session) => void;
  /** Signs out whoever still has the session's name; keeps trying. */
  readonly onLeft: (session: Session) => void;
  readonly isReady: () => boolean;
}

const FRONT_LIMITS = { maxLineBytes: 8_192, withinMs: 5_000 };
const PACE_CHECK_MS = 1_000;
/** From a connection's first moment to the end of its request's head. */
const ASKS_WITHIN_MS = 10_000;

export class Gateway {
  readonly #settings: GatewaySettings;
  readonly #doors: GatewayDoors;
  readonly #sessionDoors: SessionDoors;
  readonly #sessions = new Set<Session>();
  /** All connections; with what ends those that have not asked for anything yet. */
  readonly #sockets = new Map<Socket, NodeJS.Timeout>();
  readonly #http = createHttpServer((request, response) => void this.#serve(request, response));
  /** Classic texts are bytes of any kind, in frames of either type. */
  readonly #webSockets: WebSocketServer;
  readonly #tcp: Server;
  #pacing: NodeJS.Timeout | undefined;
  /** draining: says at /readyz that it will go. leaving: takes nobody in. stopping: not even plain HTTP. */
  #state: "open" | "draining" | "leaving" | "stopping" = "open";

  constructor(settings: GatewaySettings, doors: GatewayDoors) {
    this.#settings = settings;
    this.#doors = doors;
    this.#sessionDoors = {
      chat: doors.chat,
      observe: doors.observe,
      limits: settings.outbox,
      onClaiming: (session) => doors.hub.add(session, session.name),
      onUnclaimed: (session, isUnsure) => this.#release(session, isUnsure),
      onActive: doors.onActive,
      onEnded: (session) => {
        this.#sessions.delete(session);
        doors.observe.counters.connections.dec({ dialect: session.dialect.name });
        doors.observe.log.info({ session: session.id }, "client disconnected");
        if (session.hasName) this.#release(session, true);
      },
    };
    // closeTimeout: not in the types yet
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      skipUTF8Validation: true,
      maxPayload: settings.maxFrameBytes,
      closeTimeout: LINGER_MS,
      handleProtocols: (offered) => shortestEcho(offered),
    };
    this.#webSockets = new WebSocketServer(options);
    this.#http.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
      this.#hasAsked(socket);
      this.#upgrade(request, socket, head).catch((error: unknown) => {
        doors.observe.log.error({ err: error }, "upgrade failed");
        socket.destroy();
      });
    });
    this.#http.on("clientError", (_error, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      else socket.destroy();
      setTimeout(() => socket.destroy(), LINGER_MS).unref();
    });
    this.#tcp = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000, allowHalfOpen: true },
      (socket) => {
        this.#accept(socket);
      },
    );
    this.#tcp.maxConnections = settings.maxConnections;
  }

  /** Listens; resolves with the port. */
  async listen(): Promise<number> {
    const { host, port } = this.#settings;
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once("error", reject);
      this.#tcp.listen({ ...(host !== undefined && { host }), port, backlog: 4_096 }, resolve);
    });
    this.#pacing = setInterval(() => {
      const now = performance.now();
      for (const session of this.#sessions) session.checkPace(now);
    }, PACE_CHECK_MS);
    return (this.#tcp.address() as AddressInfo).port;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Bytes that were handed to sockets and not taken by the network yet. */
  get queuedBytes(): number {
    return [...this.#sockets.keys()].reduce((sum, socket) => sum + socket.writableLength, 0);
  }

  /** Tells balancers that it will go (/readyz answers 404); goes on as before. */
  announceDrain(): void {
    if (this.#state === "open") this.#state = "draining";
  }

  /**
   * Turns away who comes, and asks all sessions to leave (1012), spread over the window. Still
   * listens: a balancer that could not ask would take the node for dead, and cut who is still here.
   */
  async drain(windowMs: number, withinMs: number, hurry: AbortSignal): Promise<void> {
    this.#state = "leaving";
    const leave = (session: Session): Promise<void> => this.#sendAway(session);
    await drain(this.#sessions, { windowMs, withinMs, hurry, leave });
  }

  /**
   * Listens no more, closes all sessions, and ends when the last is gone and what it had asked for
   * is done, or the time is up.
   */
  async close(withinMs: number): Promise<void> {
    if (this.#state === "stopping") return;
    this.#state = "stopping";
    clearInterval(this.#pacing);
    const closed = new Promise((resolve) => this.#tcp.close(resolve));
    for (const session of this.#sessions) session.close(CLOSE.serviceRestart, "restarting");
    // idle HTTP connections, and those that are still at their first line
    const lingering = setTimeout(
      () => this.#sockets.forEach((_, socket) => socket.destroy()),
      2_500,
    );
    await closed;
    clearTimeout(lingering);
    const ended = Promise.all([...this.#sessions].map((session) => session.end()));
    const time = new AbortController();
    await Promise.race([
      ended,
      pause(withinMs, undefined, { signal: time.signal }).catch(() => {}),
    ]);
    time.abort();
    for (const session of this.#sessions) session.abandon();
  }

  /** Does what has come, signs out, then closes: the name is free wherever the client goes next. */
  async #sendAway(session: Session): Promise<void> {
    const { chat, observe } = this.#doors;
    await session.settle();
    if (session.hasName) {
      await chat.leave(session).catch((error: unknown) => {
        observe.log.warn({ err: error, session: session.id }, "sign-out failed before the close");
      });
    }
    session.close(CLOSE.serviceRestart, "restarting");
  }

  #accept(socket: Socket): void {
    this.#sockets.set(
      socket,
      setTimeout(() => socket.destroy(), ASKS_WITHIN_MS),
    );
    socket.on("close", () => {
      this.#hasAsked(socket);
      this.#sockets.delete(socket);
    });
    socket.on("error", () => {}); // each owner hears of it by `close`
    mendRequestLine(socket, FRONT_LIMITS, (mended) => this.#http.emit("connection", mended));
  }

  #hasAsked(socket: Socket): void {
    clearTimeout(this.#sockets.get(socket));
  }

  async #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const target = targetOf(request);
    const isSeed = target.subprotocols.includes("ws-protocol");
    const { classic, wsProtocol } = this.#doors.dialects;
    const refuse = (status: 400 | 503, reason: string): void => {
      this.#doors.observe.log.info({ status, reason }, "connection was refused");
      answerUpgrade(socket, status, reason);
    };
    if (!isWebSocket(request, target.subprotocols))
      return refuse(400, "this is no WebSocket handshake");
    const refusal = this.#refusalOf(target, isSeed);
    if (refusal !== undefined) return refuse(...refusal);

    const session = new Session(isSeed ? wsProtocol : classic, this.#sessionDoors);
    this.#sessions.add(session);
    const { observe } = this.#doors;
    observe.counters.connections.inc({ dialect: session.dialect.name });
    // whatever happens to the connection from here on, the session ends with it
    socket.on("close", () => void session.end());
    if (target.name !== undefined) {
      const outcome = await session.claim(target.name).catch((error: unknown) => {
        observe.log.warn({ err: error, session: session.id }, "claim was not answered");
        return "unavailable" as const;
      });
      if (outcome === "taken") return refuse(400, "this name is taken");
      if (outcome === "unavailable") return refuse(503, "the chat is unavailable, try again");
      observe.log.info({ session: session.id, outcome }, "user registered");
    }
    if (this.#isLeaving) return refuse(503, "this node is stopping");
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      session.attach(webSocket, socket);
      observe.log.info({ session: session.id, dialect: session.dialect.name }, "client connected");
    });
  }

  /** Why the upgrade is refused before anything is claimed. */
  #refusalOf({ name }: Target, isSeed: boolean): [status: 400 | 503, reason: string] | undefined {
    if (!this.#doors.isReady() || this.#isLeaving)
      return [503, "this node is not ready, try again"];
    if (name === undefined) {
      return isSeed ? undefined : [400, "connect with a name: ws://host:port?name=you"];
    }
    if (this.#doors.chat.refuseName(name)) return [400, "nobody can be called this"];
    return undefined;
  }

  get #isLeaving(): boolean {
    return this.#state === "leaving" || this.#state === "stopping";
  }

  #release(session: Session, mayHaveName: boolean): void {
    this.#doors.hub.remove(session, session.name);
    if (mayHaveName) this.#doors.onLeft(session);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    this.#hasAsked(request.socket);
    response.on("finish", () => setTimeout(() => request.socket.destroy(), LINGER_MS).unref());
    const [status, body] = await this.#answer(request).catch((error: unknown) => {
      this.#doors.observe.log.warn({ err: error }, "request failed");
      return [503, "the chat is unavailable, try again"] as const;
    });
    // closed, so that the next request line goes through the front as well
    response.writeHead(status, {
      "content-type": "text/plain; charset=utf-8",
      connection: "close",
    });
    response.end(request.method === "HEAD" ? undefined : `${body}\n`);
  }

  async #answer(request: IncomingMessage): Promise<readonly [status: number, body: string]> {
    const { path, name } = targetOf(request);
    if (request.method !== "GET" && request.method !== "HEAD") return [405, "only GET"];
    if (path === "/healthz") return [200, "alive"];
    if (path === "/readyz") {
      if (this.#state !== "open") return [404, "draining"];
      return this.#doors.isReady() ? [200, "ready"] : [503, "not ready"];
    }
    if (path !== "/") return [404, "nothing here"];
    if (name === undefined) return [200, "Tertulia. Connect a chat client to this port: ?name=you"];
    if (this.#doors.chat.refuseName(name)) return [400, "nobody can be called this"];
    return (await this.#doors.chat.isTaken(name)) ? [400, "this name is taken"] : [200, "free"];
  }
}
