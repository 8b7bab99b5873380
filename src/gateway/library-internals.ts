/**
 * What the gateway uses of `ws` and Node beyond what they document. It is used here and nowhere else, and each use has a
 * test that fails when a library changes: test/gateway/library-internals.test.ts. ARCHITECTURE.md, libraries' internals.
 */
import type { Socket } from "node:net";
import type { WebSocket } from "ws";

/**
 * Whether the client's close frame has come. `ws` answers one by calling `close()` of its own class, as it does when a
 * frame breaks the rules; only this field tells the two apart. Without the field, close frames are answered at once.
 */
export function hasReceivedClose(webSocket: WebSocket): boolean {
  return Reflect.get(webSocket, "_closeFrameReceived") === true;
}

/**
 * Keeps this side of a WebSocket's connection open when the client ends its own: `ws` listens for the end, and would end
 * this side too, without the answer to a close frame that is still owed. To be called once that frame has come.
 */
export function keepOpenAfterEnd(socket: Socket): void {
  socket.removeAllListeners("end");
}

/**
 * How many bytes of a socket the kernel has taken; undefined if this cannot be found out. `writableLength` cannot
 * tell: it falls only when all that was queued together has left.
 */
export function takenByKernel(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  const [written, queued]: unknown[] = ["bytesWritten", "writeQueueSize"].map((each) =>
    Reflect.get(handle, each),
  );
  const isKnown = typeof written === "number" && typeof queued === "number";
  return isKnown ? written - queued : undefined;
}

/** An option of `WebSocketServer` that its types do not have yet: a client may take so long to answer a close, in ms. */
export interface CloseTimeout {
  readonly closeTimeout: number;
}
