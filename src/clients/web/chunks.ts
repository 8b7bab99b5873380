/** Which lines belong together, and which of them are near the screen. Pure. */
import type { Row } from "../view/rows.js";

export interface ChunkOfRows {
  readonly id: string;
  readonly rows: readonly Row[];
}

/** Of the chunks that have been drawn, in pixels. */
export type Heights = Map<string, number>;

const MESSAGES = 40;
const GUESSED_PX = MESSAGES * 48;
/** Beyond the screen, in screens. */
const BEYOND = 1.5;

/** By number: so that a chunk stays the same when others are added before it. */
export function chunksOf(rows: readonly Row[]): readonly ChunkOfRows[] {
  const chunks: { id: string; rows: Row[] }[] = [];
  let waiting: Row[] = [];
  const add = (id: string, row: Row): void => {
    const last = chunks.at(-1);
    if (last?.id === id) last.rows.push(...waiting, row);
    else chunks.push({ id, rows: [...waiting, row] });
    waiting = [];
  };
  for (const row of rows) {
    if (row.type === "message") add(String(Math.floor(row.message.seq / MESSAGES)), row);
    else if (row.type === "outgoing") add("outgoing", row);
    else waiting.push(row); // a line above others belongs to them
  }
  if (waiting.length > 0) chunks.push({ id: "rest", rows: waiting });
  return chunks;
}

/** Where the screen is: so far below the top of a chunk, whatever is added above it. */
export interface Place {
  readonly chunk: string | undefined;
  readonly below: number;
  /** Of the screen. */
  readonly height: number;
}

/** The chunks to be drawn: those around the screen, and those whose height is not known. */
export function around(
  chunks: readonly ChunkOfRows[],
  heights: Heights,
  { chunk, below, height }: Place,
  isAtEnd: boolean,
): ReadonlySet<string> {
  const sizes = chunks.map(({ id }) => heights.get(id));
  const before = chunks.findIndex(({ id }) => id === chunk);
  const top = sum(sizes.slice(0, Math.max(0, before))) + below;
  const total = sum(sizes);
  const from = (isAtEnd ? total - height : top) - height * BEYOND;
  const to = (isAtEnd ? total : top + height) + height * BEYOND;
  const found = new Set<string>();
  let at = 0;
  chunks.forEach(({ id }, index) => {
    const size = sizes[index];
    const end = at + (size ?? GUESSED_PX);
    if (size === undefined || (end >= from && at <= to)) found.add(id);
    at = end;
  });
  return found;
}

function sum(sizes: readonly (number | undefined)[]): number {
  return sizes.reduce<number>((total, size) => total + (size ?? GUESSED_PX), 0);
}
