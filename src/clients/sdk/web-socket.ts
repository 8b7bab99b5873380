/** As much of a WebSocket as the SDK needs: a browser's, Node's own from 22 on, or that of `ws`. */

export interface WebSocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Hangs up without a word; only some have it. */
  terminate?(): void;
  addEventListener(type: "open", listener: () => void): void;
  /** Some say what it was, in a `message`. */
  addEventListener(type: "error", listener: (event: object) => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;
