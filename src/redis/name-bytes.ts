/** Names as Redis has them: the same bytes as in `chat/names`, in buffers, by Node's own conversion. */
import type { Name } from "../chat/names.js";

export function bytes(name: string): Buffer {
  return Buffer.from(name, "latin1");
}

export function nameAt(bytes: Buffer, start = 0, end = bytes.length): Name {
  return bytes.toString("latin1", start, end) as Name;
}
