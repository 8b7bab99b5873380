/** One hostile input: what is sent, what the answer should be, and how to see what it is. */
import { L, type Dialect, type World, type WorldKind } from "./world.js";
import { clientFrame, jsonFrame, type LastRequest, type Rogue } from "./rogue.js";

export interface HostileCase {
  readonly sent: string;
  /** Exactly what `seen` returns when all is well. */
  readonly expected: string;
  /** Words without names, times and numbers that differ from run to run. */
  readonly seen: (world: World) => Promise<string>;
  /** Why it is not answered so yet. Such a row must not be taken for a promise. */
  readonly open?: string;
  /** It waits for seconds: it runs beside the others. */
  readonly isSlow?: boolean;
}

export interface Chapter {
  readonly title: string;
  /** Default: open. */
  readonly world?: WorldKind;
  readonly cases: readonly HostileCase[];
}

/** What a named client of this dialect got for these bytes, and what became of it. */
export function asked(
  dialect: Dialect,
  bytes: Buffer | readonly Buffer[],
): (world: World) => Promise<string> {
  return async (world) => {
    const name = world.newName();
    const rogue = await world.named(dialect, name);
    await rogue.writeAll(Buffer.isBuffer(bytes) ? bytes : Buffer.concat(bytes));
    return told(rogue, dialect, name);
  };
}

/** Answers, each kind once, in order, and no notices, which may come later; then what became of the connection. Ends it. */
export async function told(rogue: Rogue, dialect: Dialect, name: string): Promise<string> {
  const fate = await rogue.fate(lastRequest(dialect, name));
  const kinds = rogue.frames
    .map(({ opcode, payload }) =>
      opcode === 1 || opcode === 2 ? kindOf(dialect, payload) : undefined,
    )
    .filter((kind) => kind !== undefined);
  rogue.destroy();
  return [...new Set(kinds), fate].join("; ");
}

/** Of a user with this name; of a byte client without one, a ping says whether the connection lives. */
function lastRequest(dialect: Dialect, name: string): LastRequest | undefined {
  if (dialect === "json") {
    const frame = jsonFrame({ type: "ping", id: "the last" });
    return { frame, isAnswer: ({ payload }) => payload.includes('"id":"the last"') };
  }
  if (name === "") return undefined;
  const answer = Buffer.from([52, ...L(name)]);
  return {
    frame: clientFrame([2, ...L(name)]),
    isAnswer: ({ opcode, payload }) => opcode === 2 && payload.subarray(0, -1).equals(answer),
  };
}

/** What comes whether this client asked or not. */
const EVENTS = new Set(["message", "typing", "presence", "read"]);

/** Undefined: it is no answer. */
function kindOf(dialect: Dialect, payload: Buffer): string | undefined {
  if (dialect === "json") {
    const event = JSON.parse(payload.toString()) as Record<string, unknown>;
    const { type } = event;
    if (type === "error") return `error ${String(event["code"])}`;
    return EVENTS.has(String(type)) ? undefined : String(type);
  }
  const [code, second] = payload;
  if (code === 50) return `error ${second}`;
  if (code === 53 || code === 54 || code === 55) return undefined;
  return String(code);
}
