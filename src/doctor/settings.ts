/** Rules about the answers of `CONFIG GET`, where the user may ask. */
import { formatBytes } from "./bytes.js";
import type { Seen } from "./server.js";
import { ok, warning, type Rule, type Verdict } from "./verdict.js";

export function settingOf(
  name: string,
  judge: (value: string, seen: Seen) => Verdict,
): Rule<Seen>["judge"] {
  return (seen) => {
    const value = seen.settings?.get(name);
    if (value !== undefined) return judge(value, seen);
    return { is: "unseen" };
  };
}

/** A hard limit in bytes, and a soft one in bytes for some seconds; 0 is no limit. */
export interface Limit {
  readonly hard: number;
  readonly soft: number;
  readonly softSeconds: number;
}

interface BufferLimit {
  readonly kind: "pubsub" | "replica";
  readonly value: string;
  readonly why: string;
  isGood(this: void, limit: Limit, seen: Seen): boolean;
  /** The values of the setting, after its kind. */
  set(this: void, seen: Seen): string;
}

export function bufferLimitRule({ kind, value, why, isGood, set }: BufferLimit): Rule<Seen> {
  return {
    name: `client-output-buffer-limit ${kind}`,
    value,
    why,
    judge: settingOf("client-output-buffer-limit", (all, seen) => {
      const limit = limitOf(all, kind);
      if (limit === undefined) return { is: "unseen" };
      const found = `${formatBytes(limit.hard)} ${formatBytes(limit.soft)} ${limit.softSeconds}`;
      if (limit.hard > 0 && isGood(limit, seen)) return ok(found);
      const command = `CONFIG SET client-output-buffer-limit "${kind} ${set(seen)}"`;
      return warning(limit.hard === 0 ? `${found}: without limit` : found, command);
    }),
  };
}

/** `normal 0 0 0 slave 268435456 67108864 60 pubsub …` */
function limitOf(all: string, kind: BufferLimit["kind"]): Limit | undefined {
  const words = all.split(" ");
  const at = words.findIndex((word) => word === kind || (kind === "replica" && word === "slave"));
  if (at === -1) return undefined;
  const [hard = 0, soft = 0, softSeconds = 0] = words.slice(at + 1, at + 4).map(Number);
  return { hard, soft, softSeconds };
}
