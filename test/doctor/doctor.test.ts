import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { serverRules } from "#tertulia/doctor/rules.js";
import { RIGHTS } from "#tertulia/doctor/rights.js";
import { sentinelRules } from "#tertulia/doctor/sentinels.js";
import { examine } from "#tertulia/doctor/examine.js";
import { isWell, report } from "#tertulia/doctor/report.js";
import type { Finding, Section } from "#tertulia/doctor/verdict.js";
import { readAccess } from "#tertulia/redis/access.js";
import { startSentinel } from "#verifier/sentinels.js";
import { eventually } from "../support/eventually.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const MEMORY = 200 * 2 ** 20;
const ASKED = { prefix: "tertulia", leaseMs: 4_000, ackReplicas: 0 };
const GOOD: Record<string, string> = {
  maxmemory: "120mb",
  "maxmemory-policy": "noeviction",
  appendonly: "yes",
  appendfsync: "everysec",
  "auto-aof-rewrite-percentage": "100",
  "client-output-buffer-limit": "pubsub 64mb 32mb 10",
  "tcp-keepalive": "60",
  maxclients: "1000",
};

let redis: TestRedis;
let rights: string[];
let documents: string;

beforeAll(async () => {
  redis = await startRedis("--enable-protected-configs", "yes");
  for (const [name, value] of Object.entries(GOOD)) await redis.client.config("SET", name, value);
  documents = await readFile(new URL("../../docs/operations.md", import.meta.url), "utf8");
  rights = /^ACL SETUSER tertulia (.*)$/m.exec(documents)![1]!.split(" ");
  await redis.client.call("ACL", "SETUSER", "tertulia", ...rights);
  await redis.client.call("ACL", "SETUSER", "admin", "on", ">admin-secret", "~*", "&*", "+@all");
  await redis.client.call("ACL", "SETUSER", "default", "resetpass", ">default-secret");
});
afterAll(() => redis.close());

