/** The TCP connections of a gateway: their first line is mended, and who asks for nothing is cut. */
import type { Socket } from "node:net";
import { mendRequestLine } from "./request-line.js";

const FRONT_LIMITS = { maxLineBytes: 8_192, withinMs: 5_000 };
/** From a connection's first moment to the end of its request's head. */
const ASKS_WITHIN_MS = 10_000;

export class TcpAcceptor {
  /** All that are open; with what ends those that have not asked for anything yet. */
  readonly #open = new Map<Socket, NodeJS.Timeout>();

  /** Takes a connection; gives it on when its first line has come. */
  accept(socket: Socket, handOn: (socket: Socket) => void): void {
    const impatience = setTimeout(() => socket.destroy(), ASKS_WITHIN_MS);
    this.#open.set(socket, impatience);
    socket.on("close", () => {
      this.hasAsked(socket);
      this.#open.delete(socket);
    });
    socket.on("error", () => {}); // each owner hears of it by `close`
    mendRequestLine(socket, FRONT_LIMITS, handOn);
  }

  /** The head of its request has come. */
  hasAsked(socket: Socket): void {
    clearTimeout(this.#open.get(socket));
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

/**
 * Tells when the client of an upgrade hangs up, for nobody reads its socket yet; not if it has said something
 * before, which is left unread. To be undone before the upgrade goes on.
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

/** Of an IPv4 client on a socket for both: as IPv4. */
export function addressOf({ remoteAddress }: Socket): string | undefined {
  return remoteAddress?.replace(/^::ffff:(?=[\d.]+$)/i, "");
}
