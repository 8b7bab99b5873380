/**
 * The TCP acceptor: listens, learns whose connection a trusted proxy passes on, reads the one request of each
 * connection, and cuts connections that send none in time.
 */
import type { IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Log } from "../observe.js";
import { wholeAnswer } from "./answers.js";
import { TrustedProxies, isPrivate, peerOf } from "./client-address.js";
import { readProxyHeader } from "./connection-start.js";
import { hangUp } from "./hang-up.js";
import { OneRequest, connectionOf } from "./one-request.js";
import { readInPieces } from "./read-in-pieces.js";
import { readHead, type HeadStatus } from "./request-head.js";
import { TlsServer, type TlsFiles } from "./tls-server.js";

export { addressOf } from "./client-address.js";

/** From a connection's first moment to the end of its request's head. */
const REQUEST_WITHIN_MS = 5_000;
const REASONS: Readonly<Record<HeadStatus, string>> = {
  400: "this is no HTTP/1.1 request",
  405: "only GET",
  414: "the first line is too long",
  431: "the head is too long, or has too many fields",
};
/** After so long without a byte the system asks whether the other end is there. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** Connections that wait to be accepted: as many as the system allows. */
const BACKLOG = 4_096;

/** Connections beyond the limit that are told so; more are dropped. */
const RESERVE = 1_000;

const TCP_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  allowHalfOpen: true,
};

export interface AcceptorSettings {
  readonly host: string | undefined;
  readonly port: number;
  /** Open at once. Some more are taken in: they are told so, and balancers can still ask for the node's health. */
  readonly maxConnections: number;
  /** Those that have sent no request yet: of more, the one goes that has waited longest. */
  readonly maxUnnamed: number;
  /** So many connections are taken up; the others wait for their turn. */
  readonly handshakesPerSecond: number;
  /** Who is believed about the addresses of clients: see TrustedProxies. */
  readonly trustedProxies: string | undefined;
  /** None: the port is plain. */
  readonly tls: TlsFiles | undefined;
}

/** Hears of connections. */
export interface AcceptorOwner {
  /** The head of a connection's request has been read. */
  asked(request: OneRequest): void;
  gone(socket: Socket): void;
}

export class TcpAcceptor {
  readonly #settings: AcceptorSettings;
  readonly #proxies: TrustedProxies;
  readonly #server: Server;
  readonly #tls: TlsServer | undefined;
  readonly #log: Log;
  /** The first proxy that was not believed: it is logged once. */
  #unheard: string | undefined;
  /** All open connections, each with the timer that cuts it if it sends no request. */
  readonly #open = new Map<Socket, NodeJS.Timeout | undefined>();
  /** Those that have sent no request yet, by that timer; the one that has waited longest is the first. */
  readonly #silent = new Map<NodeJS.Timeout, Socket>();
  /** One listener for all: connections are many, and most do nothing. */
  readonly #onClose: (this: Socket) => void;

