/** The terminal client where names have owners: on its screen and in a pipe, with accounts and with tokens. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as path } from "node:path";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { logIn, register } from "#tertulia/clients/sdk/tertulia.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";
import { at, join } from "../support/sdk-scene.js";
import { closeWindows, HAS_TMUX, openWindow, type Window } from "../support/tmux.js";
import { endsIn, tokenOf } from "../support/token.js";

const MAIN = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));
const PASSWORD = "correct horse";
const SECRET = "a secret of the app and of the chat";

let folder: string;
let redis: TestRedis;
let accounts: Awaited<ReturnType<typeof node>>;
let tokens: Awaited<ReturnType<typeof node>>;

beforeAll(async () => {
  folder = await mkdtemp(path(tmpdir(), "tertulia-login-"));
  redis = await startRedis();
  accounts = await node(redis.url, { IDENTITY: "accounts" });
  const token = { IDENTITY: "token", TOKEN_SECRET: SECRET, REDIS_PREFIX: "tokens" };
  tokens = await node(redis.url, token);
});
afterAll(async () => {
  await accounts.close();
  await tokens.close();
  await redis.close();
  await rm(folder, { recursive: true });
});

interface Piped {
  readonly out: string;
  readonly errors: string;
  readonly code: number | null;
}

/** On a machine of this name, whose files are kept. */
async function pipe(
  machine: string,
  args: readonly string[],
  input: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Piped> {
  const env = { PATH: process.env["PATH"], XDG_STATE_HOME: path(folder, machine), ...environment };
  const child = spawn(process.execPath, [MAIN, ...args], { env });
  let [out, errors] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<Piped>((resolve) =>
    child.once("close", (code) => resolve({ out, errors, code })),
  );
  child.stdin.end(input);
  return ended;
}

async function filesOf(machine: string): Promise<{ mode: number; text: string }[]> {
  const sessions = path(folder, machine, "tertulia", "sessions");
  const names = await readdir(sessions).catch(() => []);
  return Promise.all(
    names.map(async (name) => {
      const file = path(sessions, name);
      return { mode: (await stat(file)).mode & 0o777, text: await readFile(file, "utf8") };
    }),
  );
}

describe("in a pipe", () => {
  const as = (name: string, ...more: string[]): string[] => [
    "--name",
    name,
    "--url",
    at(accounts)[0]!,
    ...more,
  ];

  test("it registers with a password of the environment, and comes back by its login session", async () => {
    const secret = { TERTULIA_PASSWORD: PASSWORD };
    const first = await pipe("desk", as("bot", "--register"), "one\n", secret);
    expect(first).toMatchObject({ code: 0, errors: "", out: "~ bot: one\n" });
    expect(await pipe("desk", as("bot"), "two\n")).toMatchObject({ code: 0, errors: "" });
    const [kept, ...others] = await filesOf("desk");
    expect(others).toEqual([]);
    expect(kept?.mode).toBe(0o600);
    expect(kept?.text).not.toContain(PASSWORD);
  });

  test("without a password, or with a wrong one, it is told so, with exit code 2", async () => {
    await register(at(accounts)[0]!, { name: "ada", password: PASSWORD, WebSocket });
    const nothing = await pipe("nowhere", as("ada"), "hi\n");
    expect(nothing).toMatchObject({ code: 2, out: "" });
    expect(nothing.errors).toMatch(/belongs to somebody.*TERTULIA_PASSWORD/);
    const wrong = await pipe("nowhere", as("ada"), "hi\n", { TERTULIA_PASSWORD: "wrong horse" });
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.errors).toContain("does not show that the name is yours");
    expect(await filesOf("nowhere")).toEqual([]);
  });

  test("a password of a file logs in, once; a session that was ended is replaced", async () => {
    const file = path(folder, "password");
    await writeFile(file, `${PASSWORD}\n`);
    const url = at(accounts)[0]!;
    const session = await register(url, { name: "cy", password: PASSWORD, WebSocket });
    const run = (): Promise<Piped> => pipe("lap", as("cy", "--password-file", file), "hi\n");
    expect((await run()).code).toBe(0);
    expect((await run()).code).toBe(0);
    const { chat } = join(url, { name: "cy", session });
    await chat.joined();
    expect(await chat.sessions()).toHaveLength(2);
    const before = (await filesOf("lap"))[0]!.text;
    await chat.sessions({ end: "others" });
    expect((await run()).code).toBe(0);
    expect((await filesOf("lap"))[0]!.text).not.toBe(before);
  });

  test("what cannot be read, and what is missing, is said before anything is tried", async () => {
    const missing = await pipe("desk", as("bot", "--password-file", "/nowhere"), "hi\n");
    expect(missing).toMatchObject({
      code: 1,
      errors: "tertulia-chat: /nowhere cannot be read: ENOENT\n",
    });
    const none = await pipe("desk", as("bot", "--register"), "hi\n");
    expect(none.code).toBe(1);
    expect(none.errors).toContain("--register needs --password-file or TERTULIA_PASSWORD");
    const taken = { TERTULIA_PASSWORD: "another horse" };
    expect(await pipe("desk", as("bot", "--register"), "hi\n", taken)).toMatchObject({
      code: 2,
      errors: "tertulia-chat: Somebody has this name already. Choose another one.\n",
    });
  });

  test("a token of a file or of the environment lets it in; one that has ended, or is forged, does not", async () => {
    const [file, url] = [path(folder, "token"), at(tokens)[0]!];
    await writeFile(file, tokenOf(SECRET, "eva", endsIn(60)));
    const args = ["--name", "eva", "--url", url];
    const ok = await pipe("desk", [...args, "--token-file", file], "hi\n");
    expect(ok).toMatchObject({ code: 0, errors: "", out: "~ eva: hi\n" });
    const TERTULIA_TOKEN = tokenOf(SECRET, "eva", endsIn(60));
    expect((await pipe("desk", args, "hi\n", { TERTULIA_TOKEN })).code).toBe(0);
    const ended = { TERTULIA_TOKEN: tokenOf(SECRET, "eva", endsIn(-60)) };
    const late = await pipe("desk", args, "hi\n", ended);
    expect(late).toMatchObject({ code: 2, out: "" });
    expect(late.errors).toContain("This name belongs to somebody. Log in.");
    const forged = {
      TERTULIA_TOKEN: tokenOf("another secret, as long as that", "eva", endsIn(60)),
    };
    expect((await pipe("desk", args, "hi\n", forged)).errors).toContain(
      "does not show that the name is yours",
    );
  });
});

