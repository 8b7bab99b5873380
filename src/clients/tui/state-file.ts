/** Small secrets that are kept on this machine, each in a file that only this user can read; one for each host and name. */
import { createHash } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { normalizeName } from "../sdk/normalize-name.js";
import { randomId } from "../sdk/platform.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface StateFile {
  readonly folder: string;
  readonly file: string;
}

/**
 * Of a name at a host, whatever the port: one chat may answer at several. A login session is a secret that is worth
 * something to whoever hears it: it is shown only where it was had, at the same port and through TLS or not.
 */
export function stateFile(
  kind: "keys" | "sessions",
  url: string,
  name: string,
  environment: Environment,
): StateFile {
  const folder = join(stateFolder(environment), "tertulia", kind);
  const { hostname, origin } = new URL(url);
  const where = kind === "sessions" ? origin : hostname;
  const whose = `${where} ${normalizeName(name)}`;
  return { folder, file: createHash("sha256").update(whose).digest("hex").slice(0, 32) };
}

/** Undefined: there is none. */
export function readState({ folder, file }: StateFile): string | undefined {
  try {
    return readFileSync(join(folder, file), "utf8").trim();
  } catch {
    return undefined;
  }
}

/**
 * Written whole or not at all.
 * @param how `make`: if there is one already, that stays: of two programs at the same time, the first one's counts
 * @returns false if nothing can be kept here: a system that is read-only, or a home that is none
 */
export function writeState(
  { folder, file }: StateFile,
  text: string,
  how: "make" | "set",
): boolean {
  const draft = join(folder, `${file}.${randomId()}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${text}\n`, { mode: 0o600, flag: "wx" });
  } catch {
    return false;
  }
  try {
    if (how === "make") linkSync(draft, join(folder, file));
    else renameSync(draft, join(folder, file));
  } catch {
    return how === "make"; // the other one was first
  } finally {
    rmSync(draft, { force: true });
  }
  return true;
}

/** @param but it stays if there is another text by now: another program has written it */
export function removeState(where: StateFile, but?: string): void {
  if (but !== undefined && readState(where) !== but) return;
  try {
    rmSync(join(where.folder, where.file), { force: true });
  } catch {
    // not ours to remove: it is refused again next time
  }
}

/** XDG Base Directory Specification: a relative path is to be ignored. */
function stateFolder(environment: Environment): string {
  const given = environment["XDG_STATE_HOME"] ?? "";
  return isAbsolute(given) ? given : join(homedir(), ".local", "state");
}
