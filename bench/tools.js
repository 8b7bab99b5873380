/** What the bench needs and the product does not: built once, into `.cache/bench`. */
import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { access, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const HERE = import.meta.dirname;
const CACHE = join(HERE, "../.cache/bench");

const SOCKET_IO_PACKAGES = ["socket.io", "@socket.io/redis-adapter", "redis"];
const CENTRIFUGO = "github.com/centrifugal/centrifugo/v6@v6.9.1";

/** Compiles all C files of a folder here. Returns the program's path. @throws Error without a C compiler. */
export async function compile(folder) {
  const program = join(CACHE, folder);
  const sources = readdirSync(join(HERE, folder)).map((file) => join(HERE, folder, file));
  if (await isNewer(program, sources)) return program;
  await mkdir(CACHE, { recursive: true });
  const files = sources.filter((file) => file.endsWith(".c"));
  try {
    await run("cc", ["-O2", "-o", program, ...files]);
  } catch (error) {
    throw new Error(
      error.code === "ENOENT"
        ? "The bench needs a C compiler, `cc` (apt install gcc): its clients are written in C, so that they cost little."
        : `bench/${folder} does not compile:\n${error.stderr}`,
      { cause: error },
    );
  }
  return program;
}

/** Installs the Socket.IO server from its lock file. Returns the path of its program. */
export async function installSocketIo() {
  const folder = join(HERE, "socket.io");
  if (!(await isNewer(join(folder, "node_modules"), [join(folder, "package-lock.json")]))) {
    tell("Installing Socket.IO (once) ...");
    await run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder });
  }
  return join(folder, "server.js");
}

/** Builds Centrifugo. Returns the program's path. @throws Error without Go, or without its module proxy. */
export async function buildCentrifugo() {
  const program = join(CACHE, "centrifugo");
  if (await exists(program)) return program;
  await mkdir(CACHE, { recursive: true });
  tell("Building Centrifugo (once, some minutes) ...");
  await run("go", ["install", CENTRIFUGO], { env: { ...process.env, GOBIN: CACHE } });
  return program;
}

/** Names and versions of all that took part; `peers` by name. The floor in C has no version. */
export async function versions(peers) {
  const { findRedisBinary } = await import("../dist/local-redis/binary.js");
  const [program, ...args] = await findRedisBinary();
  const redis = await run(program, [...args, "--version"]);
  const lock = JSON.parse(await readFile(join(HERE, "socket.io/package-lock.json"), "utf8"));
  const installed = (name) => `${name} ${lock.packages[`node_modules/${name}`].version}`;
  return [
    `Node ${process.versions.node}`,
    `Redis ${/v=(\S+)/.exec(redis.stdout)[1]}`,
    ...(peers.includes("Socket.IO") ? SOCKET_IO_PACKAGES.map(installed) : []),
    ...(peers.includes("Centrifugo") ? [`Centrifugo ${CENTRIFUGO.split("@v")[1]}`] : []),
  ];
}

function tell(what) {
  process.stderr.write(`${what}\n`);
}

async function exists(path) {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function isNewer(path, sources) {
  if (!(await exists(path))) return false;
  return sources.every((source) => statSync(source).mtimeMs <= statSync(path).mtimeMs);
}
