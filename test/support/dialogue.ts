/**
 * Plays the dialogues of documents, blocks of `console`: what is typed into `wscat` is said, and what stands behind `<`
 * must be heard. `…` stands for a value or for some fields, `KEY` and `EPOCH` for what was heard in their place first.
 */
import { expect } from "vitest";
import { WebSocket } from "ws";
import type { JsonClient } from "./json-client.js";

interface Stage {
  readonly connect: (port: number, query: string) => Promise<JsonClient>;
  /** What happens where a line begins with `#`, by the words of that line; with the client of the lines before it. */
  readonly events?: Readonly<Record<string, (client: JsonClient) => unknown>>;
}

interface Terminal {
  readonly client: JsonClient;
  /** As `wscat` tells it. */
  readonly disconnected: Promise<string>;
  /** Heard, but not in the dialogue so far. */
  readonly aside: string[];
  /** The dialogue leaves frames out, by a line `< …`. */
  isShortened: boolean;
}

/** The dialogues of a document, with the heading above each. */
export function dialoguesIn(
  document: string,
): readonly (readonly [title: string, lines: string])[] {
  return [...document.matchAll(/^```console\n(.*?)^```$/gms)].map(({ 1: lines, index }) => {
    const [, title] = [...document.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)!;
    return [title!, lines!];
  });
}

export async function play(dialogue: string, { connect, events = {} }: Stage): Promise<void> {
  const known = new Map<string, string>();
  const terminals: Terminal[] = [];
  let terminal: Terminal | undefined;
  for (const line of dialogue.trim().split("\n")) {
    const [, port, query] =
      /^\$ .*wscat -c '?ws:\/\/localhost:(\d+)\/ws([^']*)'?$/.exec(line) ?? [];
    if (port !== undefined) {
      terminal = opened(await connect(Number(port), query!));
      terminals.push(terminal);
    } else if (line === "# the first connection again") {
      terminal = terminals[0];
    } else if (line.startsWith("# ")) {
      await events[line.slice(2)]!(terminal!.client);
    } else if (line.startsWith("> ")) {
      terminal!.client.says(line.slice(2).replaceAll(/KEY|EPOCH/g, (word) => known.get(word)!));
    } else if (line === "< …") {
      terminal!.isShortened = true;
    } else if (line.startsWith("< ")) {
      await hears(terminal!, line.slice(2), known);
    } else {
      expect(await terminal!.disconnected).toBe(line);
    }
  }
  for (const each of terminals) await hearsNothingElse(each);
}

function opened(client: JsonClient): Terminal {
  const disconnected = new Promise<string>((resolve) => {
    client.webSocket.once("close", (code, reason) =>
      resolve(`Disconnected (code: ${code}, reason: "${reason.toString()}")`),
    );
  });
  return { client, disconnected, aside: [], isShortened: false };
}

/** An answer and the event it causes may come in either order; presence comes by itself. */
async function hears(
  { client, aside }: Terminal,
  line: string,
  known: Map<string, string>,
): Promise<void> {
  const pattern = patternOf(line, known);
  let place = aside.findIndex((frame) => pattern.test(frame));
  while (place === -1) {
    const frame = await client.next().catch((error: unknown) => {
      throw new Error(`waited for ${line}, heard ${aside.slice(-8).join(" ")}`, { cause: error });
    });
    aside.push(JSON.stringify(frame));
    if (pattern.test(aside.at(-1)!)) place = aside.length - 1;
  }
  const [frame] = aside.splice(place, 1);
  for (const [word, value] of Object.entries(pattern.exec(frame!)!.groups ?? {})) {
    known.set(word, value);
  }
}

async function hearsNothingElse({ client, aside, isShortened }: Terminal): Promise<void> {
  if (client.webSocket.readyState === WebSocket.OPEN) {
    client.says({ type: "ping" });
    // a close may be under way: then there is no pong
    const next = () =>
      client.next().catch((error: unknown) => {
        if (client.webSocket.readyState !== WebSocket.CLOSED) throw error;
        return undefined;
      });
    for (let frame = await next(); frame && frame.type !== "pong"; frame = await next()) {
      aside.push(JSON.stringify(frame));
    }
  }
  const unexpected = aside.filter((frame) => !frame.startsWith('{"type":"presence"'));
  if (!isShortened) expect(unexpected, "heard, but not in the dialogue").toEqual([]);
}

function patternOf(line: string, known: Map<string, string>): RegExp {
  const seen = new Set(known.keys());
  const source = line
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('"…"', '"[^"]*"')
    .replaceAll(":…", String.raw`:\d+`)
    .replaceAll("…", ".*?")
    .replaceAll(/KEY|EPOCH/g, (word) => {
      if (seen.has(word)) return known.get(word) ?? `\\k<${word}>`;
      seen.add(word);
      return `(?<${word}>[\\w-]+)`;
    });
  return new RegExp(`^${source}$`);
}
