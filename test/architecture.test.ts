/** Holds the arrows, here and in ARCHITECTURE.md. Its map of files: architecture-document.test.ts. */
import { readFile } from "node:fs/promises";
import { beforeAll, expect, test } from "vitest";
import {
  cyclesIn,
  longFiles,
  reachedFrom,
  readSources,
  type SourceFile,
} from "./support/imports.js";
import { readDocument } from "./support/documents.js";

interface Room {
  /** Rooms, or single files, that it may import from. */
  readonly imports?: readonly string[];
  /** Rooms of which it may import types only: it runs without them. */
  readonly types?: readonly string[];
  /** Packages that it may import; none if absent. */
  readonly packages?: RegExp;
}

const NODE = /^node:/;

/**
 * The arrows. ARCHITECTURE.md shows them, packages left out. A room is a folder or a file; a file belongs to the longest name here that its own
 * begins with, so that a part of a room can have stricter arrows than the rest of it.
 */
const ROOMS: Readonly<Record<string, Room>> = {
  // pure: no socket, no Redis, no clock of their own
  chat: {},
  // decides from what is shown; what Redis keeps of it comes through a port
  identity: { imports: ["chat", "limits"], packages: /^(jose|node:.*)$/ },
  session: { imports: ["chat"] },
  limits: { imports: ["chat"], types: ["session"] },
  // dialects write down what a session is asked and tells, and run without one
  wire: { imports: ["chat"], types: ["session"], packages: /^zod$/ },
  // the clients take these along
  "wire/close-codes": {},
  "wire/epoch": {},

  // each with one technology; they do not know each other
  gateway: {
    imports: ["session", "chat", "limits", "wire", "observe", "pause", "window"],
    packages: /^(ws|nanoid|node:.*)$/,
  },
  redis: {
    imports: ["chat", "cluster/ports", "identity/ports", "observe", "redact", "window"],
    packages: /^(ioredis|nanoid|node:.*)$/,
  },
  cluster: { imports: ["chat", "observe", "pause"], packages: /^nanoid$/ },
  "local-redis": { packages: /^(ioredis|node:.*)$/ },

  // the process: what builds all of this, and what it is told
  main: {
    imports: [
      "node",
      "config",
      "misspelt",
      "observe",
      "log-output",
      "redact",
      "local-redis",
      "arguments",
    ],
    packages: NODE,
  },
  node: {
    imports: [
      "chat",
      "identity",
      "session",
      "limits",
      "wire",
      "gateway",
      "redis",
      "cluster",
      "config",
      "metrics-server",
      "observe",
      "pause",
      "version",
      "window",
    ],
    packages: /^(nanoid|node:.*)$/,
  },
  config: { imports: ["redis/access", "redis/address"], packages: /^(zod|node:.*)$/ },
  misspelt: { imports: ["config"] },
  arguments: { imports: ["redis/function-library", "version"] },
  version: { packages: NODE },
  pause: { packages: /^node:timers\/promises$/ },
  window: { packages: /^node:perf_hooks$/ },
  observe: {
    imports: ["log-rate-limiter", "metrics", "redact"],
    packages: /^(pino|prom-client|node:.*)$/,
  },
  redact: {},
  metrics: { packages: /^prom-client$/ },
  "log-rate-limiter": { packages: NODE },
  "log-output": { imports: ["window"], packages: /^(pino|node:.*)$/ },
  "metrics-server": { imports: ["observe"], packages: NODE },
  admin: {
    imports: ["chat", "identity", "config", "observe", "redact", "redis", "wire"],
    packages: NODE,
  },
  doctor: { imports: ["config", "redact", "redis"], packages: /^(ioredis|node:.*)$/ },

  // the other side of the wire
  "clients/sdk": {
    imports: ["wire/close-codes", "wire/epoch"],
    types: ["wire/json-schema"],
  },
  "clients/view": { imports: ["wire/close-codes", "wire/epoch"], types: ["clients/sdk"] },
  "clients/web": { imports: ["clients/sdk", "clients/view"], packages: /^preact(\/hooks)?$/ },
  "clients/tui": {
    imports: ["clients/sdk", "clients/view", "version"],
    packages: /^(ws|node:.*)$/,
  },

  // outside src, and built apart: it judges what was built
  verifier: {
    imports: ["clients/sdk", "chat", "wire", "redis/events", "redis/keys", "local-redis"],
    packages: /^(ws|ioredis|node:.*)$/,
  },
  // pure: histories in, judgements out
  "verifier/rules": { imports: ["chat"], types: ["verifier/history"] },
};

