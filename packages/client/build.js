// Builds this package from src/clients/sdk into dist/: ESM, CommonJS, the types of both, and the documents.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const here = fileURLToPath(new URL("./", import.meta.url));
const dist = `${here}dist/`;

// a fresh clone: the compiler and the bundler are the repository's
if (!existsSync(`${root}node_modules/vite`)) {
  execFileSync("npm", ["ci", "--include=dev"], { cwd: root, stdio: ["ignore", 2, 2] });
}
const { build } = await import("vite");

rmSync(dist, { recursive: true, force: true });
await build({
  configFile: false,
  logLevel: "warn",
  publicDir: false,
  build: {
    outDir: dist,
    target: "es2022",
    minify: false, // an application's bundler minifies it, and people read it
    lib: {
      entry: `${root}src/clients/sdk/tertulia.ts`,
      formats: ["es", "cjs"],
      fileName: (format) => (format === "es" ? "index.js" : "index.cjs"),
    },
  },
});

const tsc = `${root}node_modules/typescript/bin/tsc`;
execFileSync(process.execPath, [tsc, "-p", here], { stdio: ["ignore", 2, 2] });
// for Symbol.asyncDispose
const types = `/// <reference lib="esnext.disposable" />\n${publicTypes("tertulia")}`;
writeFileSync(`${dist}index.d.ts`, types);
writeFileSync(`${dist}index.d.cts`, types);
rmSync(`${dist}types`, { recursive: true });

mkdirSync(`${dist}docs`);
for (const file of ["PROTOCOL.md", "docs/sdk.md", "docs/tertulia.v1.schema.json"]) {
  cpSync(`${root}${file}`, `${dist}${file}`);
}

/** One file of types: what the entry exports, and what that is made of. All of it is exported. */
function publicTypes(entry, seen = new Set()) {
  if (seen.has(entry)) return "";
  seen.add(entry);
  const text = readFileSync(`${dist}types/clients/sdk/${entry}.d.ts`, "utf8");
  const statement = /^(?:im|ex)port [^;]*? from "\.\/(.*)\.js";\n/gm;
  const rest = text.replace(statement, "");
  const missing = /^(?:im|ex)port [^;]* from .*|import\(.*/m.exec(rest);
  if (missing) throw new Error(`the types of ${entry} are not of this package: ${missing[0]}`);
  const needed = [...text.matchAll(statement)].map(([, file]) => publicTypes(file, seen));
  return needed.join("") + rest;
}
