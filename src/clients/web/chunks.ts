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

/** The chunks to be drawn: those around the screen. */
export function around(
  chunks: readonly ChunkOfRows[],
  heights: Heights,
  { chunk, below, height }: Place,
  isAtEnd: boolean,
): ReadonlySet<string> {
  const sizes = chunks.map(({ id }) => heightOf(heights, id));
  const sum = (some: readonly number[]): number => some.reduce((total, size) => total + size, 0);
  const before = Math.max(
    0,
    chunks.findIndex(({ id }) => id === chunk),
  );
  const top = isAtEnd ? sum(sizes) - height : sum(sizes.slice(0, before)) + below;
  const from = top - height * BEYOND;
  const to = top + height * (1 + BEYOND);
  const found = new Set<string>();
  let at = 0;
  chunks.forEach(({ id }, index) => {
    const end = at + sizes[index]!;
    if (end >= from && at <= to) found.add(id);
    at = end;
  });
  return found;
}

/** Measured, or else guessed: the timeline keeps its place when the guess turns out wrong. */
export function heightOf(heights: Heights, id: string): number {
  return heights.get(id) ?? GUESSED_PX;
}
