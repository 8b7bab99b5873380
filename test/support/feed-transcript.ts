/**
 * Transcripts of the feed: an input a line, below it, indented, what the feed does then. `RECORD=1`
 * writes down anew what it does.
 *
 *     start | subscribed | refused | lost | connected      the subscription
 *     hear 10-6                                           an event of the bucket is heard
 *     lineage 20-3 from 0-0 10-5 | lineage 20-3 from ?    the answers of Redis, to the read
 *     page 10-5..10-7 20-1 | oldest 10-2 | fail           that is under way
 *     compare 10-8                                        a head that a beat has read
 *     probe | probe unheard                               a beat's probe, and whether it comes back
 *     catch up | close | look
 *
 * A position is generation-offset; `10-5..10-7` are three.
 */
import { readFile, writeFile } from "node:fs/promises";
import { expect } from "vitest";
import type { Position } from "#tertulia/chat/events.js";

export interface Player {
  /** Does what a line says, and tells what the feed did. */
  play(line: string): Promise<readonly string[]>;
}

/** Plays a file's lines; fails unless the feed does what stands there. */
export async function playTranscript(file: URL, player: Player): Promise<void> {
  const written = await readFile(file, "utf8");
  let played = "";
  for (const line of written.split("\n").slice(0, -1)) {
    if (line.startsWith("  ")) continue;
    played += `${line}\n`;
    if (line === "" || line.startsWith("#")) continue;
    for (const effect of await player.play(line)) played += `  ${effect}\n`;
  }
  if (process.env["RECORD"] === "1") await writeFile(file, played);
  else expect(played).toBe(written);
}

export function written({ generation, offset }: Position): string {
  return `${generation}-${offset}`;
}

export function position(text: string): Position {
  const [generation, offset] = text.split("-").map(Number);
  return { generation: generation!, offset: offset! };
}

/** `10-5..10-7 20-1` as positions. */
export function positions(words: readonly string[]): Position[] {
  return words.flatMap((word) => {
    const [first, last = first] = word.split("..").map((each) => position(each));
    const count = last!.offset - first!.offset + 1;
    return Array.from({ length: count }, (_, i) => ({
      generation: first!.generation,
      offset: first!.offset + i,
    }));
  });
}

/** Positions as {@link positions} reads them. */
export function ranges(all: readonly Position[]): string {
  const parts: [first: Position, last: Position][] = [];
  for (const at of all) {
    const part = parts.at(-1);
    const isNext = part?.[1].generation === at.generation && part[1].offset + 1 === at.offset;
    if (isNext) part[1] = at;
    else parts.push([at, at]);
  }
  return parts
    .map(([first, last]) =>
      first === last ? written(first) : `${written(first)}..${written(last)}`,
    )
    .join(" ");
}
