/** The key of a name, kept on this machine: the chat keeps the name for who has it. One file for each host and name. */
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { isKey } from "../sdk/argument-checks.js";
import { normalizeName } from "../sdk/normalize-name.js";
import { randomId } from "../sdk/platform.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The key of a name at a host, whatever the port: one chat may answer at several. It is made the first time, and only
 * this user can read it.
 *
 * @returns undefined if nothing can be kept here: then the name is not kept either
 */
export function keptKey(url: string, name: string, environment: Environment): string | undefined {
  const given = environment["TERTULIA_KEY"];
  if (isKey(given)) return given;
  const folder = join(stateFolder(environment), "tertulia", "keys");
  const whose = `${new URL(url).hostname} ${normalizeName(name)}`;
  const file = join(folder, createHash("sha256").update(whose).digest("hex").slice(0, 32));
  return readKey(file) ?? madeKey(folder, file);
}

/** Two programs may make one at the same time: the first one's counts, for both. */
function madeKey(folder: string, file: string): string | undefined {
  const draft = `${file}.${randomId()}`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${randomId()}\n`, { mode: 0o600, flag: "wx" });
  } catch {
    return undefined; // a system that is read-only, or a home that is none
  }
  try {
    linkSync(draft, file);
  } catch {
    // the other one was first
  } finally {
    rmSync(draft, { force: true });
  }
  return readKey(file);
}

function readKey(file: string): string | undefined {
  try {
    const key = readFileSync(file, "utf8").trim();
    return isKey(key) ? key : undefined;
  } catch {
    return undefined; // not there yet
  }
}

/** XDG Base Directory Specification: a relative path is to be ignored. */
function stateFolder(environment: Environment): string {
  const given = environment["XDG_STATE_HOME"] ?? "";
  return isAbsolute(given) ? given : join(homedir(), ".local", "state");
}
