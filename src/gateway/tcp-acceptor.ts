/** The TCP acceptor: mends the first line of each connection, and cuts connections that send no request in time. */
import type { Socket } from "node:net";
import { mendRequestLine } from "./request-line.js";

const LINE_LIMITS = { maxLineBytes: 8_192, withinMs: 5_000 };
/** From a connection's first moment to the end of its request's head. */
const REQUEST_WITHIN_MS = 10_000;
/** After so long without a byte the system asks whether the other end is there. */
const TCP_KEEP_ALIVE_MS = 30_000;

/** Of the server whose connections it accepts. */
export const TCP_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  allowHalfOpen: true,
};

export class TcpAcceptor {
  /** All open connections, each with the timer that cuts it if it sends no request. */
  readonly #open = new Map<Socket, NodeJS.Timeout | undefined>();
  /** One listener for all: connections are many, and most do nothing. */
  readonly #onClose: (this: Socket) => void;

  constructor() {
    const gone = (socket: Socket): void => {
      this.hasAsked(socket);
      this.#open.delete(socket);
    };
    this.#onClose = function onClose() {
      gone(this);
    };
  }

  /** Accepts a connection; hands it on when its first line has been read. */
  accept(socket: Socket, handOn: (socket: Socket) => void): void {
    this.#open.set(socket, setTimeout(cut, REQUEST_WITHIN_MS, socket));
    socket.on("close", this.#onClose);
    socket.on("error", ignore); // `close` follows, and each owner listens to that
    mendRequestLine(socket, LINE_LIMITS, handOn);
  }

  /** The head of its request has come. */
  hasAsked(socket: Socket): void {
    const deadline = this.#open.get(socket);
    if (deadline === undefined) return;
    clearTimeout(deadline);
    this.#open.set(socket, undefined);
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

/** The client's address. That of an IPv4 client on a dual-stack socket is told as IPv4. */
export function addressOf({ remoteAddress }: Socket): string | undefined {
  return remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/i, "");
}
