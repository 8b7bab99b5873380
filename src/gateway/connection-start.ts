/** Reads the first bytes of a connection: the header of the PROXY protocol. */
import type { Socket } from "node:net";
import { keepAddress } from "./client-address.js";
import { parseProxyHeader } from "./proxy-header.js";

/** What is to be done with the bytes that have come: wait for more, cut, or pass them on but the first ones. */
export type Decision = "more" | "cut" | { readonly drop: number };

/**
 * Reads until it is decided what the connection begins with, then hands it on as if nothing had been read but what is
 * dropped. `decide` must decide within bounded bytes. A connection that ends before is cut; the deadline is its owner's.
 */
export function readStart(
  socket: Socket,
  decide: (bytes: Buffer) => Decision,
  handOn: () => void,
): void {
  let read: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    socket.off("readable", onReadable);
    socket.off("end", onGone);
  };
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read()) {
      read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
    }
    const decision = decide(read);
    if (decision === "more") return;
    if (decision === "cut") return onGone();
    stop();
    const rest = read.subarray(decision.drop);
    if (rest.length > 0) socket.unshift(rest);
    handOn();
  };
  const onGone = (): void => {
    stop();
    socket.destroy();
  };
  socket.on("readable", onReadable);
  socket.on("end", onGone);
}

/** Of a connection of a trusted proxy: keeps the address that its header tells, if it begins with one. */
export function readProxyHeader(socket: Socket, handOn: () => void): void {
  const decide = (bytes: Buffer): Decision => {
    const header = parseProxyHeader(bytes);
    if (header.type === "none") return { drop: 0 };
    if (header.type !== "header") return header.type === "more" ? "more" : "cut";
    keepAddress(socket, header.source);
    return { drop: header.length };
  };
  readStart(socket, decide, handOn);
}
