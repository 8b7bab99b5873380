/**
 * Whether the other end's machine still answers, as the kernel knows it: what was sent to it again and again, and is not
 * acknowledged. Linux only; elsewhere nothing is known. proc_net_tcp(5)
 */
import { readFile } from "node:fs/promises";
import { isIPv4, type Socket } from "node:net";

/** Resolves with how often the oldest unacknowledged bytes were sent again; 0 if there are none, or nobody knows. */
export async function resentTo(socket: Socket): Promise<number> {
  const { localPort, remoteAddress, remotePort, remoteFamily } = socket;
  if (localPort === undefined || remoteAddress === undefined || remotePort === undefined) return 0;
  const file = remoteFamily === "IPv6" ? "/proc/self/net/tcp6" : "/proc/self/net/tcp";
  const table = await readFile(file, "latin1").catch(() => "");
  return resentIn(table, localPort, `${kernelAddress(remoteAddress)}:${hexPort(remotePort)}`);
}

/** @param remote as the kernel writes it */
export function resentIn(table: string, localPort: number, remote: string): number {
  const local = `:${hexPort(localPort)}`;
  // sl, local, remote, state, sent:received, timer, sent again ...
  for (
    let at = table.indexOf(` ${remote} `);
    at !== -1;
    at = table.indexOf(` ${remote} `, at + 1)
  ) {
    const line = table.slice(table.lastIndexOf("\n", at) + 1, at + 80).trim();
    const [, own = "", , , queues = "", , resent = "0"] = line.split(/\s+/);
    if (own.endsWith(local)) {
      return Number.parseInt(queues, 16) > 0 ? Number.parseInt(resent, 16) : 0;
    }
  }
  return 0;
}

/** In words of four bytes, each as a little-endian machine reads it. */
export function kernelAddress(address: string): string {
  const bytes = bytesOf(address.replace(/%.*$/, ""));
  let hex = "";
  for (let i = 0; i < bytes.length; i += 4) {
    hex += Buffer.from(bytes.slice(i, i + 4).toReversed()).toString("hex");
  }
  return hex.toUpperCase();
}

function bytesOf(address: string): number[] {
  if (isIPv4(address)) return address.split(".").map(Number);
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (mapped !== null) return [...bytesOf(`${mapped[1]}0:0`).slice(0, 12), ...bytesOf(mapped[2]!)];
  const [start = "", end] = address.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(start), groups(end ?? "")];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return [...before, ...zeros, ...after].flatMap((group) => [group >> 8, group & 0xff]);
}

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