test("in a pipe, login sessions are listed and ended; a password is changed on the screen only", async () => {
  const url = at(accounts)[0]!;
  const session = await register(url, { name: "lou", password: PASSWORD, WebSocket });
  const { chat } = join(url, { name: "lou", session });
  await chat.joined();
  const run = (input: string, ...more: string[]): Promise<Piped> =>
    pipe("cron", ["--name", "lou", "--url", url, "--commands", ...more], input, {
      TERTULIA_PASSWORD: PASSWORD,
    });
  const { out, errors } = await run("/sessions\n/password\n");
  expect(out).toMatch(/^[* ] [\w-]{10} {2}tertulia-terminal {2}began .+, last used .+$/m);
  expect(errors).toContain("line 2: Only the full screen can do that.");
  const listed = (await run("/sessions end others\n", "--json")).out.trim().split("\n");
  expect(listed.map((line) => JSON.parse(line) as object)).toMatchObject([
    { type: "session", client: "tertulia-terminal", own: true },
  ]);
  await eventually(() => expect(chat.state.name).toBe("closed"));
});

test("in a pipe, all that is kept of a user is exported, and the user leaves for good", async () => {
  const url = at(accounts)[0]!;
  await register(url, { name: "ned", password: PASSWORD, WebSocket });
  const pia = { name: "pia", password: PASSWORD, WebSocket };
  const run = (input: string, ...more: string[]): Promise<Piped> =>
    pipe("job", ["--name", "ned", "--url", url, "--commands", ...more], input, {
      TERTULIA_PASSWORD: PASSWORD,
    });
  await run("something to keep\n");
  const { out } = await run("/export\n");
  expect(JSON.stringify(JSON.parse(out.trim().split("\n").at(-1)!))).toContain("something to keep");
  const file = path(folder, "ned's data.json");
  expect((await run(`/export "${file}"\n`)).out).toContain(`is in ${file}.`);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(JSON.parse(await readFile(file, "utf8")))).toContain("something to keep");
  expect((await run(`/export "${file}"\n`)).errors).toContain(`There is a ${file} already.`);
  const gone = await run("/unregister erase\n", "--json");
  expect(gone).toMatchObject({ out: '{"type":"unregistered"}\n', errors: "" });
  expect(await filesOf("job")).toEqual([]);
  const later = join(url, { name: "pia", session: await register(url, pia) });
  await later.chat.joined();
  await eventually(async () => {
    const { messages } = await later.chat.history("~");
    expect(messages.map(({ text }) => text)).not.toContain("something to keep");
  });
  await expect(logIn(url, { name: "ned", password: PASSWORD, WebSocket })).rejects.toMatchObject({
    code: "bad_credentials",
  });
});

