/**
 * Finds a Redis server to run: on PATH, in `.cache/`, or, on Debian and Ubuntu, fetched into
 * `.cache/` from the system's own package mirror, without root and without touching the system.
 */
import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../.cache/", import.meta.url));
const FETCHED = join(CACHE, `redis-${process.arch}`);

let found: Promise<readonly string[]> | undefined;

/** The words to run it with: a program and, if it was fetched, what must stand before its options. */
export function findRedisBinary(): Promise<readonly string[]> {
  found ??= find();
  return found;
}

async function find(): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (const name of ["redis-server", "valkey-server"]) {
    const version = await versionOf([name]);
    if (version !== undefined && version >= 7) return [name];
    if (version !== undefined) reasons.push(`${name} on PATH is version ${version}`);
  }
  const cached = await fetchedCommand();
  if (cached !== undefined) return cached;
  try {
    await fetchPackages();
    const command = await fetchedCommand();
    if (command !== undefined) return command;
    reasons.push("the fetched redis-server does not run here");
  } catch (error) {
    reasons.push(
      `fetching it failed: ${error instanceof Error ? error.message.trim() : String(error)}`,
    );
  }
  throw new Error(
    [
      "No Redis or Valkey 7.0 or later was found, and this machine has none to fetch.",
      "Any of these helps:",
      "  - install one (apt install redis-server, dnf install valkey, brew install redis)",
      "  - point to a running one: REDIS_URL=redis://host:6379 npm start",
      `(${reasons.join("; ")})`,
    ].join("\n"),
  );
}

async function versionOf(command: readonly string[]): Promise<number | undefined> {
  try {
    const [program, ...args] = command as [string, ...string[]];
    const { stdout } = await run(program, [...args, "--version"]);
    return Number(/v=(\d+\.\d+)/.exec(stdout)?.[1]);
  } catch {
    return undefined; // not there, or not runnable: both mean that it is of no use
  }
}

/** Packages bring their own libraries, libc included, so their own loader runs them. */
async function fetchedCommand(): Promise<readonly string[] | undefined> {
  try {
    const command = JSON.parse(await readFile(join(FETCHED, "command.json"), "utf8")) as string[];
    const words = command.map((word) => word.replaceAll("@", FETCHED));
    return (await versionOf(words)) === undefined ? undefined : words;
  } catch {
    return undefined; // nothing was fetched yet
  }
}

async function fetchPackages(): Promise<void> {
  const sources = await mirrorSources();
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "fetching-"));
  try {
    process.stderr.write("Fetching redis-server from this system's package mirror (once) ...\n");
    const root = join(work, "root");
    for (const folder of ["lists/partial", "archives/partial", "root"]) {
      await mkdir(join(work, folder), { recursive: true });
    }
    await writeFile(join(work, "status"), "");
    await writeFile(join(work, "sources.list"), sources);
    await writeFile(join(work, "apt.conf"), aptConfiguration(work));
    const env = { ...process.env, APT_CONFIG: join(work, "apt.conf"), LC_ALL: "C" };
    const apt = async (...args: string[]): Promise<string> =>
      (await run("apt-get", args, { env, cwd: join(work, "archives"), maxBuffer: 1 << 24 })).stdout;
    await apt("update", "-qq");
    // an empty status file: the whole closure is to be installed, so the whole closure is named
    const plan = await apt("install", "--simulate", "--no-install-recommends", "redis-server");
    const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!);
    await apt("download", "-qq", ...packages);
    for (const file of await readdir(join(work, "archives"))) {
      if (file.endsWith(".deb")) await run("dpkg-deb", ["-x", join(work, "archives", file), root]);
    }
    await writeFile(join(root, "command.json"), JSON.stringify(await loaderCommand(root)));
    await rm(FETCHED, { recursive: true, force: true });
    await rename(root, FETCHED).catch(async (error: unknown) => {
      // another process has fetched it at the same time
      if ((await fetchedCommand()) === undefined) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function aptConfiguration(work: string): string {
  return [
    `Dir::State "${work}";`,
    `Dir::State::lists "${work}/lists";`,
    `Dir::State::status "${work}/status";`,
    `Dir::Cache "${work}";`,
    `Dir::Cache::archives "${work}/archives";`,
    `Dir::Etc::SourceList "${work}/sources.list";`,
    'Dir::Etc::SourceParts "/dev/null";',
    'Acquire::Languages "none";',
    'APT::Sandbox::User "";',
    'APT::Get::List-Cleanup "false";',
    'Debug::NoLocking "true";',
  ].join("\n");
}

/** The main archives of the system's own sources: whatever else is configured may not be reachable. */
async function mirrorSources(): Promise<string> {
  const folder = "/etc/apt/sources.list.d";
  const names = await readdir(folder).catch(() => []);
  const files = ["/etc/apt/sources.list", ...names.map((name) => join(folder, name))];
  const lines = new Set<string>();
  for (const file of files) {
    const content = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".sources")) {
      for (const stanza of content.split(/\n\s*\n/)) {
        const field = (name: string): string[] =>
          (new RegExp(`^${name}:(.*)$`, "im").exec(stanza)?.[1] ?? "").trim().split(/\s+/);
        for (const uri of field("URIs").filter(isArchive)) {
          const keyring = field("Signed-By")[0];
          const option = keyring?.startsWith("/") ? `[signed-by=${keyring}] ` : "";
          for (const suite of field("Suites"))
            lines.add(`deb ${option}${uri} ${suite} main universe`);
        }
      }
    } else {
      for (const [line, uri] of content.matchAll(/^deb (?:\[[^\]]*\] )?(\S+) .*$/gm)) {
        if (isArchive(uri!)) lines.add(line);
      }
    }
  }
  if (lines.size === 0) throw new Error("this is no Debian or Ubuntu with a package mirror");
  const isUbuntu = [...lines].some((line) => line.includes("ubuntu"));
  return `${[...lines].map((line) => (isUbuntu ? line : line.replace(" main universe", " main"))).join("\n")}\n`;
}

function isArchive(uri: string): boolean {
  return /\/(debian|debian-security|ubuntu|ubuntu-ports)\/?$/.test(uri);
}

async function loaderCommand(root: string): Promise<string[]> {
  const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const name = process.arch === "arm64" ? "ld-linux-aarch64.so.1" : "ld-linux-x86-64.so.2";
  const libraries = ["lib", "usr/lib"].map((folder) => `@/${folder}/${triplet}`);
  for (const folder of [`usr/lib/${triplet}`, `lib/${triplet}`]) {
    const loader = join(root, folder, name);
    const isThere = await access(loader).then(
      () => true,
      () => false,
    );
    if (isThere) {
      return [
        `@/${folder}/${name}`,
        "--library-path",
        libraries.join(":"),
        "@/usr/bin/redis-server",
      ];
    }
  }
  throw new Error("the packages hold no loader");
}
