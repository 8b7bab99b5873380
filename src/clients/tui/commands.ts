/** Parses an input line: a message, or a command in English or Spanish. Pure. */
import type { Status } from "../sdk/events.js";
import { EVERYBODY, type Conv } from "../view/model.js";
import { CHAT_WORDS, chatCommandOf, type ChatCommand, type ChatWord } from "./chat-commands.js";
import { readName } from "./names.js";

export type Command =
  | ChatCommand
  | { readonly type: "say"; readonly text: string }
  /** A message to another conversation, which is opened. */
  | { readonly type: "tell"; readonly conv: Conv; readonly text: string }
  | { readonly type: "open"; readonly conv: Conv }
  | { readonly type: "history"; readonly conv: Conv | undefined }
  | { readonly type: "users" }
  /** Without a text: the next hit of the last one. */
  | { readonly type: "search"; readonly text: string }
  | { readonly type: "info"; readonly user: string | undefined }
  | { readonly type: "status"; readonly status: Status }
  | {
      readonly type: "connect";
      readonly url: string | undefined;
      readonly name: string | undefined;
    }
  | { readonly type: "disconnect" }
  | { readonly type: "retry" }
  | { readonly type: "discard" }
  | { readonly type: "help" }
  | { readonly type: "quit" }
  /** Not understood; `of` is the command that was meant, if it is known. */
  | { readonly type: "mistake"; readonly of: Word | undefined; readonly written: string };

/** The commands, each by its English word. */
export const WORDS = {
  users: ["users", "usuarios", "names", "nombres", "who", "list"],
  info: ["info", "whois"],
  status: ["status", "estado"],
  all: ["all", "todos"],
  msg: ["msg", "privado"],
  me: ["me", "me"],
  history: ["history", "historial"],
  search: ["search", "buscar", "find"],
  to: ["to", "a", "query"],
  retry: ["retry", "reintentar"],
  discard: ["discard", "descartar"],
  connect: ["connect", "conectar", "nick"],
  disconnect: ["disconnect", "desconectar"],
  ...CHAT_WORDS,
  help: ["help", "ayuda"],
  quit: ["quit", "salir", "exit"],
} as const;

export type Word = keyof typeof WORDS;

export const STATUSES: ReadonlyMap<string, Status> = new Map<string, Status>([
  ["active", "active"],
  ["busy", "busy"],
  ["inactive", "inactive"],
  ["activo", "active"],
  ["ocupado", "busy"],
  ["inactivo", "inactive"],
]);

/** `//` at the beginning sends a text that begins with one `/`. */
export function parse(line: string): Command {
  if (!line.startsWith("/")) return { type: "say", text: line };
  if (line.startsWith("//")) return { type: "say", text: line.slice(1) };
  const [, written = "", rest = ""] = /^\/(\S*)\s*([^]*)$/.exec(line)!;
  const word = wordOf(written);
  if (word === undefined) return { type: "mistake", of: undefined, written: `/${written}` };
  return commandOf(word, rest.trim()) ?? { type: "mistake", of: word, written: `/${written}` };
}

export function wordOf(written: string): Word | undefined {
  const wanted = written.toLowerCase();
  const found = Object.entries(WORDS).find(([, names]) => names.some((name) => name === wanted));
  return found?.[0] as Word | undefined;
}

/** Undefined: something is missing, or there is too much. A line that is not understood completely is not carried out. */
function commandOf(word: Word, rest: string): Command | undefined {
  if (isChatWord(word)) return chatCommandOf(word, rest);
  switch (word) {
    case "users":
    case "disconnect":
    case "retry":
    case "discard":
    case "help":
    case "quit":
      return { type: word };
    case "info":
      return ofOneName(rest, (user) => ({ type: "info", user }));
    case "status": {
      const status = STATUSES.get(rest.toLowerCase());
      return status && { type: "status", status };
    }
    case "all":
      return rest === "" ? undefined : { type: "tell", conv: EVERYBODY, text: rest };
    case "msg": {
      const read = readName(rest);
      if (read.type !== "name" || read.rest === "") return undefined;
      return { type: "tell", conv: convOf(read.name), text: read.rest };
    }
    case "me":
      return rest === "" ? undefined : { type: "say", text: `/me ${rest}` };
    case "search":
      return { type: "search", text: rest };
    case "history":
      return ofOneName(rest, (user) => ({ type: "history", conv: user && convOf(user) }));
    case "to":
      return ofOneName(rest, (user) => ({ type: "open", conv: convOf(user ?? EVERYBODY) }));
    case "connect":
      return connectTo(rest);
    default:
      return word satisfies never;
  }
}

function isChatWord(word: Word): word is ChatWord {
  return Object.hasOwn(CHAT_WORDS, word);
}

/** A name or none, and nothing after it: `/to ana maria` is ambiguous. */
function ofOneName(
  text: string,
  command: (user: string | undefined) => Command,
): Command | undefined {
  const read = readName(text);
  if (read.type === "none") return command(undefined);
  return read.type === "name" && read.rest === "" ? command(read.name) : undefined;
}

/** An address, a name, or both, in any order. */
function connectTo(text: string): Command | undefined {
  let url: string | undefined;
  let name: string | undefined;
  let read = readName(text);
  while (read.type === "name") {
    const isUrl = !read.isQuoted && /^wss?:\/\//i.test(read.name);
    if ((isUrl ? url : name) !== undefined) return undefined;
    if (isUrl) url = read.name;
    else name = read.name;
    read = readName(read.rest);
  }
  return read.type === "none" ? { type: "connect", url, name } : undefined;
}

export function convOf(user: string): Conv {
  return user === EVERYBODY ? EVERYBODY : `@${user}`;
}