describe.skipIf(!HAS_TMUX)("on the full screen (tmux)", () => {
  afterEach(closeWindows);

  const sees = (window: Window, ...parts: (string | RegExp)[]): Promise<string> =>
    eventually(async () => {
      const screen = await window.screen();
      for (const part of parts) expect(screen).toMatch(part);
      expect(screen).not.toContain("horse"); // no password is ever seen
      return screen;
    }, 30_000);
  const open = (
    name: string,
    machine: string,
    more: Record<string, string> = {},
  ): Promise<Window> =>
    openWindow(name, ["--url", at(accounts)[0]!], {
      XDG_STATE_HOME: path(folder, machine),
      ...more,
    });

  test("a name is registered, and is there without a question the next time", async () => {
    const rita = await open("rita", "screen");
    await sees(rita, "log in with your password", "Esc gives up");
    await rita.types("r", "[Enter]");
    await sees(rita, "A new password for rita");
    await rita.types(PASSWORD);
    await sees(rita, "› •••••••••••••");
    await rita.types("[Enter]");
    await sees(rita, "The same password again");
    await rita.types("other horse", "[Enter]");
    await sees(rita, "These two were not the same. This chat has accounts");
    await rita.types("r", "[Enter]", PASSWORD, "[Enter]", PASSWORD, "[Enter]");
    await sees(rita, "● rita active", "Message to everybody");
    await rita.types("[Up]");
    await sees(rita, "Message to everybody");
    await rita.types("[C-y]", "[C-c]");
    await sees(rita, "left with 0");
    await closeWindows();
    const again = await open("rita", "screen");
    expect(await sees(again, "● rita active")).not.toContain("password");
  });

  test("a second device logs in, after a wrong password; in Spanish", async () => {
    const url = at(accounts)[0]!;
    await register(url, { name: "sol", password: PASSWORD, WebSocket });
    const sol = await open("sol", "other", { LC_ALL: "es_ES.UTF-8" });
    await sees(sol, "¿entrar con tu contraseña");
    await sol.types("[Enter]", "wrong horse", "[Enter]");
    await sees(sol, "Esto no muestra que el nombre sea tuyo. Este chat tiene cuentas");
    await sol.types("[Enter]");
    await sees(sol, "Contraseña de sol");
    await sol.pastes(`${PASSWORD}\n`);
    await sol.types("[Enter]");
    await sees(sol, "● sol activo");
    expect((await filesOf("other"))[0]?.mode).toBe(0o600);
  });

  test("a password is changed; none of it is in what was typed before, and other sessions end", async () => {
    const url = at(accounts)[0]!;
    const session = await register(url, { name: "max", password: PASSWORD, WebSocket });
    const max = await open("max", "fifth", { TERTULIA_PASSWORD: PASSWORD });
    await sees(max, "● max active");
    const { chat } = join(url, { name: "max", session });
    await chat.joined();
    await max.types("/sessions", "[Enter]");
    await sees(max, "Your login sessions", /\* [\w-]{10} {2}tertulia-terminal/);
    await max.types("/password", "[Enter]");
    await sees(max, "Your present password");
    await max.types(PASSWORD, "[Enter]", "newer horse", "[Enter]", "newer horse", "[Enter]");
    await sees(max, "Your password is changed", "Message to everybody");
    await eventually(() => expect(chat.state.name).toBe("closed"));
    await max.types("[Up]");
    await sees(max, "› /sessions");
    await logIn(url, { name: "max", password: "newer horse", WebSocket });
  });

  test("who leaves for good writes the name and the password, and is out on all devices", async () => {
    const url = at(accounts)[0]!;
    const session = await register(url, { name: "pam", password: PASSWORD, WebSocket });
    const { chat } = join(url, { name: "pam", session });
    await chat.joined();
    await chat.publish("~", "by pam");
    const pam = await open("pam", "sixth", { TERTULIA_PASSWORD: PASSWORD });
    await sees(pam, "● pam active", /pam {2}by pam/);
    await pam.types("/unregister", "[Enter]");
    await sees(pam, "You leave for good", "write your name, pam");
    await pam.types("yes", "[Enter]");
    await sees(pam, "Nothing was done.");
    await pam.types("/unregister", "[Enter]", "pam", "[Enter]", "wrong horse", "[Enter]");
    await sees(pam, "does not show that the name is yours");
    await pam.types("/unregister", "[Enter]", "pam", "[Enter]", PASSWORD, "[Enter]");
    await sees(pam, "You have left this chat for good.");
    await eventually(() =>
      expect(chat.state).toMatchObject({ name: "closed", reason: "unregistered" }),
    );
    expect(await filesOf("sixth")).toEqual([]);
    const eye = await open("eye", "seventh");
    await sees(eye, "log in with your password");
    await eye.types("r", "[Enter]", PASSWORD, "[Enter]", PASSWORD, "[Enter]");
    await sees(eye, /\(left\) {2}by pam/);
  });

  test("who gives up leaves, and the terminal is as it was", async () => {
    const url = at(accounts)[0]!;
    await register(url, { name: "tim", password: PASSWORD, WebSocket });
    const tim = await open("tim", "third");
    await sees(tim, "log in with your password");
    await tim.types("[Escape]");
    await sees(tim, "This name belongs to somebody", "left with 2");
    expect(await tim.is("alternate_on")).toBe("0");
  });

  test("a session that was ended elsewhere asks for the password when it comes back", async () => {
    const url = at(accounts)[0]!;
    await register(url, { name: "una", password: PASSWORD, WebSocket });
    const una = await open("una", "fourth", { TERTULIA_PASSWORD: PASSWORD });
    await sees(una, "● una active");
    const { chat } = join(url, {
      name: "una",
      session: await logIn(url, { name: "una", password: PASSWORD, WebSocket }),
    });
    await chat.joined();
    await chat.sessions({ end: "others" });
    await sees(una, "Your login was ended", "log in with your password");
    await una.types("[Escape]");
    await sees(una, "Message to everybody");
    await una.types("/connect", "[Enter]");
    await sees(una, "● una active"); // the environment has the password
    // of una's, not of tim's
    await una.types("/connect tim", "[Enter]");
    await sees(una, "tim: log in with your password");
    await una.types("[Enter]", PASSWORD, "[Enter]");
    await sees(una, "● tim active");
  });
});
