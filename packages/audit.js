/**
 * `npm run audit:deps`: whether the packages of package-lock.json may be used. Licences, install scripts and checksums are
 * looked up here; known advisories are asked of the registry, and if it answers none, that is said and is no success.
 * Exit codes: 0 nothing is wrong; 1 something is; 2 advisories could not be asked. `--offline` does not ask for any.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MAX_DIRECT = 10;
/** Licences of what ships: they ask for no more than to be named. */
const SHIPPED = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD"];
/** Of tools that build and test, besides: nothing of them is passed on. */
const TOOLS = [...SHIPPED, "MPL-2.0", "BlueOak-1.0.0", "Unlicense", "CC0-1.0"];
/** Built into the page, though no gateway loads them. */
const IN_THE_PAGE = ["preact"];

/**
 * What is wrong, a line each, and how many packages there are.
 * @param lock package-lock.json @param allowScripts of package.json: whose install scripts may run
 * @param licenceOf asked for a package whose licence the lock does not tell
 */
export function examine(lock, allowScripts, licenceOf = () => undefined) {
  const wrong = [];
  const packages = packagesIn(lock);
  for (const { path, name, entry, ships } of packages) {
    const say = (what) => wrong.push(`${name} ${entry.version}: ${what}`);
    const licence = entry.license ?? licenceOf(path) ?? "none";
    if (!isAllowed(licence, ships ? SHIPPED : TOOLS)) say(`its licence is not allowed: ${licence}`);
    if (entry.hasInstallScript && (ships || allowScripts[name] !== false)) {
      say("it has an install script (allowScripts of package.json forbids those of tools)");
    }
    if (entry.link || !entry.integrity?.startsWith("sha512-")) say("it has no checksum (sha512)");
  }
  const direct = Object.keys(lock.packages[""].dependencies ?? {});
  if (direct.length > MAX_DIRECT) wrong.push(`more than ${MAX_DIRECT} packages are depended on`);
  const shipped = packages.filter(({ ships }) => ships).length;
  return { wrong, shipped, tools: packages.length - shipped };
}

/** The packages of package-lock.json, and whether they ship: a gateway loads them, or its page has them. */
export function packagesIn(lock) {
  const entries = Object.entries(lock.packages).filter(([path]) => path !== "");
  return entries.map(([path, entry]) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const isTool = entry.dev || entry.optional || entry.devOptional;
    return { path, name, entry, ships: !isTool || IN_THE_PAGE.includes(name) };
  });
}

/** SPDX, as far as packages use it: of `A OR B` one is enough, of `A AND B` both count. */
function isAllowed(licence, allowed) {
  return licence
    .replaceAll(/[()]/g, "")
    .split(" OR ")
    .some((one) => one.split(" AND ").every((each) => allowed.includes(each.trim())));
}

/** Licences as old packages tell them, if they are installed. */
function installedLicence(path) {
  try {
    const { license, licenses } = JSON.parse(readFileSync(`${ROOT}${path}/package.json`, "utf8"));
    return license ?? licenses?.map(({ type }) => type).join(" OR ");
  } catch {
    return undefined; // not for this system
  }
}

/** The known advisories, a line each; `unknown` says why they could not be asked. */
function advisories() {
  const { stdout, error } = spawnSync("npm", ["audit", "--json"], { cwd: ROOT, encoding: "utf8" });
  let answer;
  try {
    answer = JSON.parse(stdout);
  } catch {
    return { unknown: error?.message ?? "npm audit says nothing" };
  }
  if (answer.auditReportVersion === undefined) {
    const why = String(answer.message ?? answer.error?.summary ?? "no report");
    return { unknown: why.replace(/ - [A-Z]+ \S+$/, "") };
  }
  const known = Object.values(answer.vulnerabilities).flatMap(({ name, range, severity, via }) =>
    via
      .filter((each) => typeof each === "object")
      .map(({ title, url }) => `${name} ${range}: ${title} (${severity}, ${url})`),
  );
  return { known };
}

function main(args) {
  const read = (file) => JSON.parse(readFileSync(`${ROOT}${file}`, "utf8"));
  const { allowScripts = {} } = read("package.json");
  const { wrong, shipped, tools } = examine(
    read("package-lock.json"),
    allowScripts,
    installedLicence,
  );
  const asked = args.includes("--offline") ? undefined : advisories();
  for (const line of [...wrong, ...(asked?.known ?? [])]) console.log(`wrong   ${line}`);
  if (wrong.length === 0) {
    const counts = `${shipped} packages that ship, ${tools} tools`;
    console.log(`ok      licences, install scripts and checksums of ${counts}`);
  }
  if (asked === undefined) console.log("unknown advisories: not asked for");
  else if (asked.unknown !== undefined)
    console.log(`unknown advisories: the registry answers none (${asked.unknown})`);
  else if (asked.known.length === 0) console.log("ok      no advisory is known");
  if (wrong.length > 0 || (asked?.known ?? []).length > 0) return 1;
  return asked?.unknown === undefined ? 0 : 2;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.exitCode = main(process.argv.slice(2));
}
