/**
 * One private Redis per data folder: the first process that needs it starts it, and later ones use the same while
 * it runs. Two servers on one append-only file would destroy it.
 */
import { readFileSync, rmSync } from "node:fs";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, isFree, startLocalRedis } from "./server.js";

export interface SharedLocalRedis {
  readonly url: string;
  /** Resolves when it has stopped, no matter who stopped it. */
  readonly stopped: Promise<void>;
  /** Stops it, if this process has started it. */
  close(): Promise<void>;
}

/** What `redis.json` says: the process that runs the server, which ends with it; and the server, once it answers. */
interface Note {
  readonly owner: number;
  readonly server?: number;
  readonly url?: string;
}

const STARTS_WITHIN_MS = 30_000;
/** How often the note is read while a server starts, and how often one of another process is looked for. */
const [READ_EVERY_MS, LOOK_EVERY_MS] = [50, 500];
/** Notes that this process has written. Other notes with its process id are of an earlier process. */
const own = new Set<string>();

/** @throws Error if the folder belongs to a process that starts no server in time */
export async function sharedLocalRedis(
  dataDir: string,
  withinMs = STARTS_WITHIN_MS,
): Promise<SharedLocalRedis> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, "redis.json");
  const until = performance.now() + withinMs;
  while (!(await hasTaken(path))) {
    const note = await readNote(path);
    const isOwned = note !== undefined && isOwner(note.owner, path);
    const isServing = note?.server !== undefined && isAlive(note.server);
    const isHere = isOwned && isServing && note.url !== undefined;
    // process ids repeat after a restart of the machine: another process may have this one now
    if (isHere && !(await isFree(Number(new URL(note.url).port)))) {
      return { url: note.url, stopped: untilEnd(note.server), close: async () => {} };
    }
    // a server whose owner was killed is about to end: wait for that
    if (note !== undefined && !isOwned && !isServing) await rm(path, { force: true });
    else if (performance.now() > until) {
      throw new Error(
        `${path} says that process ${note?.owner} runs a Redis here; if it does not, remove the file`,
      );
    }
    await pause(READ_EVERY_MS);
  }
  own.add(path);
  try {
    const port = await portOf(dataDir);
    const redis = await startLocalRedis({ dataDir, port });
    const stopped = new Promise<void>((resolve) => redis.child.once("exit", () => resolve()));
    redis.child.once("exit", () => removeOwn(path));
    const note: Note = { owner: process.pid, server: redis.child.pid!, url: redis.url };
    await writeFile(path, JSON.stringify(note));
    return { url: redis.url, stopped, close: () => redis.close() };
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/** The port that the server had before, so that other nodes find it again; else a free one. */
async function portOf(dataDir: string): Promise<number> {
  const path = join(dataDir, "redis.port");
  const before = Number(await readFile(path, "utf8").catch(() => ""));
  const isKnown = Number.isInteger(before) && before > 0 && before < 65_536;
  const port = isKnown && (await isFree(before)) ? before : await freePort();
  await writeFile(path, `${port}\n`);
  return port;
}

/** Takes the folder, unless another process has it. */
async function hasTaken(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(JSON.stringify({ owner: process.pid } satisfies Note));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes this process' note, not a successor's. Somebody may have removed it already. */
function removeOwn(path: string): void {
  try {
    const isOwn = readFileSync(path, "utf8").includes(`"owner":${process.pid},`);
    if (isOwn) rmSync(path, { force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Undefined while it is being written, or after it was removed. */
async function readNote(path: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Note;
  } catch {
    return undefined;
  }
}

async function untilEnd(pid: number): Promise<void> {
  while (isAlive(pid)) await pause(LOOK_EVERY_MS, undefined, { ref: false });
}

function isOwner(pid: number, path: string): boolean {
  return pid === process.pid ? own.has(path) : isAlive(pid);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // another user's process
  }
}
