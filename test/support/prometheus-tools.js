/**
 * Real Prometheus for tests: promtool, prometheus, and the exporters of Redis and of the machine, from the PATH or
 * built once from their Go modules into a cache outside the repository. `npm run test:alerts` runs this file
 * before the tests; `npm test` only uses what it finds.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";

/** Prometheus 3.5, as a Go module. */
const PROMETHEUS = "v0.305.0";

/** Name of the binary → the package that it is built from, and its version. */
const PROGRAMS = {
  promtool: ["github.com/prometheus/prometheus/cmd/promtool", PROMETHEUS],
  prometheus: ["github.com/prometheus/prometheus/cmd/prometheus", PROMETHEUS],
  redis_exporter: ["github.com/oliver006/redis_exporter", "v1.88.0"],
  node_exporter: ["github.com/prometheus/node_exporter", "v1.10.2"],
};

const CACHE = join(
  process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
  "tertulia-prometheus",
  "v3.5.0",
);

/** Where the program is, or undefined. @param {string} name */
export function find(name) {
  const folders = [CACHE, ...(process.env["PATH"] ?? "").split(delimiter)];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Why what needs these programs cannot be tried, or undefined. @param {readonly string[]} names */
export function whyNot(...names) {
  const missing = names.filter((name) => find(name) === undefined);
  if (missing.length === 0) return undefined;
  return `no ${missing.join(", ")} here (npm run test:alerts builds it): alerts are not tried with it`;
}

/** Builds what is missing: some minutes of two cores. */
function buildTools() {
  if (spawnSync("go", ["version"]).status !== 0) return;
  mkdirSync(CACHE, { recursive: true });
  for (const [name, [module, version]] of Object.entries(PROGRAMS)) {
    if (find(name) !== undefined) continue;
    console.log(`building ${name} ${version}`);
    // not `go install`: Prometheus excludes versions of what it needs, which that refuses
    const folder = mkdtempSync(join(tmpdir(), "tertulia-go-"));
    const go = (/** @type {string[]} */ ...args) =>
      execFileSync("go", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
    try {
      writeFileSync(join(folder, "tool.go"), `package tool\n\nimport _ "${module}"\n`);
      go("mod", "init", "tool");
      go("get", `${module}@${version}`);
      go("build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", join(CACHE, name), module);
    } catch {
      console.log(`${name} could not be built`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) buildTools();
