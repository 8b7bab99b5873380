/**
 * Mends the request line before Node's HTTP parser sees it.
 *
 * Real clients send `GET ?name=alice HTTP/1.1`, raw UTF-8, or a blank in the query. Node's parser answers 400 to all
 * of these, and fires no event. So the first line is read here, only that line is mended, and the connection is handed
 * on. PROTOCOL.md, connecting.
 */
import type { Socket } from "node:net";

export interface RequestLineLimits {
  readonly maxLineBytes: number;
  /** From the connection's first moment to the end of its first line. */
  readonly withinMs: number;
}

/** A line that needs no mending. */
const USUAL = /^[A-Z]+ (?:\/|https?:\/\/)[\x21-\x7e]* HTTP\/1\.[01]$/i;

/** Reads the first line, mends it, and hands the socket on as if nothing had been read. */
export function mendRequestLine(
  socket: Socket,
  { maxLineBytes, withinMs }: RequestLineLimits,
  handOn: (socket: Socket) => void,
): void {
  let read: Buffer = Buffer.alloc(0);
  const deadline = setTimeout(() => socket.destroy(), withinMs);
  const stop = (): void => {
    clearTimeout(deadline);
    socket.off("readable", onReadable);
    socket.off("end", onGone);
    socket.off("close", onGone);
    socket.off("error", onGone);
  };
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read()) {
      read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
    }
    const end = read.indexOf("\r\n");
    if (end === -1 && read.length <= maxLineBytes) return;
    stop();
    if (end === -1 || end > maxLineBytes) {
      const answer = "HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
      socket.end(answer, () => socket.destroy());
      return;
    }
    const line = read.subarray(0, end);
    const mended = mendedLine(line);
    socket.unshift(mended === line ? read : Buffer.concat([mended, read.subarray(end)]));
    handOn(socket);
  };
  const onGone = (): void => {
    stop();
    socket.destroy();
  };
  socket.on("readable", onReadable);
  socket.on("end", onGone);
  socket.on("close", onGone);
  socket.on("error", onGone);
}

/**
 * The target stands between the first blank and the last ` HTTP/1.x`. Puts a slash before a target
 * that has none, and percent-encodes bytes outside 0x21–0x7E. Anything else is left as it came.
 */
export function mendedLine(line: Buffer): Buffer {
  const text = line.toString("latin1");
  if (USUAL.test(text)) return line;
  const parts = /^([A-Z]+) (.*)( HTTP\/1\.[01])$/s.exec(text);
  if (parts === null) return line;
  const [, method, target, version] = parts as unknown as [string, string, string, string];
  // oxlint-disable-next-line no-control-regex -- control bytes are among what is encoded
  const encoded = target.replaceAll(/[^\x21-\x7e]/g, percentEncoded);
  const isAbsolute = /^(?:\/|https?:\/\/|\*$)/i.test(encoded);
  return Buffer.from(`${method} ${isAbsolute ? "" : "/"}${encoded}${version}`, "latin1");
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
