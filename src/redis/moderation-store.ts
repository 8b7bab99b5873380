/** Sanctions and the moderation log in Redis: lua/4-moderation.lua. */
import { ROLES } from "../chat/identity.js";
import type {
  ModerationAct,
  ModerationEntry,
  ModerationStore,
  NotedAct,
  Sanction,
  SanctionKind,
  SanctionsAt,
  Target,
} from "../chat/sanctions.js";
import type { MessageWriter } from "./append-queue.js";
import { isReply, type FunctionLibrary } from "./function-library.js";
import type { Keys } from "./keys.js";
import { bytes, nameAt } from "./name-bytes.js";
import { retrying } from "./retry.js";
import { writing } from "./writing.js";

/** So long a kick is kept: gateways look every second. */
const KICK_KEPT_MS = 15_000;

/** Of `moderate`. */
type Answer = readonly [outcome: Buffer, until: number, replicas: number];

export class RedisModerationStore implements ModerationStore {
  readonly #library: FunctionLibrary;
  readonly #writer: MessageWriter;
  readonly #keys: Keys;
  readonly #deadlineMs: number;

  /** @param writer where acts are done, and what is demanded of its replicas */
  constructor(
    library: FunctionLibrary,
    writer: MessageWriter,
    keys: Keys,
    { deadlineMs }: { readonly deadlineMs: number },
  ) {
    this.#library = library;
    this.#writer = writer;
    this.#keys = keys;
    this.#deadlineMs = deadlineMs;
  }

  async moderate({
    act,
    target,
    forMs,
    by,
    reason,
    id,
  }: ModerationAct): ReturnType<ModerationStore["moderate"]> {
    const keptMs = act === "kick" ? KICK_KEPT_MS : (forMs ?? 0);
    const args = [act, targetBytes(target), keptMs, by, reason, id];
    const [outcome, until] = await this.#write(
      (library) => library.call("moderate", this.#keys.moderation(), args) as Promise<Answer>,
      (answer) => answer[2],
    );
    return {
      outcome: outcome.toString() as "done" | "nothing" | "full",
      untilMs: until === 0 ? undefined : until,
    };
  }

  async note({ act, target, by, reason, id, role }: NotedAct): Promise<void> {
    const [, , log] = this.#keys.moderation();
    const args = [act, targetBytes(target), by, reason, id, role ?? ""];
    await this.#write(
      (library) => library.call("note_act", [log], args) as Promise<number>,
      (replicas) => replicas,
    );
  }

  /** What is answered is on the replicas, too, where messages are. */
  #write<Of>(
    write: (library: FunctionLibrary) => Promise<Of>,
    replicasOf: (answer: Of) => number,
  ): Promise<Of> {
    return writing(this.#writer, this.#deadlineMs, write, replicasOf);
  }

  async sanctions(version = ""): Promise<SanctionsAt | undefined> {
    const [sanctions, ends] = this.#keys.moderation();
    const answer = await this.#readSince([sanctions, ends], version);
    if (answer === undefined) return undefined;
    const [now, ...words] = answer as [Buffer, ...Buffer[]];
    if (now.toString() === version) return undefined;
    const all: Sanction[] = [];
    for (let i = 0; i < words.length; i += 2) {
      const sanction = sanctionOf(words[i]!, words[i + 1]!);
      if (sanction !== undefined) all.push(sanction);
    }
    return { version: now.toString(), sanctions: all };
  }

  /** Damaged data must not keep a gateway from starting, nor lift what it knows. */
  async #readSince(keys: string[], version: string): Promise<unknown> {
    try {
      return await this.#library.call("sanctions_since", keys, [version]);
    } catch (error) {
      if (!isReply(error, "WRONGTYPE")) throw error;
      this.#library.observe.log.error(
        { event: "sanctions_damaged", err: error },
        "what says who is banned or muted is damaged: what was known last stays in force",
      );
      return undefined;
    }
  }

  async log(limit: number): Promise<ModerationEntry[]> {
    const [, , key] = this.#keys.moderation();
    const { redis } = this.#library;
    const found = await retrying(this.#deadlineMs, () =>
      redis.xrevrangeBuffer(key, "+", "-", "COUNT", limit),
    );
    return found.flatMap(([id, fields]) => entryOf(id, fields) ?? []);
  }
}

function targetBytes(target: Target): Buffer {
  switch (target.kind) {
    case "name":
      return bytes(`=${target.name}`);
    case "addresses":
      return bytes(`/${target.range}`);
    default:
      return target satisfies never;
  }
}

/** A value that is none, of another release or damaged, is left out. */
function sanctionOf(field: Buffer, value: Buffer): Sanction | undefined {
  const blank = field.indexOf(0x20);
  const kind = field.toString("latin1", 0, blank);
  const target = targetOf(field.subarray(blank + 1));
  const parts = /^(\d+) (\d+) (\d+) /.exec(value.toString("latin1"));
  if (target === undefined || parts === null || !isKind(kind)) return undefined;
  const [head, at, until, length] = parts;
  const end = head.length + Number(length);
  return {
    kind,
    target,
    atMs: Number(at),
    untilMs: Number(until) || undefined,
    by: value.toString("utf8", head.length, end),
    reason: value.toString("utf8", end + 1),
  };
}

function entryOf(id: Buffer, fields: readonly Buffer[]): ModerationEntry | undefined {
  const of = new Map<string, Buffer>();
  for (let i = 0; i < fields.length; i += 2) of.set(fields[i]!.toString(), fields[i + 1]!);
  const act = of.get("act")?.toString();
  const target = targetOf(of.get("target") ?? Buffer.alloc(0));
  if (act === undefined || target === undefined || !isAct(act)) return undefined;
  return {
    act,
    target,
    by: String(of.get("by") ?? ""),
    reason: String(of.get("reason") ?? ""),
    atMs: Number.parseInt(id.toString(), 10),
    untilMs: Number(of.get("until")) || undefined,
    role: ROLES.find((each) => each === of.get("role")?.toString()),
  };
}

function targetOf(target: Buffer): Target | undefined {
  const rest = nameAt(target, 1);
  if (rest === "") return undefined;
  if (target[0] === 0x3d) return { kind: "name", name: rest };
  if (target[0] === 0x2f) return { kind: "addresses", range: rest };
  return undefined;
}

function isKind(word: string): word is SanctionKind {
  return word === "ban" || word === "mute" || word === "kick";
}

function isAct(word: string): word is ModerationEntry["act"] {
  return Object.hasOwn(ACTS, word);
}

const ACTS: Record<ModerationEntry["act"], true> = {
  kick: true,
  ban: true,
  unban: true,
  mute: true,
  unmute: true,
  role: true,
  password: true,
  revoke: true,
  unregister: true,
  remove: true,
};
