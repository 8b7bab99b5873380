/** The TCP acceptor: reads the one request of each connection, and cuts connections that send none in time. */
import type { Socket } from "node:net";
import { wholeAnswer } from "./answers.js";
import { hangUp } from "./hang-up.js";
import { OneRequest } from "./one-request.js";
import { readHead, type HeadStatus } from "./request-head.js";

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
      this.#stopWaiting(socket);
      this.#open.delete(socket);
    };
    this.#onClose = function onClose() {
      gone(this);
    };
  }

  /** Accepts a connection; hands on its request, when the head has been read. */
  accept(socket: Socket, handOn: (request: OneRequest) => void): void {
    this.#open.set(socket, setTimeout(cut, REQUEST_WITHIN_MS, socket));
    socket.on("close", this.#onClose);
    socket.on("error", ignore); // `close` follows, and each owner listens to that
    readHead(socket, (head) => {
      this.#stopWaiting(socket);
      if (typeof head === "number") hangUp(socket, wholeAnswer(socket, head, REASONS[head]));
      else handOn(new OneRequest(socket, head));
    });
  }

  #stopWaiting(socket: Socket): void {
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
