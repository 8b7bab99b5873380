/** Terminals for tests: windows of a private tmux server, in which the real client runs. */
import { execFile, execFileSync, type PromiseWithChild } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "./eventually.js";

const run = promisify(execFile);
/** Where the programs of this process keep their keys. */
const STATE = mkdtempSync(join(tmpdir(), "tertulia-state-"));
process.once("exit", () => rmSync(STATE, { recursive: true, force: true }));
/** A server of its own for each test: one that is ending takes nobody in. */
let servers = 0;
const MAIN = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));

export const HAS_TMUX = hasTmux();

export interface Window {
  /** Each string is text, or in brackets the name of a key: `[Enter]`, `[C-c]`. */
  types(...keys: string[]): Promise<void>;
  /** As a terminal pastes: in brackets, if the program asked for them, and otherwise as it is. */
  pastes(text: string): Promise<void>;
  /** What is to be seen; with `isRaw`, with its escape sequences. */
  screen(isRaw?: boolean): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  /** Writes on it behind the program's back, as a stray process does. */
  stains(text: string): Promise<void>;
  /** Of the program in the window. */
  pid(): Promise<number>;
  /** A property of the terminal as tmux has it, such as `alternate_on`. */
  is(flag: string): Promise<string>;
}

/** Runs the client, its errors in a file if one is given; a line `left with <code>` follows its end. */
export async function openWindow(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  errors = "/dev/tty",
): Promise<Window> {
  const settings = Object.entries({
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    XDG_STATE_HOME: STATE,
    ...environment,
  });
  const program = [process.execPath, MAIN, "--name", name, ...args];
  const words = ["env", ...settings.map(([key, value]) => `${key}=${value}`), ...program];
  const line = `${words.map((word) => `'${word}'`).join(" ")} 2>'${errors}'; echo "left with $?"; exec cat`;
  const size = ["-x", "100", "-y", "30"];
  await tmux("new-session", "-d", "-s", name, ...size, "sh", "-c", line);
  return {
    async types(...keys) {
      for (const key of keys) {
        const named = /^\[(.+)\]$/.exec(key)?.[1];
        await tmux("send-keys", "-t", name, ...(named === undefined ? ["-l", key] : [named]));
      }
    },
    async pastes(text) {
      const loading = runTmux(["load-buffer", "-"]);
      loading.child.stdin!.end(text);
      await loading;
      await tmux("paste-buffer", "-p", "-r", "-t", name);
    },
    screen: (isRaw = false) => tmux("capture-pane", "-p", "-t", name, ...(isRaw ? ["-e"] : [])),
    async resize(columns, rows) {
      await tmux("resize-window", "-t", name, "-x", `${columns}`, "-y", `${rows}`);
    },
    async stains(text) {
      const tty = await tmux("display-message", "-p", "-t", name, "#{pane_tty}");
      await writeFile(tty.trim(), text);
    },
    async pid() {
      const shell = await tmux("display-message", "-p", "-t", name, "#{pane_pid}");
      return (await clientOf(shell.trim()))!;
    },
    async is(flag) {
      return (await tmux("display-message", "-p", "-t", name, `#{${flag}}`)).trim();
    },
  };
}

/** Closes them all, as a terminal does; resolves when the clients have said goodbye. */
export async function closeWindows(): Promise<void> {
  const shells = await tmux("list-panes", "-a", "-F", "#{pane_pid}").catch(() => ""); // none is open
  const clients = await Promise.all(shells.split("\n").filter(Boolean).map(clientOf));
  if (shells !== "") await tmux("kill-server");
  servers++;
  for (const pid of clients.flatMap((each) => each ?? [])) {
    await eventually(async () => {
      if (await isRunning(pid)) throw new Error(`process ${pid} has not ended`);
    });
  }
}

/** What a window's shell runs; undefined: it has ended. */
async function clientOf(shell: string): Promise<number | undefined> {
  const found = await run("pgrep", ["-P", shell]).catch(() => undefined); // exits with 1 for none
  return found && Number(found.stdout);
}

/** One that nobody has asked for its exit code yet (Z) has ended as well. */
async function isRunning(pid: number): Promise<boolean> {
  const found = await run("ps", ["-o", "stat=", "-p", `${pid}`]).catch(() => undefined); // exits with 1 for none
  return found !== undefined && !found.stdout.startsWith("Z");
}

async function tmux(...args: string[]): Promise<string> {
  return (await runTmux(args)).stdout;
}

function runTmux(args: readonly string[]): PromiseWithChild<{ stdout: string }> {
  const socket = `tertulia-test-${process.pid}-${servers}`;
  return run("tmux", ["-u", "-L", socket, "-f", "/dev/null", ...args]);
}

function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false; // told by the test that is skipped
  }
}
