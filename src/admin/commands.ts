/** The commands of the operator: what each does, and what it tells. */
import { randomUUID } from "node:crypto";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { ROLES, type Role } from "../chat/identity.js";
import { bytesFromName, nameFromBytes, type Name } from "../chat/names.js";
import { MAX_PAGE, isName } from "../chat/policy.js";
import { Unavailable } from "../chat/ports.js";
import { newPassword } from "../identity/recovery.js";
import type {
  ModerationAct,
  ModerationEntry,
  NotedAct,
  Sanction,
  Target,
} from "../chat/sanctions.js";
import { jsonOfMessage, newestMessages, removedMessage } from "./messages.js";
import { exported, removed } from "./own-data.js";
import { shown } from "../wire/shown.js";
import type { Stores } from "./stores.js";
import { UsageError } from "./usage.js";
import { iso, written } from "./written.js";

/** The command line, behind the command. */
export interface Given {
  readonly names: readonly string[];
  readonly by: string;
  readonly reason: string;
  readonly for?: string | undefined;
  readonly address?: string | undefined;
  readonly last?: string | undefined;
  readonly erase?: boolean | undefined;
}

export interface Told {
  readonly lines: readonly string[];
  readonly json: unknown;
  readonly isDone: boolean;
}

/** Checks the command line, before anything is done. @throws UsageError */
type Command = (given: Given) => (stores: Stores) => Promise<Told>;

export const COMMANDS = {
  kick: act("kick"),
  ban: act("ban"),
  unban: act("unban"),
  mute: act("mute"),
  unmute: act("unmute"),
  role: (given) => {
    const [written, role] = given.names;
    const name = nameOf({ ...given, names: written === undefined ? [] : [written] });
    const wanted = ROLES.find((each) => each === role);
    if (given.names.length !== 2 || wanted === undefined) {
      throw new UsageError(`which role? ${ROLES.join(", ")}`);
    }
    const note = noteOf("role", name, given, wanted);
    return async (stores) => {
      const user = shown(bytesFromName(name));
      const isDone = await stores.accounts.setRole(name, wanted);
      if (isDone) await note(stores);
      const line = isDone ? `${user} is ${wanted} now` : `${user} has no account`;
      return { lines: [line], json: { user, role: isDone ? wanted : null }, isDone };
    };
  },
  revoke: (given) => {
    const name = nameOf(given);
    const note = noteOf("revoke", name, given);
    return async (stores) => {
      const { accounts } = stores;
      await note(stores);
      await accounts.revokeTokens(name);
      await accounts.endLogins(name, {});
      const user = shown(bytesFromName(name));
      const lines = [`what was issued to ${user} until now is worth nothing`];
      return { lines, json: { user }, isDone: true };
    };
  },
  password: (given) => {
    const name = nameOf(given);
    const note = noteOf("password", name, given);
    return async (stores) => {
      await note(stores);
      const password = await newPassword(stores.accounts, name);
      const user = shown(bytesFromName(name));
      const lines = [
        `the password of ${user} is now: ${password}`,
        "all login sessions have ended",
      ];
      return { lines, json: { user, password }, isDone: true };
    };
  },
  unregister: (given) => {
    const name = nameOf(given);
    const note = noteOf("unregister", name, given);
    return async (stores) => {
      const user = shown(bytesFromName(name));
      const isDone = await removed(stores, name, given.erase === true);
      if (isDone) await note(stores);
      const line = isDone ? `${user} is removed` : `there is no ${user}`;
      return { lines: [line], json: { user, removed: isDone }, isDone };
    };
  },
  export: (given) => {
    const name = nameOf(given);
    return async (stores) => {
      const json = await exported(stores, name);
      return { lines: [JSON.stringify(json, undefined, 2)], json, isDone: true };
    };
  },
  messages: (given) => {
    refuseRest(given, 0);
    const last = lastOf(given, 20, MAX_PAGE);
    return async (stores) => {
      const json = (await newestMessages(stores, last)).map(jsonOfMessage);
      const lines = json.map(
        ({ seq, at, from, text }) => `${seq}  ${at}  ${from}  ${text ?? "(removed)"}`,
      );
      return { lines: lines.length > 0 ? lines : ["nothing yet"], json, isDone: true };
    };
  },
  remove: (given) => {
    refuseRest(given, 1);
    const [number = ""] = given.names;
    if (!/^\d{1,15}$/.test(number)) throw new UsageError("which message? Its number");
    const seq = Number(number);
    const act = checked(given);
    return async (stores) => {
      const author = await removedMessage(stores, seq, act);
      const from = author === undefined ? null : shown(bytesFromName(author));
      const line =
        from === null ? "no such message is kept" : `message ${seq} of ${from} is removed`;
      return { lines: [line], json: { seq, from }, isDone: from !== null };
    };
  },
  sanctions: (given) => {
    refuseRest(given, 0);
    return async ({ moderation }) => {
      const found = await moderation.sanctions();
      const all = (found?.sanctions ?? []).filter(isShown).map(jsonOfSanction);
      const lines = all.map(
        ({ kind, target, until, by, reason }) =>
          `${kind} ${target}  ${until === null ? "for good" : `until ${until}`}  by ${by}  ${reason}`,
      );
      return { lines: lines.length > 0 ? lines : ["nobody"], json: all, isDone: true };
    };
  },
  log: (given) => {
    refuseRest(given, 0);
    const last = lastOf(given, 50, 100_000);
    return async ({ moderation }) => {
      const entries = (await moderation.log(last)).map(jsonOfEntry);
      const lines = entries.map(
        ({ at, act: what, target, until, by, role, reason }) =>
          `${at}  ${by}  ${what} ${target}${role === null ? "" : ` ${role}`}${until === null ? "" : `  until ${until}`}  ${reason}`,
      );
      return { lines: lines.length > 0 ? lines : ["nothing yet"], json: entries, isDone: true };
    };
  },
} satisfies Record<string, Command>;

