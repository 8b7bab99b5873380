/** A WebSocket that answers a close frame only after a step that comes first: the name is given back. */
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { NO_STATUS } from "../wire/close-codes.js";
import { hasReceivedClose, keepOpenAfterEnd } from "./library-internals.js";

type BeforeAnswer = (code: number) => Promise<void>;

export class AnsweringSocket extends WebSocket {
  #answering: { readonly socket: Socket; readonly before: BeforeAnswer } | undefined;

  /**
   * Answers a close frame only when `before`, given the frame's code, has resolved. It never rejects.
   *
   * @param socket of this WebSocket
   */
  answerAfter(socket: Socket, before: BeforeAnswer): void {
    this.#answering = { socket, before };
  }

  /** `ws` answers a close frame by calling this, with the client's code and reason. To close first is to call this, too. */
  override close(code?: number, reason?: string | Buffer): void {
    const answering = this.#answering;
    if (answering === undefined || !hasReceivedClose(this)) return super.close(code, reason);
    this.#answering = undefined;
    keepOpenAfterEnd(answering.socket);
    void answering.before(code ?? NO_STATUS).then(() => super.close(code, reason));
  }
}
