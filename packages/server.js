// Before and after the server is packed: who installs it needs none of what builds and tests it.
import { copyFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const whole = fileURLToPath(new URL("../package.json", import.meta.url));
const aside = fileURLToPath(new URL("../dist/.package.json", import.meta.url));

if (process.argv[2] === "restore") {
  renameSync(aside, whole);
} else {
  copyFileSync(whole, aside);
  const { devDependencies: _, optionalDependencies: __, ...rest } = JSON.parse(readFileSync(whole));
  writeFileSync(whole, `${JSON.stringify(rest, null, 2)}\n`);
}
