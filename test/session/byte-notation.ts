/**
 * How transcripts write the frames of the dialects of bytes: numbers, and `"text"` for a length byte with that many
 * bytes behind it: `55 "ana" "elo"`.
 */

/** The bytes that a line stands for. */
export function bytesOf(line: string): Buffer {
  const parts = line.match(/"(?:[^"\\]|\\.)*"|\d+/g) ?? [];
  return Buffer.concat(
    parts.map((part) => {
      if (!part.startsWith('"')) return Buffer.from([Number(part)]);
      const text = Buffer.from(JSON.parse(part) as string);
      return Buffer.concat([Buffer.from([text.length]), text]);
    }),
  );
}

type Field = "byte" | "text";

interface Layout {
  /** What stands once. */
  readonly once: readonly Field[];
  /** What stands any number of times behind it. */
  readonly each: readonly Field[];
}

const USER: Layout = { once: ["text", "byte"], each: [] };

/** What follows the code; the second layout is that of ws-protocol, with its total in front. */
const LAYOUTS: Readonly<Record<number, readonly Layout[]>> = {
  51: [
    { once: ["byte"], each: ["text", "byte"] },
    { once: ["byte", "byte"], each: ["text", "byte"] },
  ],
  52: [USER],
  53: [USER],
  54: [USER],
  55: [
    { once: ["text", "text"], each: [] },
    { once: ["byte", "text", "text"], each: [] },
  ],
  56: [{ once: ["byte"], each: ["text", "text"] }],
  57: [{ once: ["byte"], each: ["text", "byte"] }],
};

export function describeBytes(bytes: Uint8Array): string {
  const [code = 0, ...rest] = bytes;
  for (const layout of LAYOUTS[code] ?? []) {
    const parts = read(rest, layout);
    if (parts !== undefined) return [code, ...parts].join(" ");
  }
  return bytes.join(" ");
}

/** Undefined if the bytes do not have this layout, to the last one. */
function read(bytes: readonly number[], { once, each }: Layout): string[] | undefined {
  const parts: string[] = [];
  let at = 0;
  const take = (field: Field): boolean => {
    const first = bytes[at++];
    if (first === undefined) return false;
    if (field === "byte") parts.push(String(first));
    else {
      const text = bytes.slice(at, at + first);
      if (text.length < first) return false;
      at += first;
      parts.push(JSON.stringify(Buffer.from(text).toString()));
    }
    return true;
  };
  if (!once.every(take)) return undefined;
  while (at < bytes.length) if (each.length === 0 || !each.every(take)) return undefined;
  return parts;
}
