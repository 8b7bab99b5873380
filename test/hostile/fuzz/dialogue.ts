/** A connection of the fuzz: an upgrade, frames, an end; the same for the same seed and place. */
import { Random } from "#verifier/random.js";
import { BINARY, TEXT, clientFrame } from "../rogue.js";
import type { Dialect } from "../world.js";
import { byteRequest, jsonRequest, ownName, upgradeLines } from "./grammar.js";
import { changedBytes, changedFrame, changedJson, changedLines, headOf } from "./mutations.js";

export interface Dialogue {
  readonly head: Buffer;
  readonly frames: readonly Buffer[];
  /** How the client ends it. */
  readonly ending: "close frame" | "FIN" | "RST" | "vanishes";
  /** Each is written alone, or all are in few writes. */
  readonly isSplit: boolean;
}

const MOST_FRAMES = 60;
const GOLDEN = 0x9e3779b1;

export function dialogueOf(seed: number, place: number): Dialogue {
  const random = new Random(Math.imul(seed + place, GOLDEN) ^ place);
  const dialect = random.pick<Dialect>(["classic", "ws-protocol", "json"]);
  const lines = upgradeLines(random, dialect);
  const frames = Array.from({ length: Math.floor(random.between(1, MOST_FRAMES)) }, () =>
    frameOf(random, dialect),
  );
  // a hello, so that what follows is looked at
  if (dialect === "json" && random.next() < 0.8) {
    frames.unshift(
      clientFrame(
        JSON.stringify({ type: "hello", name: ownName(random, dialect), key: "k" }),
        TEXT,
      ),
    );
  }
  // what breaks the rules of WebSockets ends the connection, so nothing is behind it
  if (random.next() < 0.3) frames.push(changedFrame(frames.at(-1)!, random));
  return {
    head: random.next() < 0.15 ? changedLines(lines, random) : headOf(lines),
    frames,
    ending: random.pick(["close frame", "close frame", "FIN", "RST", "vanishes"]),
    isSplit: random.next() < 0.2,
  };
}

function frameOf(random: Random, dialect: Dialect): Buffer {
  const isChanged = random.next() < 0.6;
  if (dialect !== "json") {
    const request = byteRequest(random, dialect);
    const bytes = isChanged ? changedBytes(request, random) : request;
    return clientFrame(bytes, random.next() < 0.2 ? TEXT : BINARY);
  }
  const request = jsonRequest(random);
  const text = isChanged ? changedJson(request, random) : JSON.stringify(request);
  return clientFrame(text, TEXT);
}
