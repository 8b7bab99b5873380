/** Terminals for tests: windows of a private tmux server, in which the real client runs. */
import { execFile, execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** A server of its own for each test: one that is ending takes nobody in. */
let servers = 0;
const MAIN = fileURLToPath(new URL("../../dist/clients/tui/main.js", import.meta.url));

export const HAS_TMUX = hasTmux();

export interface Window {
  /** Each string is text, or in brackets the name of a key: `[Enter]`, `[C-c]`. */
  types(...keys: string[]): Promise<void>;
  /** What is to be seen; with `isRaw`, with its escape sequences. */
  screen(isRaw?: boolean): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  /** Of the program in the window. */
  pid(): Promise<number>;
  /** A property of the terminal as tmux has it, such as `alternate_on`. */
  is(flag: string): Promise<string>;
}

/** Runs the client; a line `left with <code>` follows its end. */
export async function openWindow(
  name: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Window> {
  const settings = Object.entries({ LANG: "C.UTF-8", LC_ALL: "C.UTF-8", ...environment });
  const program = [process.execPath, MAIN, "--name", name, ...args];
  const words = ["env", ...settings.map(([key, value]) => `${key}=${value}`), ...program];
  const line = `${words.map((word) => `'${word}'`).join(" ")}; echo "left with $?"; exec cat`;
  const size = ["-x", "100", "-y", "30"];
  await tmux("new-session", "-d", "-s", name, ...size, "sh", "-c", line);
  return {
    async types(...keys) {
      for (const key of keys) {
        const named = /^\[(.+)\]$/.exec(key)?.[1];
        await tmux("send-keys", "-t", name, ...(named === undefined ? ["-l", key] : [named]));
      }
    },
    screen: (isRaw = false) => tmux("capture-pane", "-p", "-t", name, ...(isRaw ? ["-e"] : [])),
    async resize(columns, rows) {
      await tmux("resize-window", "-t", name, "-x", `${columns}`, "-y", `${rows}`);
    },
    async pid() {
      const shell = await tmux("display-message", "-p", "-t", name, "#{pane_pid}");
      const { stdout } = await run("pgrep", ["-P", shell.trim()]);
      return Number(stdout);
    },
    async is(flag) {
      return (await tmux("display-message", "-p", "-t", name, `#{${flag}}`)).trim();
    },
  };
}

export async function closeWindows(): Promise<void> {
  await tmux("kill-server").catch((error: Error) => {
    if (!/no server running|error connecting/.test(error.message)) throw error;
  });
  servers++;
}

async function tmux(...args: string[]): Promise<string> {
  const socket = `tertulia-test-${process.pid}-${servers}`;
  const { stdout } = await run("tmux", ["-u", "-L", socket, "-f", "/dev/null", ...args]);
  return stdout;
}

function hasTmux(): boolean {
  try {
    execFileSync("tmux", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false; // told by the test that is skipped
  }
}
