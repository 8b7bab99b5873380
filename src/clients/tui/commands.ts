/** What a written line asks for: something said, or a command, in English or Spanish. Pure. */
import type { Status } from "../sdk/events.js";
import { EVERYBODY, type Conv } from "../view/model.js";

export type Command =
  | { readonly type: "say"; readonly text: string }
  /** Said in another conversation, which is opened. */
  | { readonly type: "tell"; readonly conv: Conv; readonly text: string }
  | { readonly type: "open"; readonly conv: Conv }
  | { readonly type: "history"; readonly conv: Conv | undefined }
  | { readonly type: "users" }
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
  /** Written wrong; `of` is the command that was meant, if one was. */
  | { readonly type: "mistake"; readonly of: Word | undefined; readonly written: string };

/** The commands, each by its English word. */
export const WORDS = {
  users: ["users", "usuarios", "who", "list"],
  info: ["info", "whois"],
  status: ["status", "estado"],
  all: ["all", "todos"],
  msg: ["msg", "privado"],
  history: ["history", "historial"],
  to: ["to", "a"],
  retry: ["retry", "reintentar"],
  discard: ["discard", "descartar"],
  connect: ["connect", "conectar"],
  disconnect: ["disconnect", "desconectar"],
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

/** `//` at the beginning says a text that begins with one `/`. */
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

/** Undefined: something is missing, or too much. */
function commandOf(word: Word, rest: string): Command | undefined {
  switch (word) {
    case "users":
    case "disconnect":
    case "retry":
    case "discard":
    case "help":
    case "quit":
      return { type: word };
    case "info": {
      const [user] = nameIn(rest);
      return { type: "info", user };
    }
    case "status": {
      const status = STATUSES.get(rest.toLowerCase());
      return status && { type: "status", status };
    }
    case "all":
      return rest === "" ? undefined : { type: "tell", conv: EVERYBODY, text: rest };
    case "msg": {
      const [user, text] = nameIn(rest);
      if (user === undefined || text === "") return undefined;
      return { type: "tell", conv: convOf(user), text };
    }
    case "history": {
      const [user] = nameIn(rest);
      return { type: "history", conv: user === undefined ? undefined : convOf(user) };
    }
    case "to": {
      const [user] = nameIn(rest);
      return { type: "open", conv: user === undefined ? EVERYBODY : convOf(user) };
    }
    case "connect": {
      const words = rest.split(/\s+/).filter((each) => each !== "");
      const url = words.find((each) => /^wss?:\/\//.test(each));
      const name = words.find((each) => each !== url);
      return words.length > 2 ? undefined : { type: "connect", url, name };
    }
    default:
      return word satisfies never;
  }
}

/** A name, in quotes if it has blanks, with or without `@`; and what stands behind it. */
function nameIn(text: string): [user: string | undefined, rest: string] {
  const [, quoted, bare, rest = ""] = /^@?(?:"([^"]+)"|(\S+))\s*([^]*)$/.exec(text) ?? [];
  return [quoted ?? bare, rest];
}

export function convOf(user: string): Conv {
  return user === EVERYBODY ? EVERYBODY : `@${user}`;
}