test("the tables and rights in docs/operations.md equal the doctor's", () => {
  for (const [heading, rules] of [
    ["| of Redis |", serverRules],
    ["| of each sentinel |", sentinelRules],
  ] as const) {
    const rows = rules.map(({ name, value, why }) => `| ${name} | ${value} | ${why} |`);
    const table = documents.slice(documents.indexOf(heading)).split("\n\n")[0]!;
    const written = table.replaceAll(/^\| `([^`]+)` \|/gm, "| $1 |");
    expect(written.split("\n").slice(2)).toEqual(rows);
  }
  const documented = rights.filter((word) => word.startsWith("+")).map((word) => word.slice(1));
  expect(RIGHTS.toSorted()).toEqual(documented.toSorted());
});

test("a Redis with the documented settings has no findings", async () => {
  const { code, output } = await doctor([urlOf("admin", "admin-secret"), "--memory", "200mb"]);
  expect(output).toMatch(/^0 wrong, 0 to be looked at, 0 not seen, \d+ ok$/m);
  expect(code).toBe(0);
  expect(output).not.toMatch(/-secret/);
  expect(await redis.client.keys("*")).toEqual([]);
});

test("with a gateway's user the doctor sees less, and says what to check by hand", async () => {
  const { code, output } = await doctor([urlOf("tertulia", "secret")]);
  expect(output).toMatch(/^ {2}unseen +appendfsync +ask for everysec, or always$/m);
  expect(output).toMatch(/^ {2}ok +rights +user tertulia has all that is needed$/m);
  expect(output).toMatch(/^0 wrong, 0 to be looked at, 4 not seen/m);
  expect(output).toMatch(/^Not seen: CONFIG GET is refused/m);
  expect(code).toBe(0);
});

type State = [
  what: string,
  settings: Record<string, string>,
  rule: string,
  is: Finding["is"],
  set?: string,
];

test.each<State>([
  [
    "evicts",
    { "maxmemory-policy": "allkeys-lru" },
    "maxmemory-policy",
    "wrong",
    "CONFIG SET maxmemory-policy noeviction",
  ],
  ["has no bound", { maxmemory: "0" }, "maxmemory", "wrong", "CONFIG SET maxmemory 120mb"],
  [
    "has a bound above its limit",
    { maxmemory: "300mb" },
    "maxmemory",
    "wrong",
    "CONFIG SET maxmemory 120mb",
  ],
  [
    "has no room for a rewrite",
    { maxmemory: "170mb" },
    "maxmemory",
    "warning",
    "CONFIG SET maxmemory 120mb",
  ],
  ["is full", { maxmemory: "1mb" }, "memory in use", "wrong"],
  ["keeps nothing", { appendonly: "no" }, "appendonly", "wrong", "CONFIG SET appendonly yes"],
  [
    "leaves disks to the system",
    { appendfsync: "no" },
    "appendfsync",
    "wrong",
    "CONFIG SET appendfsync everysec",
  ],
  [
    "never rewrites",
    { "auto-aof-rewrite-percentage": "0" },
    "auto-aof-rewrite-percentage",
    "warning",
    "CONFIG SET auto-aof-rewrite-percentage 100",
  ],
  [
    "cuts gateways early",
    { "client-output-buffer-limit": "pubsub 8mb 2mb 60" },
    "client-output-buffer-limit pubsub",
    "warning",
    'CONFIG SET client-output-buffer-limit "pubsub 64mb 32mb 10"',
  ],
  [
    "never cuts gateways",
    { "client-output-buffer-limit": "pubsub 0 0 0" },
    "client-output-buffer-limit pubsub",
    "warning",
    'CONFIG SET client-output-buffer-limit "pubsub 64mb 32mb 10"',
  ],
  [
    "keeps the vanished",
    { "tcp-keepalive": "0" },
    "tcp-keepalive",
    "warning",
    "CONFIG SET tcp-keepalive 60",
  ],
  [
    "has few connections left",
    { maxclients: "3" },
    "maxclients",
    "warning",
    "CONFIG SET maxclients 1000",
  ],
])(
  "the doctor finds a Redis that %s, and its command mends it",
  async (_, settings, rule, is, set) => {
    try {
      for (const [name, value] of Object.entries(settings))
        await redis.client.config("SET", name, value);
      expect(await findingOf(rule)).toMatchObject({ is, ...(set !== undefined && { set }) });
      if (set === undefined) return;
      const [command, ...words] = set.split(" ");
      const [sub, name, ...value] = words;
      await redis.client.call(command!, sub!, name!, value.join(" ").replaceAll('"', ""));
      expect(await findingOf(rule)).toMatchObject({ is: "ok" });
    } finally {
      for (const name of Object.keys(settings)) await redis.client.config("SET", name, GOOD[name]!);
    }
  },
);

// in a container the folder is out of reach
test.skipIf(process.env["TEST_REDIS"] === "containers")(
  "the doctor finds a failed write to disk",
  async () => {
    const before = (await redis.client.config("GET", "dbfilename")) as [string, string];
    const [, folder] = (await redis.client.config("GET", "dir")) as [string, string];
    await mkdir(join(folder, "taken.rdb"));
    await redis.client.config("SET", "dbfilename", "taken.rdb");
    await redis.client.call("BGSAVE", "SCHEDULE"); // after a rewrite that is under way
    await eventually(async () => {
      const finding = await findingOf("last writes to disk");
      expect(finding).toMatchObject({ is: "wrong" });
      expect(finding.found).toContain("rdb_last_bgsave_status");
    });
    await redis.client.config("SET", "dbfilename", before[1]);
    await redis.client.call("SAVE");
    expect(await findingOf("last writes to disk")).toMatchObject({ is: "ok" });
  },
);

test("the doctor finds that a key was evicted", async () => {
  const other = await startRedis("--maxmemory-policy", "allkeys-random", "--maxmemory", "2mb");
  try {
    for (let i = 0; i < 40; i++) await other.client.set(`key ${i}`, "x".repeat(100_000));
    expect(await findingOf("memory in use", other.url)).toMatchObject({
      is: "wrong",
      found: expect.stringMatching(/evicted/) as string,
    });
  } finally {
    await other.close();
  }
});

test("the doctor names missing rights, and its command grants them", async () => {
  const wanting = [
    "-xadd",
    "-wait",
    "-subscribe",
    "resetkeys",
    "~other:*",
    "resetchannels",
    "&other:*",
  ];
  await redis.client.call("ACL", "SETUSER", "poor", ...rights, ...wanting);
  const finding = await findingOf("rights", urlOf("poor", "secret"));
  expect(finding).toMatchObject({
    is: "wrong",
    found: "user poor lacks ~tertulia:* &tertulia:* +wait +xadd +subscribe",
  });
  await redis.client.call(...(finding.set!.split(" ") as [string, ...string[]]));
  expect(await findingOf("rights", urlOf("poor", "secret"))).toMatchObject({ is: "ok" });
});

test("the doctor tries the keys of the given REDIS_PREFIX", async () => {
  const { sections } = await inJson([urlOf("tertulia", "secret")], { REDIS_PREFIX: "chat" });
  const rights = sections[0]!.findings.find(({ name }) => name === "rights");
  expect(rights!.set).toContain("~chat:* &chat:*");
});

test("the doctor finds a Redis without a password", async () => {
  const other = await startRedis();
  try {
    // on the loopback it is a warning
    expect(await findingOf("password", other.url)).toMatchObject({ is: "warning" });
    expect(await findingOf("password")).toMatchObject({ is: "ok" });
  } finally {
    await other.close();
  }
});

test.each([
  [1_500, 0, "warning"],
  [-1_500, 1, "warning"],
  [5_000, 1, "wrong"],
  [-900, 1, "ok"],
])("a clock that is %i ms off, with %i replicas, is %s", (aheadMs, replicas, is) => {
  const rule = serverRules.find(({ name }) => name === "clock")!;
  const seen = { aheadMs, needs: { replicas, leaseMs: 4_000 } } as Parameters<typeof rule.judge>[0];
  expect(rule.judge(seen)).toMatchObject({ is });
});

test("for a URL that leads to no primary the doctor says only that", async () => {
  const cluster = await startRedis("--cluster-enabled", "yes");
  const folder = await mkdtemp(join(tmpdir(), "tertulia-doctor-"));
  const port = await freePort();
  const sentinel = await startSentinel(folder, port, redis.port);
  const cases = [
    [cluster.url, "a node of a Cluster"],
    [`redis://127.0.0.1:${port}`, "a Sentinel"],
    ["redis://127.0.0.1:1", "ECONNREFUSED"],
    [urlOf("admin", "a-secret"), "does not accept the user or the password"],
    [`redis://127.0.0.1:${redis.port}`, "asks for a password: REDIS_PASSWORD"],
    [`rediss://127.0.0.1:${redis.port}`, "perhaps it speaks no TLS"],
    [`redis+sentinel://127.0.0.1:${port}/talk`, "no primary called talk"],
  ] as const;
  try {
    for (const [url, words] of cases) {
      const sections = await examine(readAccess({ url }), { ...ASKED, memoryLimit: undefined });
      expect(sections.map(({ findings }) => findings.length)).toEqual([1]);
      expect(report(sections)).toContain(words);
      expect(report(sections)).not.toContain("secret");
      expect(isWell(sections)).toBe(false);
    }
  } finally {
    sentinel.kill();
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test("exit codes tell findings from checks that could not be made", async () => {
  expect((await doctor(["redis://127.0.0.1:1"])).code).toBe(1);
  const mistaken = await doctor(["http://redis"]);
  expect([mistaken.code, mistaken.output]).toEqual([
    2,
    expect.stringContaining("must be a URL of"),
  ]);
});

test("without a URL the doctor reads the environment as a gateway does; a given URL wins", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-doctor-"));
  try {
    await writeFile(join(folder, "password"), "secret\n");
    const environment = {
      REDIS_URL: `redis://127.0.0.1:${redis.port}`,
      REDIS_USERNAME: "tertulia",
      REDIS_PASSWORD_FILE: join(folder, "password"),
    };
    expect((await doctor([], environment)).output).toContain("user tertulia has all");
    const admin = await doctor([urlOf("admin", "admin-secret")], environment);
    expect(admin.output).toContain("user admin has all");
    const named = await doctor([`redis://tertulia@127.0.0.1:${redis.port}`], environment);
    expect(named.output).toContain("user tertulia has all");
    const replicated = await doctor([], { ...environment, ACK_LEVEL: "replicated" });
    expect(replicated.output).toMatch(/wrong +replicas +none is connected/);
    const nothing = await doctor([]);
    expect([nothing.code, nothing.output]).toEqual([2, expect.stringContaining("which Redis?")]);
    expect((await doctor(["--memroy", "1gb"])).code).toBe(2);
    expect((await doctor([environment.REDIS_URL, "--memory", "much"])).output).toContain(
      "--memory: must be a size",
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("the doctor finds a replica, and replicas that lag", async () => {
  await redis.client.config("SET", "repl-diskless-sync-delay", "0");
  const other = await startRedis(
    "--replicaof",
    `127.0.0.1 ${redis.port}`,
    "--masterauth",
    "default-secret",
  );
  try {
    await eventually(async () =>
      expect(await other.client.info("replication")).toContain("link_status:up"),
    );
    expect(await findingOf("role", other.url)).toMatchObject({
      is: "wrong",
      found: `a replica of 127.0.0.1:${redis.port}: REDIS_URL must lead to the primary, or ask Sentinel`,
    });
    await eventually(async () => expect(await findingOf("replicas")).toMatchObject({ is: "ok" }));
    expect(await findingOf("min-replicas-to-write")).toMatchObject({ is: "warning" });
    expect(await findingOf("client-output-buffer-limit replica")).toMatchObject({
      is: "warning", // the default's 256mb come on top of maxmemory
      set: 'CONFIG SET client-output-buffer-limit "replica 30mb 15mb 60"',
    });
    expect(await findingOf("repl-backlog-size")).toMatchObject({
      is: "warning",
      set: "CONFIG SET repl-backlog-size 4mb",
    });
    await redis.client.config("SET", "min-replicas-to-write", "2");
    expect(await findingOf("min-replicas-to-write")).toMatchObject({
      is: "wrong",
      found: expect.stringMatching(/writes are refused/) as string,
    });
  } finally {
    await redis.client.config("SET", "min-replicas-to-write", "0");
    await other.close();
  }
});

function urlOf(user: string, password: string): string {
  return `redis://${user}:${password}@127.0.0.1:${redis.port}`;
}

async function findingOf(rule: string, url = urlOf("admin", "admin-secret")): Promise<Finding> {
  const [section] = await examine(readAccess({ url }), { ...ASKED, memoryLimit: MEMORY });
  return section!.findings.find(({ name }) => name === rule)!;
}

async function inJson(args: string[], environment = {}): Promise<{ sections: Section[] }> {
  const { output } = await doctor([...args, "--json"], environment);
  return { sections: JSON.parse(output) as Section[] };
}

function doctor(args: string[], environment = {}): Promise<{ code: number; output: string }> {
  const main = fileURLToPath(new URL("../../dist/doctor/main.js", import.meta.url));
  const options = { env: { PATH: process.env["PATH"], ...environment } };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
      resolve({ code: (error?.code as number | undefined) ?? 0, output: `${stdout}${stderr}` });
    });
  });
}