let files: readonly SourceFile[];
/** Files, or folders as `src/chat/**`, in which the linter forbids globals that do I/O, and clocks. */
let withoutGlobals: readonly string[];
beforeAll(async () => {
  files = await readSources(["src", "verifier"]);
  const linter = await readFile(new URL("../.oxlintrc.json", import.meta.url), "utf8");
  const { overrides } = JSON.parse(linter) as { overrides: { files: string[]; rules: object }[] };
  withoutGlobals = overrides
    .filter(({ rules }) => "no-restricted-globals" in rules && "no-restricted-properties" in rules)
    .flatMap((override) => override.files);
});

test("every file belongs to a room", () => {
  expect(files.map(({ name }) => name).filter((name) => roomOf(name) === undefined)).toEqual([]);
});

test("imports follow the arrows", () => {
  const wrong = files.flatMap(({ name, imports }) =>
    imports.flatMap(({ target, isPackage, isTypeOnly }) =>
      isPackage
        ? mayUse(roomOf(name)!, target)
          ? []
          : [`${name} imports the package ${target}`]
        : maySee(roomOf(name)!, target, isTypeOnly)
          ? []
          : [`${name} imports ${isTypeOnly ? "a type" : "more than types"} of ${target}`],
    ),
  );
  expect(wrong).toEqual([]);
});

test("ARCHITECTURE.md has the same table of arrows", async () => {
  const [, section] = /^### Arrows$([^]*?)^##/m.exec(await readDocument("ARCHITECTURE.md"))!;
  const rows = section!.split("\n").filter((line) => line.startsWith("| `"));
  const listed = (names: readonly string[]): string =>
    names.map((name) => `\`${name}\``).join(", ");
  const shown = (names: readonly string[]): string => listed(names.map(shortNameOf));
  const expected = Object.entries(ROOMS).map(([room, { imports = [], types = [] }]) => {
    const cells = [listed(placesOf(room)), shown(imports) || "nothing", shown(types)];
    return `| ${cells.join(" | ")} |`.replace("|  |", "| |");
  });
  expect(rows).toEqual(expected);
});

test("only what is outside src imports from the build", () => {
  const wrong = files.flatMap(({ name, imports }) =>
    imports
      .filter(({ target, isPackage, isOfBuild }) => {
        const isOutside = inRoom("verifier", [name]).length > inRoom("verifier", [target]).length;
        return !isPackage && isOfBuild !== isOutside;
      })
      .map(({ target }) => `${name} imports ${target}`),
  );
  expect(wrong).toEqual([]);
});

test("no file imports itself through others", () => {
  expect(cyclesIn(graphOf({ withTypes: true }))).toEqual([]);
});

test("gateway and redis do not reach each other through others either", () => {
  const graph = graphOf({ withTypes: true });
  expect(inRoom("redis", reachedFrom(graph, filesIn("gateway")))).toEqual([]);
  expect(inRoom("gateway", reachedFrom(graph, filesIn("redis")))).toEqual([]);
});

