/**
 * One request of a connection, as Node's HTTP server gets it: the head, and nothing behind it. So its parser never sees
 * a second request, nor a body. What is answered goes to the connection.
 */
import { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { hangUp } from "./hang-up.js";

export class OneRequest extends Duplex {
  readonly socket: Socket;
  readonly method: string;
  readonly #onClose = (): void => void this.destroy();

  constructor(socket: Socket, head: Buffer) {
    super();
    this.socket = socket;
    this.method = head.toString("latin1", 0, head.indexOf(" "));
    socket.on("close", this.#onClose);
    this.push(head);
  }

  /** The connection lives on when this is gone. */
  release(): void {
    this.socket.off("close", this.#onClose);
  }

  override _read(): void {} // nothing follows

  override _write(bytes: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.socket.write(bytes, done);
  }

  override _final(done: () => void): void {
    hangUp(this.socket);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.release();
    this.socket.destroy();
    done(error);
  }
}

/** The connection behind a request, or behind what Node's HTTP server takes for a connection. */
export function connectionOf(request: IncomingMessage | Duplex): Socket {
  return oneRequest(request).socket;
}

/** The same, to be kept when the request is answered: an upgrade. */
export function released(request: IncomingMessage): Socket {
  oneRequest(request).release();
  return connectionOf(request);
}

/** The method of what Node's HTTP server takes for a connection. */
export function methodOf(connection: Duplex): string {
  return oneRequest(connection).method;
}

function oneRequest(request: IncomingMessage | Duplex): OneRequest {
  return (request instanceof Duplex ? request : request.socket) as Duplex as OneRequest;
}
