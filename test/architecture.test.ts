import { readFile, readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { dirname, join, normalize, relative } from "node:path";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../src/", import.meta.url));
const VERIFIER = fileURLToPath(new URL("../verifier/", import.meta.url));

/** Which rooms a room may import from. `observe` may be seen by all but the pure ones. */
const arrows: Record<string, readonly string[]> = {
  chat: [],
  wire: ["chat"],
  gateway: ["chat", "wire", "observe"],
  redis: ["chat", "cluster/ports", "wire/bytes", "observe"],
  cluster: ["chat", "observe"],
  "local-redis": [],
  flood: [],
  observe: ["flood"],
  config: ["redis/access", "redis/address"],
  metrics: ["observe"],
  misspelt: ["config"],
  version: [],
  arguments: ["redis/function-library", "version"],
  node: ["chat", "wire", "gateway", "redis", "cluster", "config", "metrics", "observe", "version"],
  doctor: ["config", "redis"],
  "clients/sdk": ["wire/json-schema"],
  "clients/view": ["clients/sdk"],
  "clients/web": ["clients/sdk", "clients/view"],
  "clients/tui": ["clients/sdk", "clients/view", "version"],
  main: ["node", "config", "misspelt", "observe", "local-redis", "arguments"],
};

/** What the verifier, outside src, imports of it: `#tertulia/…`. */
const ofVerifier = ["clients/sdk", "chat", "wire", "redis/events", "redis/keys", "local-redis"];

/** Rooms that also run in a browser, or know no technology: what they may import of packages. */
const packages: Record<string, RegExp> = {
  chat: /^$/,
  wire: /^zod$/,
  gateway: /^(ws|node:.*)$/,
  redis: /^(ioredis|node:.*)$/,
  cluster: /^node:(crypto|timers\/promises)$/,
  "clients/sdk": /^$/,
  "clients/view": /^$/,
  "clients/web": /^preact(\/hooks)?$/,
  "clients/tui": /^(ws|node:.*)$/,
};

/** Rooms that run without the rooms they know: of these they import types only. */
const typesOnly: Record<string, readonly string[]> = {
  "clients/sdk": ["wire/"],
  "clients/view": ["clients/sdk/"],
};

interface Import {
  readonly from: string;
  readonly target: string;
  readonly isTypeOnly: boolean;
}

test("imports follow the arrows of the house", async () => {
  const wrong: string[] = [];
  for (const { from, target, isTypeOnly } of await imports(SRC)) {
    const room = roomOf(from);
    if (target.startsWith("#")) wrong.push(`${from} imports ${target}`);
    if (!target.startsWith(".")) {
      if (packages[room]?.test(target) === false) wrong.push(`${from} imports ${target}`);
      continue;
    }
    const file = normalize(join(dirname(from), target)).replace(/\.js$/, "");
    const allowed = [room, ...(arrows[room] ?? [])];
    if (!allowed.some((each) => file === each || file.startsWith(`${each}/`))) {
      wrong.push(`${from} imports ${file}`);
    }
    if (!isTypeOnly && typesOnly[room]?.some((each) => file.startsWith(each))) {
      wrong.push(`${from} imports more than types of ${file}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("the verifier knows only what it judges by, and src does not know the verifier", async () => {
  const wrong: string[] = [];
  for (const { from, target } of await imports(VERIFIER)) {
    if (target.startsWith(".")) {
      if (normalize(join(dirname(from), target)).startsWith("..")) {
        wrong.push(`${from} imports ${target}`);
      }
      continue;
    }
    const file = target.replace(/^#tertulia\//, "").replace(/\.js$/, "");
    const isAllowed = ofVerifier.some((each) => file === each || file.startsWith(`${each}/`));
    if (target.startsWith("#") && !isAllowed) wrong.push(`${from} imports ${target}`);
  }
  expect(wrong).toEqual([]);
});

test("every room has its arrows, and none is over 300 lines", async () => {
  for (const file of await sources(SRC)) expect(Object.keys(arrows)).toContain(roomOf(file));
  for (const house of [SRC, VERIFIER]) {
    for (const file of await sources(house)) {
      const lines = (await readFile(join(house, file), "utf8")).split("\n").length;
      expect(lines, file).toBeLessThanOrEqual(300);
    }
  }
});

async function sources(house: string): Promise<string[]> {
  const entries = await readdir(house, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(tsx?|css|lua)$/.test(entry.name))
    .map((entry) => relative(house, join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith("dist/"));
}

async function imports(house: string): Promise<Import[]> {
  const found: Import[] = [];
  for (const from of (await sources(house)).filter((file) => /\.tsx?$/.test(file))) {
    const source = await readFile(join(house, from), "utf8");
    const statements = source.matchAll(
      /(?:^(?:import|export)(?<type> type)?[^"';]*from |import\()\s*"(?<target>[^"]+)"/gm,
    );
    for (const { groups } of statements) {
      found.push({ from, target: groups!["target"]!, isTypeOnly: groups!["type"] !== undefined });
    }
  }
  return found;
}

/** The clients are a house of their own, with a room for each. */
function roomOf(file: string): string {
  const [first, second] = file.split("/");
  return first === "clients" ? `${first}/${second}` : first!.replace(/\.ts$/, "");
}