test.each([
  { what: "chat and session", starts: ["chat", "session"], within: ["chat", "session"] },
  { what: "a node's membership", starts: ["cluster/membership-state"], within: ["cluster"] },
  {
    what: "the state of the feed",
    starts: ["redis/feed/transition", "redis/feed/subscription"],
    within: ["chat", "redis/feed"],
  },
])("$what: no I/O is reached, no clock, no other room, no package", ({ starts, within }) => {
  const all = files.map(({ name }) => name);
  const begun = all.filter((name) => starts.some((start) => isWithin(name, start)));
  expect(begun.length).toBeGreaterThanOrEqual(starts.length);
  const reached = reachedFrom(graphOf({ withTypes: true }), begun);
  expect([...reached].filter((name) => !within.some((room) => isWithin(name, room)))).toEqual([]);
  const used = files.filter(({ name }) => reached.has(name)).flatMap(({ imports }) => imports);
  expect(used.filter(({ isPackage }) => isPackage)).toEqual([]);
  const paths = files.filter(({ name }) => reached.has(name)).map(({ path }) => path);
  const isGuarded = (path: string): boolean =>
    withoutGlobals.some((each) => path.startsWith(each.replace("**", "")));
  expect(paths.filter((path) => !isGuarded(path))).toEqual([]);
});

test("no file has more than 300 lines, and no file that tests share", async () => {
  const long = await longFiles(["src", "verifier", "test"], 300);
  expect(long.filter((file) => !file.includes(".test.ts"))).toEqual([]);
});

test("the reader of imports sees types, packages, .tsx files and cycles", () => {
  const talk = files.find(({ name }) => name === "clients/web/timeline.tsx")!;
  const kinds = Object.fromEntries(talk.imports.map(({ target, ...kind }) => [target, kind]));
  expect(kinds).toMatchObject({
    preact: { isPackage: true, isTypeOnly: true },
    "preact/hooks": { isPackage: true, isTypeOnly: false },
    "clients/web/scroller.tsx": { isPackage: false, isTypeOnly: false },
  });
  const graph = { a: ["b"], b: ["c", "d"], c: ["b"], d: ["a"], e: ["a"] };
  expect(cyclesIn(new Map(Object.entries(graph)))).toEqual(["a → b → d → a", "c → b → c"]);
});

function graphOf({ withTypes }: { readonly withTypes: boolean }): Map<string, string[]> {
  return new Map(
    files.map(({ name, imports }) => [
      name,
      imports
        .filter(({ isPackage, isTypeOnly }) => !isPackage && (withTypes || !isTypeOnly))
        .map(({ target }) => target),
    ]),
  );
}

function filesIn(room: string): string[] {
  return inRoom(
    room,
    files.map(({ name }) => name),
  );
}

function inRoom(room: string, names: Iterable<string>): string[] {
  return [...names].filter((name) => name.startsWith(`${room}/`));
}

function roomOf(name: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((room) => isWithin(name, room))
    .toSorted((one, other) => other.length - one.length)[0];
}

/** Where a room is: a folder, a file, or both. */
function placesOf(room: string): string[] {
  const path = inRoom("verifier", [`${room}/`]).length > 0 ? room : `src/${room}`;
  const file = files.find((each) => each.path.replace(/\.tsx?$/, "") === path);
  const isFolder = files.some((each) => each.path.startsWith(`${path}/`));
  return [...(file === undefined ? [] : [file.path]), ...(isFolder ? [`${path}/`] : [])];
}

/** A room as a document names it for short: a file within another room with its extension. */
function shortNameOf(room: string): string {
  const [place] = placesOf(room);
  return room.includes("/") && place!.endsWith(".ts") ? `${room}.ts` : room;
}

function maySee(room: string, target: string, isTypeOnly: boolean): boolean {
  const { imports = [], types = [] } = ROOMS[room]!;
  const allowed = [room, ...imports, ...(isTypeOnly ? types : [])];
  return allowed.some((each) => isWithin(target, each));
}

function mayUse(room: string, target: string): boolean {
  return ROOMS[room]!.packages?.test(target) ?? false;
}

function isWithin(name: string, room: string): boolean {
  return name.startsWith(`${room}/`) || name.replace(/\.tsx?$/, "") === room;
}