  constructor(settings: AcceptorSettings, log: Log, owner: AcceptorOwner) {
    this.#settings = settings;
    this.#log = log;
    this.#proxies = new TrustedProxies(settings.trustedProxies);
    const { tls, handshakesPerSecond } = settings;
    const isNear = (address: string | undefined): boolean =>
      isPrivate(address) || this.#proxies.has(address);
    if (tls !== undefined) this.#tls = new TlsServer(tls, log, handshakesPerSecond, isNear);
    this.#server = createServer(TCP_OPTIONS, (socket) => this.#accept(socket, owner));
    this.#server.maxConnections = settings.maxConnections + RESERVE;
    const gone = (socket: Socket): void => {
      this.#stopWaiting(socket);
      this.#open.delete(socket);
      owner.gone(socket);
    };
    this.#onClose = function onClose() {
      gone(this);
    };
  }

  /** Listens; resolves with the port. @throws Error of the system if it cannot listen there, or not read a file */
  async listen(): Promise<number> {
    const { host, port } = this.#settings;
    await this.#tls?.load();
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ ...(host !== undefined && { host }), port, backlog: BACKLOG }, resolve);
    });
    void this.#tls?.follow();
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops listening; resolves when the last connection is gone. */
  close(): Promise<void> {
    this.#tls?.close();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  /** Hears what a trusted proxy says in a request: from now on `addressOf` its connection is the client's. */
  hearProxy(request: IncomingMessage): void {
    const forwarded = request.headers["x-forwarded-for"];
    if (forwarded === undefined) return;
    const socket = connectionOf(request);
    const peer = peerOf(socket);
    if (this.#proxies.has(peer)) return this.#proxies.hearForwarded(socket, forwarded);
    // a stranger may forge it as often as it likes; a neighbour is most likely a proxy that was forgotten
    if (this.#unheard !== undefined || !isPrivate(peer)) return;
    this.#unheard = peer;
    this.#log.warn(
      { event: "proxy_not_trusted", address: peer },
      "a proxy says who its clients are, and is not believed: see TRUSTED_PROXIES",
    );
  }

  #accept(socket: Socket, owner: AcceptorOwner): void {
    const deadline = setTimeout(cut, REQUEST_WITHIN_MS, socket);
    this.#keep(socket, deadline);
    this.#silent.set(deadline, socket);
    if (this.#silent.size > this.#settings.maxUnnamed) this.#cutOldest();
    const readRequest = (from: Socket): void => {
      readInPieces(from);
      readHead(from, (head) => {
        this.#stopWaiting(from);
        if (Buffer.isBuffer(head)) return owner.asked(new OneRequest(from, head));
        const { status, method } = head;
        hangUp(from, wholeAnswer(from, status, REASONS[status], { method }));
      });
    };
    const begin = (): void => {
      if (this.#tls === undefined) return readRequest(socket);
      this.#tls.secure(socket, (secure) => {
        this.#open.delete(socket);
        this.#keep(secure, deadline);
        readRequest(secure);
      });
    };
    if (this.#proxies.has(peerOf(socket))) readProxyHeader(socket, begin);
    else begin();
  }

  #keep(socket: Socket, deadline: NodeJS.Timeout): void {
    this.#open.set(socket, deadline);
    socket.on("close", this.#onClose);
    socket.on("error", ignore); // `close` follows, and each owner listens to that
  }

  #stopWaiting(socket: Socket): void {
    const deadline = this.#open.get(socket);
    if (deadline === undefined) return;
    clearTimeout(deadline);
    this.#silent.delete(deadline);
    this.#open.set(socket, undefined);
  }

  #cutOldest(): void {
    const [deadline, oldest] = this.#silent.entries().next().value!;
    this.#silent.delete(deadline);
    oldest.destroy();
  }

  /** When the certificate ends that new connections get, in seconds since 1970; 0 without TLS. */
  get certificateEnd(): number {
    return this.#tls?.certificateEnd ?? 0;
  }

  /** How many connections are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Bytes that were handed to sockets and not taken by the network yet. */
  get queuedBytes(): number {
    let sum = 0;
    for (const socket of this.#open.keys()) sum += socket.writableLength;
    return sum;
  }

  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}

function cut(socket: Socket): void {
  socket.destroy();
}

function ignore(): void {}

/**
 * Whatever happens to the connection from here on, the session ends with it. The listener lives as long as the
 * connection, so it must keep nothing of the request.
 */
export function endWith(socket: Socket, session: { end(): Promise<void> }): void {
  socket.on("close", () => void session.end());
}

/**
 * Calls `onEnd` when the client of an upgrade hangs up while nobody reads its socket yet. Not if the client has sent
 * something before: that stays unread.
 * @returns what stops this; to be called before the upgrade goes on
 */
export function watchEnd(socket: Socket, onEnd: () => void): () => void {
  const look = (): void => {
    if (socket.readableLength === 0) socket.read(0);
  };
  socket.on("readable", look);
  socket.on("end", onEnd);
  look();
  return () => {
    socket.off("readable", look);
    socket.off("end", onEnd);
  };
}
