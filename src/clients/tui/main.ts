#!/usr/bin/env node
/** `npm run chat`, `tertulia-chat`: the chat in a terminal, or in a pipe. */
import { userInfo } from "node:os";
import { createInterface } from "node:readline/promises";
import { WebSocket } from "ws";
import { readVersion } from "../../version.js";
import type { TertuliaError } from "../sdk/tertulia.js";
import { App, type Ending } from "./app.js";
import { makeAccount, readSecret, ready } from "./credentials.js";
import { CLIENT } from "./login.js";
import { sanitizeLine } from "./sanitize.js";
import { HELP, readOptions, type Options } from "./options.js";
import { PlainMode } from "./plain-mode.js";
import { textsFor } from "./language.js";
import type { Texts } from "./texts.js";

/** Exit codes: 128 and the number of the signal. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const BROKEN_PIPE = 141;
const { stdin, stdout, stderr } = process;

async function main(): Promise<number> {
  const asked = readOptions(process.argv.slice(2), {
    environment: process.env,
    isInputTty: stdin.isTTY,
    isOutputTty: stdout.isTTY,
  });
  switch (asked.type) {
    case "help":
      stdout.write(HELP);
      return 0;
    case "version":
      stdout.write(`tertulia-chat ${await readVersion()}\n`);
      return 0;
    case "wrong":
      return complain(`${asked.why}\n--help tells more`, 1);
    case "run": {
      const texts = textsFor(asked.options.locale, asked.options.dates);
      const secrets = ready(asked.options.secrets);
      if (typeof secrets === "string") return complain(secrets, 1);
      const options = { ...asked.options, secrets };
      return options.mode === "screen" ? onScreen(options, texts) : inLines(options, texts);
    }
    default:
      return asked satisfies never;
  }
}

function complain(why: string, code: number): number {
  stderr.write(`tertulia-chat: ${why}\n`);
  return code;
}

async function onScreen(options: Options, texts: Texts): Promise<number> {
  const name = options.name ?? (await askName(texts));
  const app = new App({ ...options, name, texts, input: stdin, output: stdout });
  const ending = await app.ended;
  if (ending.why !== undefined) complain(`${sanitizeLine(name)}: ${ending.why}`, 0);
  if (ending.how === "SIGHUP") dieOfHangUp();
  return exitCodeOf(ending);
}

/** Node's own exit stumbles (SIGABRT) over a terminal that is gone: nodejs/node, ResetStdio. */
function dieOfHangUp(): void {
  process.removeAllListeners("SIGHUP");
  process.kill(process.pid, "SIGHUP");
}

function exitCodeOf({ how }: Ending): number {
  return { left: 0, refused: 2, ...SIGNALS }[how];
}

async function askName(texts: Texts): Promise<string> {
  const own = sanitizeLine(userInfo().username);
  const asking = createInterface({ input: stdin, output: stdout });
  asking.once("SIGINT", () => process.exit(SIGNALS.SIGINT));
  try {
    return (await asking.question(texts.yourName(own))).trim() || own;
  } finally {
    asking.close();
  }
}

async function inLines(options: Options, texts: Texts): Promise<number> {
  const refusal = options.isNew ? await registerFirst(options, texts) : undefined;
  if (refusal !== undefined) return complain(refusal, 2);
  const streams = { input: stdin, output: stdout, errors: stderr };
  const plain = new PlainMode({ ...options, name: options.name! }, texts, streams);
  let because: number | undefined;
  const stop = (code: number): void => {
    because = code;
    plain.stop();
  };
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => stop(code));
  stdout.on("error", () => stop(BROKEN_PIPE)); // nobody reads any more
  const code = await plain.run();
  return because ?? code;
}

/** Returns why it failed. */
async function registerFirst(options: Options, texts: Texts): Promise<string | undefined> {
  const { url, secrets } = options;
  const [name, password] = [options.name!, readSecret(secrets.password!)];
  try {
    await makeAccount(url, { name, password, client: CLIENT, WebSocket }, process.env);
    return undefined;
  } catch (error) {
    const { code, message } = error as TertuliaError;
    return code === "forbidden"
      ? `${texts.noAccounts} (${texts.logInHow})`
      : (texts.problem[code] ?? message);
  }
}

process.on("uncaughtException", (error) => {
  process.exitCode = 70; // EX_SOFTWARE of sysexits.h
  process.once("exit", () => console.error(error)); // when the screen is gone
  process.exit();
});
process.exit(await main());
