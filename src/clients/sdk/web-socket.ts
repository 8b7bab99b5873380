/** The part of a WebSocket that the SDK needs: a browser's, Node's own (22 and later), or that of `ws`. */

export interface WebSocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Destroys the connection without a close frame; only some have it. */
  terminate?(): void;
  addEventListener(type: "open", listener: () => void): void;
  /** Some give the cause in `message`. */
  addEventListener(type: "error", listener: (event: object) => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

export type WebSocketConstructor = new (url: string, protocols?: string[]) => WebSocketLike;
