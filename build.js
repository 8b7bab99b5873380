/**
 * Builds dist/, and verifier/dist/ where the verifier is there, if their sources have changed since: `npm run build`. Everything that runs dist/ calls it first
 * (npm start, each test run), so that nobody runs yesterday's code; when nothing has changed it takes 50 ms.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL(".", import.meta.url));
const BUILT = join(ROOT, "dist/.built.json");
const SETTINGS = ["build.js", "package-lock.json", "tsconfig.json", "vite.web.config.ts"];

/** True if there was something to build. Throws if a source has an error; what it is stands on standard error. */
export function build() {
  const sources = digests();
  const built = readBuilt();
  const isChanged = (file) => sources[file] !== built?.[file];
  const changed = Object.keys({ ...built, ...sources }).filter(isChanged);
  if (changed.length === 0) return false;
  // what was compiled from a source that is gone goes too
  const isClean = built !== undefined && changed.every((file) => file in sources);
  if (!isClean) {
    for (const dist of ["dist", "verifier/dist"]) {
      rmSync(join(ROOT, dist), { recursive: true, force: true });
    }
  }
  note(Object.fromEntries(Object.keys(sources).map((file) => [file, "under way"])));
  run("typescript/bin/tsc");
  cpSync(join(ROOT, "src/redis/lua"), join(ROOT, "dist/redis/lua"), { recursive: true });
  // not in an image, nor in what is packed; it is compiled against the types in dist/
  if (hasVerifier()) run("typescript/bin/tsc", "-p", "verifier");
  if (changed.some(isOfPage) || !existsSync(join(ROOT, "dist/web/index.html"))) {
    run("vite/bin/vite.js", "build", "-c", "vite.web.config.ts");
  }
  note(sources);
  return true;
}

function hasVerifier() {
  return existsSync(join(ROOT, "verifier/main.ts"));
}

function note(digestsOfSources) {
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  writeFileSync(BUILT, JSON.stringify(digestsOfSources));
}

/** File → digest of its content, of all that the build reads. */
function digests() {
  const files = [...filesIn("src"), ...filesIn("verifier")].filter(
    (file) => !file.startsWith("verifier/dist/"),
  );
  const digestOf = (file) =>
    createHash("sha256")
      .update(readFileSync(join(ROOT, file)))
      .digest("base64url");
  return Object.fromEntries([...SETTINGS, ...files].map((file) => [file, digestOf(file)]));
}

function filesIn(folder) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length));
}

/** Undefined if it was never built, or a folder of the build is gone. */
function readBuilt() {
  const outputs = ["dist/main.js", ...(hasVerifier() ? ["verifier/dist/main.js"] : [])];
  if (!outputs.every((file) => existsSync(join(ROOT, file)))) return undefined;
  try {
    return JSON.parse(readFileSync(BUILT, "utf8"));
  } catch {
    return undefined; // never built
  }
}

function isOfPage(file) {
  return SETTINGS.includes(file) || file.startsWith("src/clients/");
}

function run(program, ...args) {
  const path = join(ROOT, "node_modules", program);
  if (!existsSync(path)) {
    throw new Error(
      `${program.split("/")[0]} is not installed, and the build needs it: npm ci --include=optional`,
    );
  }
  const env = { ...process.env, NODE_ENV: "production" };
  execFileSync(process.execPath, [path, ...args], { cwd: ROOT, env, stdio: "inherit" });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    build();
  } catch (error) {
    if (error.status === undefined) console.error(error.message); // else the compiler has said it
    process.exit(1);
  }
}
