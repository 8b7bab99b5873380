/** Commands that the chat itself answers: about the account, about who may write, and of moderators. Pure. */
import { isIP } from "node:net";
import type { ModerateOptions } from "../sdk/tertulia.js";
import { readName } from "./names.js";

const AUDIT_DEFAULT = 20;
const AUDIT_AT_MOST = 200;
const REASON_AT_MOST = 200;

export type Act = ModerateOptions["act"];

/** Which message of the open conversation; `newest`: the newest of one's own, or the one that a search has found. */
export type Which =
  | { readonly by: "newest" }
  | { readonly by: "author"; readonly name: string }
  | { readonly by: "number"; readonly seq: number };

export type ChatCommand =
  | { readonly type: "password" }
  /** Ends sessions first: one by its id, `others`, or `all`. */
  | { readonly type: "sessions"; readonly end: string | undefined }
  | { readonly type: "block" | "unblock"; readonly user: string }
  | { readonly type: "blocks" }
  /** `reason`: for the log, if somebody else wrote it. */
  | { readonly type: "remove"; readonly which: Which; readonly reason: string }
  | { readonly type: "unregister"; readonly erase: boolean }
  | { readonly type: "export"; readonly file: string | undefined }
  | {
      readonly type: "moderate";
      readonly act: Act;
      readonly whom: { readonly user: string } | { readonly address: string };
      readonly forMs: number | undefined;
      readonly reason: string;
    }
  | { readonly type: "sanctions" }
  | { readonly type: "audit"; readonly limit: number };

/** By their English words; the words of `moderators` are offered to those alone. */
export const CHAT_WORDS = {
  password: ["password", "contraseña"],
  sessions: ["sessions", "sesiones"],
  block: ["block", "bloquear", "ignore"],
  unblock: ["unblock", "desbloquear", "unignore"],
  blocks: ["blocks", "bloqueados"],
  remove: ["remove", "quitar", "delete"],
  export: ["export", "exportar"],
  unregister: ["unregister", "baja"],
  kick: ["kick", "echar"],
  ban: ["ban", "expulsar"],
  unban: ["unban", "readmitir"],
  mute: ["mute", "silenciar"],
  unmute: ["unmute", "desilenciar"],
  sanctions: ["sanctions", "sanciones"],
  audit: ["audit", "auditoría"],
} as const;

export type ChatWord = keyof typeof CHAT_WORDS;

const OF_MODERATORS = ["kick", "ban", "unban", "mute", "unmute", "sanctions", "audit"] as const;

export function isOfModerators(word: string): boolean {
  return OF_MODERATORS.some((each) => each === word);
}

/** Whether somebody may have written a password in it: such a line is kept nowhere. */
export function isPrivate(word: string | undefined): boolean {
  return word === "password" || word === "unregister";
}

const END = { end: "end", cerrar: "end" } as const;
const WHICH = new Map([
  ["all", "all"],
  ["todas", "all"],
  ["others", "others"],
  ["otras", "others"],
]);
const ERASE = /^(?:erase|borrar)$/i;
const SESSION_ID = /^[\w-]{10}$/;

/** Undefined: something is missing, or there is too much. */
export function chatCommandOf(word: ChatWord, rest: string): ChatCommand | undefined {
  switch (word) {
    case "password":
    case "blocks":
    case "sanctions":
      return rest === "" ? { type: word } : undefined;
    case "sessions":
      return sessions(rest);
    case "block":
    case "unblock": {
      const read = readName(rest);
      return read.type === "name" && read.rest === "" ? { type: word, user: read.name } : undefined;
    }
    case "remove":
      return remove(rest);
    case "unregister":
      if (rest !== "" && !ERASE.test(rest)) return undefined;
      return { type: "unregister", erase: rest !== "" };
    case "export": {
      const read = readName(rest);
      if (read.type === "none") return { type: "export", file: undefined };
      return read.type === "name" && read.rest === ""
        ? { type: "export", file: read.name }
        : undefined;
    }
    case "audit": {
      const limit = rest === "" ? AUDIT_DEFAULT : Number(rest);
      const isRight = Number.isInteger(limit) && limit >= 1 && limit <= AUDIT_AT_MOST;
      return isRight ? { type: "audit", limit } : undefined;
    }
    case "kick":
    case "ban":
    case "unban":
    case "mute":
    case "unmute":
      return moderate(word, rest);
    default:
      return word satisfies never;
  }
}

function sessions(rest: string): ChatCommand | undefined {
  if (rest === "") return { type: "sessions", end: undefined };
  const [first = "", which = "", ...more] = rest.split(/\s+/);
  const end = WHICH.get(which.toLowerCase()) ?? (SESSION_ID.test(which) ? which : undefined);
  if (!Object.hasOwn(END, first.toLowerCase()) || end === undefined || more.length > 0) {
    return undefined;
  }
  return { type: "sessions", end };
}

/** Which one, perhaps why. `#12`: no name begins so. */
function remove(text: string): ChatCommand | undefined {
  const read = readName(text);
  if (read.type === "none") return { type: "remove", which: { by: "newest" }, reason: "" };
  if (read.type !== "name" || !isReason(read.rest)) return undefined;
  const [, number] = /^#([1-9]\d{0,15})$/.exec(read.isQuoted ? "" : read.name) ?? [];
  if (number === undefined && read.name.startsWith("#")) return undefined;
  const which: Which =
    number === undefined
      ? { by: "author", name: read.name }
      : { by: "number", seq: Number(number) };
  return { type: "remove", which, reason: read.rest };
}

function isReason(text: string): boolean {
  return text.length <= REASON_AT_MOST && !/\p{Cc}/u.test(text);
}

/** Whom, perhaps for how long, perhaps why. */
function moderate(act: Act, text: string): ChatCommand | undefined {
  const read = readName(text);
  if (read.type !== "name") return undefined;
  const isLasting = act === "ban" || act === "mute";
  const [written, count, unit] = (isLasting && /^(\d{1,6})([smhd])(?:\s+|$)/.exec(read.rest)) || [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as "s"];
  const forMs = count === undefined ? undefined : Number(count) * unitMs;
  const reason = read.rest.slice(written?.length ?? 0);
  if (forMs === 0 || !isReason(reason)) return undefined;
  const mayBeAddress = (act === "ban" || act === "unban") && !read.isQuoted;
  const whom = mayBeAddress && isRange(read.name) ? { address: read.name } : { user: read.name };
  return { type: "moderate", act, whom, forMs, reason };
}

/** An address, or a range of addresses; in quotes it is a name. */
function isRange(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  return isIP(address) !== 0 && more.length === 0 && /^\d{0,3}$/.test(bits);
}
