/**
 * A read of a socket brings up to 64 kB, and in these may be ten thousand of the shortest frames. So what was read is passed on
 * in pieces: others wait for no more than one piece of each client, and once a client is not read from, the rest stays unread.
 */
import type { Socket } from "node:net";
import { Readable } from "node:stream";

/** Some hundred frames, if they are of the shortest. */
const PIECE_BYTES = 1_024;
/** Of what is unread when a connection is cut, so much is still passed on. */
const LAST_BYTES = 8_192;

/** From here on. */
export function readInPieces(socket: Socket): void {
  socket.push = pushPieces;
  socket.on("close", endReading);
}

/** Puts back what was read too much. */
export function unread(socket: Socket, bytes: Buffer): void {
  for (const piece of piecesOf(bytes).toReversed()) socket.unshift(piece);
}

function pushPieces(this: Readable, chunk: unknown, encoding?: BufferEncoding): boolean {
  if (!Buffer.isBuffer(chunk) || chunk.length <= PIECE_BYTES) {
    return Readable.prototype.push.call(this, chunk, encoding);
  }
  let wantsMore = true;
  for (const piece of piecesOf(chunk)) wantsMore = Readable.prototype.push.call(this, piece);
  return wantsMore;
}

function piecesOf(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    pieces.push(bytes.subarray(from, from + PIECE_BYTES));
  }
  return pieces;
}

/**
 * The connection was cut while its client was not read from. `ws` would parse all that is unread in one go; most of it is lost
 * instead, like what the system has of it.
 */
function endReading(this: Socket): void {
  const unreadBytes = this.read() as Buffer | null; // closed, it emits no data
  if (unreadBytes !== null) this.emit("data", unreadBytes.subarray(0, LAST_BYTES));
}
