/** What a WebSocket client says, byte by byte: for clients that do not behave. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A connection on which this was said. */
export async function dialled(port: number, said: string | Buffer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // cut: seen as the end
  await once(socket, "connect");
  socket.write(said);
  return socket;
}

/** All that is heard until the other side ends. */
export async function heardUntilEnd(socket: Socket): Promise<Buffer> {
  const heard: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => heard.push(chunk));
  await once(socket, "close");
  return Buffer.concat(heard);
}

/** The request of a handshake, up to its blank line. `more`: further header lines, each with its end. */
export function upgradeRequest(target: string, more = ""): string {
  return (
    `GET ${target} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`
  );
}

/** A close frame without a code, masked with zeros. */
export const CLOSE_FRAME = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);

/** A short binary frame, masked with zeros. */
export function masked(bytes: readonly number[]): Buffer {
  return Buffer.from([0x82, 0x80 | bytes.length, 0, 0, 0, 0, ...bytes]);
}
