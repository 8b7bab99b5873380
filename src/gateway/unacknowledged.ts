/**
 * Unacknowledged bytes of a connection, as the kernel knows them: they tell whether the other machine still answers.
 * Linux only; elsewhere nothing is known. proc_net_tcp(5)
 */
import { readFile } from "node:fs/promises";
import { isIPv4, type Socket } from "node:net";

export interface Unacknowledged {
  readonly bytes: number;
  /** How often the oldest of them were retransmitted. */
  readonly resent: number;
}

export const NOTHING: Unacknowledged = { bytes: 0, resent: 0 };

/** Resolves with zeros if everything is acknowledged, or nothing is known. */
export async function unacknowledgedBy(socket: Socket): Promise<Unacknowledged> {
  const { localPort, remoteAddress, remotePort, remoteFamily } = socket;
  if (localPort === undefined || remoteAddress === undefined || remotePort === undefined) {
    return NOTHING;
  }
  const table = await tables[remoteFamily === "IPv6" ? "tcp6" : "tcp"].next();
  return (
    table.get(keyOf(localPort, `${kernelAddress(remoteAddress)}:${hexPort(remotePort)}`)) ?? NOTHING
  );
}

/**
 * A table of the kernel, with a line for each connection of the machine. Callers that ask at the same time share one
 * reading, which begins after they asked.
 */
class Table {
  readonly #file: string;
  #reading: Promise<unknown> = Promise.resolve();
  #next: Promise<ReadonlyMap<string, Unacknowledged>> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  next(): Promise<ReadonlyMap<string, Unacknowledged>> {
    this.#next ??= this.#reading.then(() => {
      const found = readFile(this.#file, "latin1").then(unacknowledgedIn, () => new Map());
      this.#next = undefined;
      this.#reading = found;
      return found;
    });
    return this.#next;
  }
}

const tables = { tcp: new Table("/proc/self/net/tcp"), tcp6: new Table("/proc/self/net/tcp6") };

/** The connections of a table that have unacknowledged bytes. */
export function unacknowledgedIn(table: string): Map<string, Unacknowledged> {
  const found = new Map<string, Unacknowledged>();
  // sl, local, remote, state, sent:received, timer, retransmits
  const lines =
    /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F]{2} (?!0{8}:)([0-9A-F]{8}):\S+ \S+ ([0-9A-F]+)/gm;
  for (const [, port = "", remote = "", bytes = "", resent = ""] of table.matchAll(lines)) {
    found.set(keyOf(Number.parseInt(port, 16), remote), {
      bytes: Number.parseInt(bytes, 16),
      resent: Number.parseInt(resent, 16),
    });
  }
  return found;
}

/** @param remote as the kernel writes it */
export function keyOf(localPort: number, remote: string): string {
  return `${hexPort(localPort)} ${remote}`;
}

/** An address as the kernel writes it: in words of four bytes, each little-endian. */
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
