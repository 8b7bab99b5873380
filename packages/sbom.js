/**
 * Prints the bill of materials (SBOM, CycloneDX) of an image, by package-lock.json: the packages that a gateway loads, and
 * those that are built into its page. What the base image holds is in its /var/lib/dpkg/status.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { packagesIn } from "./audit.js";

const cwd = fileURLToPath(new URL("..", import.meta.url));
const lock = JSON.parse(readFileSync(`${cwd}package-lock.json`, "utf8"));
// npm's own --omit leaves out what ships, too, if a tool needs it as well
const args = ["sbom", "--package-lock-only", "--sbom-format=cyclonedx", "--sbom-type=application"];
const sbom = JSON.parse(execFileSync("npm", args, { cwd, encoding: "utf8", maxBuffer: 2 ** 26 }));
const shipped = packagesIn(lock).filter(({ ships }) => ships);
const kept = new Set(shipped.map(({ name, entry }) => `${name}@${entry.version}`));
kept.add(sbom.metadata.component["bom-ref"]);
const isKept = (ref) => kept.has(ref);
sbom.components = sbom.components.filter((each) => isKept(each["bom-ref"]));
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => isKept(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isKept) }));
console.log(JSON.stringify(sbom, undefined, 2));
