/** PROTOCOL.md says what the code does, where a program can tell; and each rule about abuse has its test. */
import { readFile, readdir } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import { CODE, OP } from "#tertulia/wire/classic.js";
import { CLOSE } from "#tertulia/wire/close-codes.js";
import { ERRORS, REFUSALS, errorKind, type ErrorCode } from "#tertulia/wire/error-codes.js";
import { allFrames, withShapes } from "../../docs/shapes.js";

let text: string;

beforeAll(async () => {
  text = await readFile("PROTOCOL.md", "utf8");
});

test("it shows every frame of JSON once, as the schema has it", () => {
  const { document, shown }: { document: string; shown: string[] } = withShapes(text);
  expect(text === document, "npm run schema writes it").toBe(true);
  expect(new Set(shown)).toEqual(new Set(allFrames()));
  expect(shown.length).toBe(allFrames().length);
});

test("each request and event of JSON has a section, and so has each op and code of the bytes", () => {
  const titles = new Set(headings().map(({ title }) => title));
  for (const frame of allFrames()) {
    const type = frame.split(" ")[1]!;
    expect(titles, frame).toContain(type === "pong" ? "`ping`" : `\`${type}\``);
  }
  const isNumbered = (word: string, number: number): boolean =>
    [...titles].some((title) => title.startsWith(`${word} ${number}: `));
  for (const op of Object.values(OP)) expect(isNumbered("Op", op), `op ${op}`).toBe(true);
  for (const code of Object.values(CODE)) expect(isNumbered("Code", code), `${code}`).toBe(true);
});

test("its close codes are those of the table, with reason, dialects and retry policy", () => {
  const rows = table("Closing").map(([code, reason, dialects, , retry]) => ({
    code: Number(code),
    reason: reason!.replaceAll("`", ""),
    dialects,
    retry,
  }));
  const ours = Object.values(CLOSE).map(({ code, reason, dialects, retry }) => ({
    code,
    reason,
    dialects,
    retry,
  }));
  expect(rows).toEqual(ours);
});

test("its errors are those of the table, in JSON and in bytes", () => {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  expect(table("Errors").map(([code, , retryable]) => [code, retryable !== "no"])).toEqual(
    codes.map((code) => [`\`${code}\``, errorKind(code).retryable]),
  );
  const bytes = new Set(Object.values(REFUSALS).map(({ byte }) => `${byte}`));
  expect(new Set(table("Code 50: error").map(([byte]) => byte))).toEqual(bytes);
});

test("the fields of `ok` are the same in each request's section and in the table, and together those of its shape", () => {
  const inTable = table("`ok`").flatMap(([requests, fields]) =>
    quotedIn(requests!).map((request) => [request, quotedIn(fields!.split(";")[0]!)] as const),
  );
  const inSections = inTable.map(([request]) => {
    const { at } = headings().find(({ title }) => title === `\`${request}\``)!;
    const [, answer] = /Answer: `ok`([^.;]*)/.exec(text.slice(at))!;
    return [request, quotedIn(answer!)] as const;
  });
  expect(inSections).toEqual(inTable);
  const others = ["hello", "ping"]; // answered by welcome and pong
  const requests = allFrames().filter((frame: string) => frame.startsWith("request "));
  expect(new Set([...others, ...inTable.map(([request]) => request)])).toEqual(
    new Set(requests.map((frame: string) => frame.split(" ")[1])),
  );
  const [, shape] = /^interface OkEvent \{\n([^]*?)\n\}/m.exec(text)!;
  const fields = [...shape!.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => field!);
  expect(new Set(["type", "id", ...inTable.flatMap(([, names]) => names)])).toEqual(
    new Set(fields),
  );
});

test("each rule about abuse has an id of its own, and tests on a gateway name these ids and no others", async () => {
  const tables = [...text.matchAll(/^\|(?: id \|)? abuse.*\n.*\n((?:\|.*\n)+)/gm)];
  const rows = tables.flatMap(([, lines]) => lines!.trim().split("\n"));
  const ids = rows.map((row) => /^\| `([\w-]+)` \|/.exec(row)?.[1] ?? row);
  const tried = new Set<string>();
  for (const file of await readdir("test/gateway")) {
    const source = await readFile(`test/gateway/${file}`, "utf8");
    // at the end of a title, one or more
    const named = source.matchAll(/\[abuse:([\w-]+)\](?=(?: \[abuse:[\w-]+\])*["`])/g);
    for (const [, id] of named) tried.add(id!);
  }
  expect(ids.length).toBeGreaterThan(50);
  expect(ids.toSorted()).toEqual([...tried].toSorted());
});

test("its links lead to its headings, and so do those of the other documents", async () => {
  const anchors = new Set(headings().map(({ title }) => anchorOf(title)));
  const others = ["README.md", "CONTRIBUTING.md", "docs/sdk.md", "docs/terminal.md"];
  const texts = [text, ...(await Promise.all(others.map((file) => readFile(file, "utf8"))))];
  const links = texts.flatMap((each, i) => [
    ...each.matchAll(i === 0 ? /\]\(#([^)]*)\)/g : /PROTOCOL\.md#([\w-]+)/g),
  ]);
  expect(links.length).toBeGreaterThan(40);
  expect(links.map(([, anchor]) => anchor).filter((anchor) => !anchors.has(anchor!))).toEqual([]);
});

test("every heading of it that a comment names is there", async () => {
  const bold = [...text.matchAll(/\*\*([^*]+?)[.:]?\*\*/g)].map(([, words]) => words!);
  const names = [...headings().map(({ title }) => title), ...bold].map((each) =>
    each.replaceAll("`", "").toLowerCase(),
  );
  const wrong: string[] = [];
  for (const folder of ["src", "test", "verifier", "deploy"]) {
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    for (const { name, parentPath } of files.filter((file) => file.isFile())) {
      if (!/\.(tsx?|js|lua|cfg|sh)$/.test(name) || parentPath.includes("dist")) continue;
      const source = await readFile(`${parentPath}/${name}`, "utf8");
      for (const [, named] of source.matchAll(/PROTOCOL\.md, ([A-Za-z- ,]+?)(?:[.);*:]|$)/gm)) {
        const parts = named!.split(",").map((part) => part.trim().toLowerCase());
        if (!parts.every((part) => names.includes(part))) wrong.push(`${name}: ${named}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

function headings(): { readonly title: string; readonly at: number }[] {
  return [...text.matchAll(/^#{2,4} (.+)$/gm)].map(({ 1: title, index }) => ({
    title: title!,
    at: index,
  }));
}

/** The rows of the first table of a section, by columns. */
function table(title: string): string[][] {
  const { at } = headings().find((heading) => heading.title === title)!;
  const [found] = /(?:^\|.*\n)+/m.exec(text.slice(at))!;
  const rows = found.trim().split("\n").slice(2);
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
}

function quotedIn(words: string): string[] {
  return [...words.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);
}

/** As GitHub makes it. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}
