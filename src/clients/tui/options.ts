/** Reads and checks the command line and the environment. Pure. */
import { parseArgs } from "node:util";
import { BELLS, type Bell } from "./bell.js";
import { convOf } from "./commands.js";
import type { Secret, Secrets } from "./credentials.js";
import type { Conv } from "../view/model.js";

export interface Options {
  /** Undefined: to be asked for, where somebody can answer. */
  readonly name: string | undefined;
  readonly url: string;
  readonly mode: "screen" | "plain" | "json";
  readonly to: Conv;
  readonly isListening: boolean;
  /** Whether a line that begins with `/` is a command in plain mode. */
  readonly hasCommands: boolean;
  /** To be in the chat at first, and to be back in it later. */
  readonly waitMs: number;
  readonly bell: Bell;
  readonly secrets: Secrets;
  /** Whether an account of this name is made first. */
  readonly isNew: boolean;
  readonly isColoured: boolean;
  /** Of what is said to people, as in `LANG`. */
  readonly locale: string;
  /** Of dates, as in `LC_TIME`. */
  readonly dates: string;
}

/** The part of the environment that matters here. */
export interface Environment {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether input, and output, are a terminal. */
  readonly isInputTty: boolean;
  readonly isOutputTty: boolean;
}

export type ParsedArguments =
  | { readonly type: "run"; readonly options: Options }
  | { readonly type: "help" | "version" }
  | { readonly type: "wrong"; readonly why: string };

export const HELP = `tertulia-chat --name ana [--url ws://localhost:9000]

A full screen in a terminal; lines in, lines out in a pipe.

  --name NAME       your name in the chat; if absent, a terminal asks for it
  --url URL         ws:// or wss://, default ws://localhost:9000 or TERTULIA_URL
  --register        makes an account of your name, in a chat that has accounts
  --password-file FILE
                    has your password; without it, a terminal asks for it
  --token-file FILE has a token, in a chat that is joined with tokens; read again
                    when the old one ends
  --bell [WHAT]     rings when you are not looking: all (default), for every message;
                    mentions, for private messages and your name; none
  --plain           lines in, lines out; the default unless input and output are a terminal
  --json            the same, with one JSON object per line on the output
  --to NAME         plain: to this user (with or without @) instead of to everybody (~)
  --listen          plain: stays and prints after the end of the input
  --commands        plain: lines that begin with / are commands; the default at a terminal
  --wait SECONDS    plain: how long to try to connect, and to reconnect; default 10,
                    at most 24 days (also for Infinity)
  --version         prints the version
  --help            prints this

In plain mode every line of the input is published, in order, and acknowledged
before the program ends; messages of others are printed meanwhile as "CONVERSATION FROM: TEXT".

Exit codes: 0 done; 1 wrong usage; 2 not connected, or the name was refused;
3 a message was not sent, or its fate is unknown; 4 the server closed the connection
for good; 70 a bug in this program; 129, 130, 143 ended by a signal.

The chat keeps your name for you: its key is made at the first time, in
~/.local/state/tertulia (or XDG_STATE_HOME), unless TERTULIA_KEY has one. Your login session
is kept there too, and your password is not.

Environment: LANG (English or Spanish), LC_TIME, NO_COLOR, TERTULIA_URL, TERTULIA_KEY,
TERTULIA_PASSWORD, TERTULIA_TOKEN, XDG_STATE_HOME.
`;

const URL_DEFAULT = "ws://localhost:9000";
/** Node's timers cannot wait longer (24 days); with a longer delay they fire at once. */
const WAIT_AT_MOST_MS = 2 ** 31 - 1;

export function readOptions(args: readonly string[], environmentOf: Environment): ParsedArguments {
  const { environment } = environmentOf;
  try {
    const { values } = parseArgs({
      args: args.map((arg, at) => (isBareBell(arg, args[at + 1]) ? "--bell=all" : arg)),
      options: {
        name: { type: "string" },
        url: { type: "string", default: environment["TERTULIA_URL"] ?? URL_DEFAULT },
        plain: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        to: { type: "string", default: "~" },
        listen: { type: "boolean", default: false },
        commands: { type: "boolean", default: environmentOf.isInputTty },
        wait: { type: "string", default: "10" },
        bell: { type: "string", default: "none" },
        register: { type: "boolean", default: false },
        "password-file": { type: "string" },
        "token-file": { type: "string" },
        help: { type: "boolean", default: false },
        version: { type: "boolean", default: false },
      },
    });
    if (values.help) return { type: "help" };
    if (values.version) return { type: "version" };
    const canDraw =
      environmentOf.isInputTty && environmentOf.isOutputTty && environment["TERM"] !== "dumb";
    const mode = values.json ? "json" : values.plain || !canDraw ? "plain" : "screen";
    const waitMs = Number(values.wait) * 1_000;
    if (!isAddress(values.url)) return wrong(`--url ${values.url}: must be like ${URL_DEFAULT}`);
    if (!(waitMs > 0)) return wrong(`--wait ${values.wait}: must be a number of seconds above 0`);
    const bell = BELLS.find((each) => each === values.bell);
    if (bell === undefined) return wrong(`--bell ${values.bell}: must be ${BELLS.join(", ")}`);
    if (values.name === undefined && mode !== "screen") return wrong("--name is needed");
    if (values.name === "") return wrong("--name must not be empty");
    const secrets = {
      token: secretOf(values["token-file"], environment["TERTULIA_TOKEN"]),
      password: secretOf(values["password-file"], environment["TERTULIA_PASSWORD"]),
    };
    if (values.register && mode !== "screen" && secrets.password === undefined)
      return wrong("--register needs --password-file or TERTULIA_PASSWORD");
    const { LC_ALL, LC_MESSAGES, LC_TIME, LANG, NO_COLOR } = environment;
    const first = (...values: (string | undefined)[]): string => values.find(Boolean) ?? "";
    return {
      type: "run",
      options: {
        name: values.name,
        url: values.url,
        mode,
        to: convOf(values.to.replace(/^@/, "")),
        isListening: values.listen,
        hasCommands: values.commands,
        waitMs: Math.min(waitMs, WAIT_AT_MOST_MS),
        bell,
        secrets,
        isNew: values.register,
        isColoured: (NO_COLOR ?? "") === "", // no-color.org
        locale: first(LC_ALL, LC_MESSAGES, LANG),
        dates: first(LC_ALL, LC_TIME, LANG),
      },
    };
  } catch (error) {
    return wrong((error as Error).message); // parseArgs says which option
  }
}

/** `--bell` by itself means all. */
function isBareBell(arg: string, next: string | undefined): boolean {
  return arg === "--bell" && (next === undefined || next.startsWith("-"));
}

function secretOf(file: string | undefined, text: string | undefined): Secret | undefined {
  if (file !== undefined) return { file };
  return text === undefined || text === "" ? undefined : { text };
}

function wrong(why: string): ParsedArguments {
  return { type: "wrong", why };
}

function isAddress(text: string): boolean {
  return /^wss?:\/\//.test(text) && URL.canParse(text);
}
