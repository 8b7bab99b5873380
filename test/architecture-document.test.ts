/** What the documents say of the code is there: files, functions, rooms. The arrows: architecture.test.ts. */
import { expect, test } from "vitest";
import {
  deadLinks,
  hasName,
  mapIn,
  namesIn,
  pathsIn,
  readDocument,
  resolvePath,
} from "./support/documents.js";
import { readSources } from "./support/imports.js";

const DOCUMENTS = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"];

test("ARCHITECTURE.md maps each file of src/ and verifier/ once, and no file that is not there", async () => {
  const files = (await readSources(["src", "verifier"])).map(({ path }) => path);
  const known = new Set(files);
  const mapped = mapIn(await readDocument("ARCHITECTURE.md"));
  const found = mapped.map(({ path, about }) => {
    const file = [path, `${path}.ts`, `${path}.tsx`].find((each) => known.has(each));
    return { path, about, file };
  });
  const isMissing = new Set(found.map(({ file }) => file));
  const problems = [
    ...found.filter(({ file }) => file === undefined).map(({ path }) => `there is no ${path}`),
    ...found.filter(({ about }) => about === "").map(({ path }) => `nothing is said of ${path}`),
    ...files.filter((file) => !isMissing.has(file)).map((file) => `${file} is not in the map`),
  ];
  expect(problems).toEqual([]);
  expect(found.length, "each file once").toBe(isMissing.size);
});

test("README's map has each room of src/ and verifier/, and no room that is not there", async () => {
  const files = await readSources(["src", "verifier"]);
  const rooms = new Set(files.map(({ path }) => roomOf(path)));
  rooms.delete("src/"); // its files are named
  const [, map] = /^## How it is built$[^]*?^```\n([^]*?)^```$/m.exec(
    await readDocument("README.md"),
  )!;
  const mapped = map!.match(/^\S+/gm)!;
  expect(mapped.filter((path) => path.endsWith("/")).toSorted()).toEqual([...rooms].toSorted());
  expect(mapped.filter((path) => resolvePath(path) === undefined)).toEqual([]);
});

test("paths that the documents name are there", async () => {
  const wrong: string[] = [];
  for (const document of DOCUMENTS) {
    const text = await readDocument(document);
    const missing = pathsIn(text).filter((path) => resolvePath(path) === undefined);
    wrong.push(...missing.map((path) => `${document}: ${path}`));
    wrong.push(...deadLinks(document, text).map((path) => `${document}: link to ${path}`));
  }
  expect(wrong).toEqual([]);
});

test("functions that the documents name are in the files that they name", async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const document of DOCUMENTS) {
    for (const named of namesIn(await readDocument(document))) {
      count++;
      if (!(await hasName(named))) wrong.push(`${document}: ${named.path} ${named.name}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(50);
});

test("a catch that does nothing says why", async () => {
  const lines = await linesOf("src");
  const mute = lines.filter(({ text }) => /\.catch\(\(\) => \{\}\)(?!.*\/\/)/.test(text));
  expect(mute.map(({ at }) => at)).toEqual([]);
});

test("times and limits have a name, at the top of the file", async () => {
  const lines = await linesOf("src");
  const isBelow = new Set<string>();
  const wrong = lines.filter(({ path, text }) => {
    if (/^(?:export )?(?:async )?(?:function|class) /.test(text)) isBelow.add(path);
    const isLate = isBelow.has(path) && /^(?:export )?const [A-Z_]+ = \[?\d/.test(text);
    return isLate || /\b(?:pause|setTimeout|setInterval)\(.*\b\d{2,}[\d_]*\)/.test(text);
  });
  expect(wrong.map(({ at }) => at)).toEqual([]);
});

/** Each line of the sources. */
async function linesOf(folder: string) {
  const files = (await readSources([folder])).filter(({ path }) => /\.tsx?$/.test(path));
  const all = files.map(async ({ path }) =>
    (await readDocument(path))
      .split("\n")
      .map((text, i) => ({ path, text, at: `${path}:${i + 1} ${text.trim()}` })),
  );
  return (await Promise.all(all)).flat();
}

/** Each client is a room; other rooms include the folders within. */
function roomOf(path: string): string {
  const [first, second, third] = path.split("/");
  if (first === "verifier") return "verifier/";
  if (second === "clients") return `src/clients/${third}/`;
  return path.split("/").length === 2 ? "src/" : `src/${second}/`;
}
