/** How a connection is ended by this side, so that the client can read why. */
import type { Socket } from "node:net";

/** How long a client may take to hang up after it was answered or has begun to close. */
export const LINGER_MS = 2_000;
/** What a client may go on sending meanwhile. */
const MAX_DISCARDED_BYTES = 65_536;

/**
 * Ends this side, perhaps with a last answer, and gives the client a moment to read it and to end its own. What it sends
 * meanwhile is discarded: bytes that nobody reads would make the system reset the connection, and the answer be lost.
 */
export function hangUp(socket: Socket, answer?: string): void {
  let discarded = 0;
  socket.on("data", (bytes: Buffer) => {
    discarded += bytes.length;
    if (discarded > MAX_DISCARDED_BYTES) socket.destroy();
  });
  socket.resume();
  const late = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.on("close", () => clearTimeout(late));
  socket.end(answer ?? "");
}
