/**
 * A WebSocket of one connection, which hears of all that happens on it. It answers a close frame only after a step that
 * comes first: the name is given back.
 */
import type { Socket } from "node:net";
import { WebSocket, type RawData } from "ws";
import { NO_STATUS } from "../wire/close-codes.js";
import { hasReceivedClose, keepOpenAfterEnd } from "./library-internals.js";

/** Hears of what happens on a WebSocket. */
export interface WebSocketOwner {
  /** A close frame has come; it is answered when this has resolved. Never rejects. */
  closeReceived(code: number): Promise<void>;
  /** A frame has come, or without one the answer to a ping. */
  heard(frame: Buffer | undefined): void;
  failed(error: Error): void;
  closed(code: number): void;
}

export class AnsweringSocket extends WebSocket {
  #socket: Socket | undefined;
  #owner: WebSocketOwner | undefined;

  /**
   * Tells the owner of everything from here on. The listeners are the same for all connections.
   *
   * @param socket of this WebSocket
   */
  serve(socket: Socket, owner: WebSocketOwner): void {
    this.#socket = socket;
    this.#owner = owner;
    this.on("message", onMessage);
    this.on("pong", onPong);
    this.on("error", onError);
    this.on("close", onClose);
  }

  get owner(): WebSocketOwner | undefined {
    return this.#owner;
  }

  /** `ws` answers a close frame by calling this, with the client's code and reason. To close first is to call this, too. */
  override close(code?: number, reason?: string | Buffer): void {
    const [socket, owner] = [this.#socket, this.#owner];
    if (socket === undefined || owner === undefined || !hasReceivedClose(this)) {
      return super.close(code, reason);
    }
    this.#socket = undefined; // asked once
    keepOpenAfterEnd(socket);
    void owner.closeReceived(code ?? NO_STATUS).then(() => super.close(code, reason));
  }
}

function ownerOf(webSocket: WebSocket): WebSocketOwner | undefined {
  return webSocket instanceof AnsweringSocket ? webSocket.owner : undefined;
}

function onMessage(this: WebSocket, data: RawData): void {
  ownerOf(this)?.heard(data as Buffer);
}

function onPong(this: WebSocket): void {
  ownerOf(this)?.heard(undefined);
}

function onError(this: WebSocket, error: Error): void {
  ownerOf(this)?.failed(error);
}

function onClose(this: WebSocket, code: number): void {
  ownerOf(this)?.closed(code);
}