/** How many are asked for. */
function lastOf({ last }: Given, usual: number, most: number): number {
  const count = Number(last ?? usual);
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw new UsageError(`--last: a number from 1 to ${most}`);
}

function act(what: ModerationAct["act"]): Command {
  return (given) => {
    const target = targetOf(what, given);
    const forMs = given.for === undefined ? undefined : duration(given.for);
    const isLifting = what === "unban" || what === "unmute";
    if (forMs !== undefined && (isLifting || what === "kick")) {
      throw new UsageError(`--for: ${what} is done at once`);
    }
    const { by, reason } = checked(given);
    return async ({ moderation }) => {
      const { outcome, untilMs } = await moderation.moderate({
        act: what,
        target,
        forMs,
        by,
        reason,
        id: randomUUID(),
      });
      if (outcome === "full") throw new Unavailable("there are as many sanctions as can be kept");
      const until = what === "kick" || untilMs === undefined ? "" : ` until ${iso(untilMs)}`;
      const isDone = outcome === "done";
      const line = isDone ? `${what} ${written(target)}: done${until}` : "there is nothing to lift";
      return { lines: [line], json: { outcome, until: untilMs ? iso(untilMs) : null }, isDone };
    };
  };
}

/** Who does it, and why, as the log takes it. */
function checked({ by, reason }: Given): Pick<Given, "by" | "reason"> {
  if (/\p{Cc}/u.test(reason) || reason.length > 200) {
    throw new UsageError("--reason: one line, at most 200 characters");
  }
  if (/\p{Cc}|^@/u.test(by) || by === "" || by.length > 64) {
    throw new UsageError("--by: one line, at most 64 characters, not beginning with @");
  }
  return { by, reason };
}

/** Notes an act in the log; where it cannot be refused, before it is done: then what fails half-way stands there, too. */
function noteOf(
  what: NotedAct["act"],
  name: Name,
  given: Given,
  role?: Role,
): (stores: Stores) => Promise<void> {
  const act = { act: what, target: { kind: "name", name }, ...checked(given), role } as const;
  return ({ moderation }) => moderation.note({ ...act, id: randomUUID() });
}

function targetOf(what: ModerationAct["act"], given: Given): Target {
  if (given.address !== undefined) {
    if (what !== "ban" && what !== "unban") throw new UsageError(`--address: ${what} takes a name`);
    refuseRest(given, 0);
    return { kind: "addresses", range: rangeOf(given.address) };
  }
  return { kind: "name", name: nameOf(given) };
}

function nameOf(given: Given): Name {
  refuseRest(given, 1);
  const name = nameFromShown(given.names[0]!);
  if (!isName(name)) throw new UsageError("nobody can have this name");
  return name;
}

function refuseRest({ names }: Given, wanted: 0 | 1): void {
  if (names.length === wanted) return;
  throw new UsageError(wanted === 1 ? "whom? One name" : `too much: ${names.join(" ")}`);
}

function duration(text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) throw new UsageError("--for: 30s, 10m, 2h, 7d");
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as "s"];
  return Number(count) * unitMs;
}

function rangeOf(text: string): string {
  const [address = "", bits, ...rest] = text.split("/");
  const isRange =
    (isIPv4(address) || isIPv6(address)) &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) > 0));
  try {
    if (!isRange) throw new RangeError();
    new BlockList().addSubnet(address, Number(bits ?? 32), isIPv6(address) ? "ipv6" : "ipv4");
    return text.toLowerCase();
  } catch {
    throw new UsageError("--address: 192.0.2.7, 192.0.2.0/24, 2001:db8::/48");
  }
}

/** The inverse of `shown`. */
function nameFromShown(text: string): Name {
  const parts = text.split(/(\\x[\da-f]{2}|\\u\{[\da-f]{1,6}\}|\\\\)/i);
  const bytes = parts.map((part, i) => {
    if (i % 2 === 0) return Buffer.from(part);
    if (part === "\\\\") return Buffer.from("\\");
    const code = Number.parseInt(part.replace(/[^\da-f]/gi, ""), 16);
    return part.startsWith(String.raw`\x`)
      ? Buffer.of(code)
      : Buffer.from(String.fromCodePoint(Math.min(code, 0x10_ff_ff)));
  });
  return nameFromBytes(Buffer.concat(bytes));
}

function isShown({ kind, untilMs }: Sanction): boolean {
  return kind !== "kick" && (untilMs === undefined || untilMs > Date.now());
}

function jsonOfSanction({ kind, target, atMs, untilMs, by, reason }: Sanction) {
  const until = untilMs === undefined ? null : iso(untilMs);
  return { kind, target: written(target), at: iso(atMs), until, by, reason };
}

function jsonOfEntry(entry: ModerationEntry) {
  const { act: what, target, atMs, untilMs, by, reason } = entry;
  const until = untilMs === undefined || what === "kick" ? null : iso(untilMs);
  const role = entry.role ?? null;
  return { act: what, target: written(target), at: iso(atMs), until, by, role, reason };
}
