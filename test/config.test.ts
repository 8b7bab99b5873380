import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { redisSettings } from "#tertulia/config/access.js";
import { ConfigError, readConfig, schema } from "#tertulia/config.js";
import { readAccess } from "#tertulia/redis/access.js";

test("README's table of settings equals the schema", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$/gm)].map(
    ([, name, standard, about]) => ({ name, standard, about }),
  );
  const expected = Object.entries(schema.shape).map(([name, field]) => {
    const standard = field.safeParse(undefined).data;
    const about = field.meta()?.["about"];
    const shown = name === "NODE_NAME" || standard === undefined ? "" : `\`${standard}\``;
    return { name, standard: shown, about };
  });
  expect(rows).toEqual(expected);
  expect(rows.length).toBeLessThan(70);
});

test("every mistake is reported, with a valid example", () => {
  const environment = {
    PORT: "ninety",
    IDLE_AFTER_MS: "10",
    REDIS_URL: "http://redis",
    NAME_PATTERN: "[",
    GENERAL_ORIGIN: "nobody",
    LOG_LEVEL: "loud",
    HISTORY_KEEP: "1.5",
  };
  const message = messageOf(() => readConfig(environment));
  for (const name of Object.keys(environment)) {
    expect(message).toMatch(new RegExp(`^${name}: .*\\(for example ${name}=.+\\)$`, "m"));
  }
});

test("an invalid REDIS_URL is reported at once", () => {
  const message = messageOf(() => readConfig({ REDIS_URL: "redis://:secret@localhost:99999" }));
  expect(message).toBe(
    "REDIS_URL: the port must be from 1 to 65535 (for example REDIS_URL=redis://127.0.0.1:6379)",
  );
});

test.each(["gateway", "gateway:0", "10.0.0.1:9000,gateway:65536", "http://gateway:9000", "a:1,"])(
  "invalid PEERS are reported at once: %s",
  (PEERS) => {
    expect(messageOf(() => readConfig({ PEERS }))).toMatch(/^PEERS: .* \(for example PEERS=\S+\)$/);
  },
);

test.each([
  "redis://localhost",
  "rediss://ana:p%40ss@localhost:6380/0",
  "redis://:secret@[::1]:6379/",
  "redis+sentinel://host:26379,other/name",
  "redis+sentinel://ana:p%2Fss@host:26379/my-name",
])("a good URL is taken as it is: %s", (url) => {
  expect(readConfig({ REDIS_URL: `${url}\n` }).REDIS_URL).toBe(url);
});

test("fields that contradict each other are reported", () => {
  expect(messageOf(() => readConfig({ LEASE_MS: "2000" }))).toContain(
    "LEASE_MS: must be at least three times BEAT_MS (1000)",
  );
  expect(messageOf(() => readConfig({ ELECTION_MS: "2000" }))).toContain("ELECTION_MS");
  expect(messageOf(() => readConfig({ REDIS_COMMAND_TIMEOUT_MS: "5000" }))).toContain(
    "OPERATION_DEADLINE_MS",
  );
});

test("each example is valid, empty means not set, and the configuration is frozen", () => {
  const REDIS_URL = "redis+sentinel://host/name";
  const PASSWORDS = { REDIS_PASSWORD: "a", SENTINEL_PASSWORD: "b" };
  for (const [name, field] of Object.entries(schema.shape)) {
    if (name.endsWith("_FILE") || name.startsWith("TLS_")) continue; // there is no such file
    const beside = name === "REDIS_URL" ? {} : { REDIS_URL, ...PASSWORDS };
    expect(
      () => readConfig({ ...beside, [name]: String(field.meta()?.["example"]) }),
      name,
    ).not.toThrow();
  }
  expect(readConfig({ PORT: " " }).PORT).toBe(9000);
  const config = readConfig({ PORT: "", UNRELATED: "x" });
  expect(config.PORT).toBe(9000);
  expect(Object.isFrozen(config)).toBe(true);
});

test("secrets come from files as from variables, without the newline at the end", async () => {
  await withFiles(
    { url: "rediss+sentinel://host/name\n", one: "re dis\r\n", two: "sent\n\n" },
    (at) => {
      const config = readConfig({
        REDIS_URL_FILE: at("url"),
        REDIS_USERNAME: "chat",
        REDIS_PASSWORD_FILE: at("one"),
        SENTINEL_PASSWORD_FILE: at("two"),
        LOG_NAMES_KEY: "0123456789abcdef",
      });
      expect(config).toMatchObject({ REDIS_PASSWORD: "re dis", SENTINEL_PASSWORD: "sent\n" });
      expect(redisSettings({ ...config, REDIS_URL: config.REDIS_URL! })).toMatchObject({
        url: "rediss+sentinel://host/name",
        username: "chat",
        password: "re dis",
        sentinelPassword: "sent\n",
        commandTimeoutMs: 1_500,
      });
    },
  );
});

test("a user in the URL goes with a password beside it", () => {
  const config = readConfig({
    REDIS_URL: "redis+sentinel://ana@host/name?sentinel_username=eva",
    REDIS_PASSWORD: "one",
    SENTINEL_PASSWORD: "two",
  });
  const { address } = readAccess(redisSettings({ ...config, REDIS_URL: config.REDIS_URL! }));
  expect(address).toMatchObject({
    login: { username: "ana", password: "one" },
    sentinelLogin: { username: "eva", password: "two" },
  });
});

test("the next connection uses a secret that was changed in its file", async () => {
  await withFiles({ one: "before" }, async (at) => {
    const config = readConfig({ REDIS_URL: "redis://host", REDIS_PASSWORD_FILE: at("one") });
    const settings = redisSettings({ ...config, REDIS_URL: config.REDIS_URL! });
    expect(settings.password).toBe("before");
    await writeFile(at("one"), "after\n");
    expect(settings.again().password).toBe("after");
    await writeFile(at("one"), "");
    expect(() => settings.again()).toThrow("the file is empty");
  });
});

test("an unreadable secret is reported, without its value or path", async () => {
  await withFiles({ empty: "\n", short: "secret", bad: "redis://secret:port" }, (at) => {
    const cases: [environment: Record<string, string>, message: RegExp][] = [
      [
        { REDIS_PASSWORD_FILE: "/secret/secret" },
        /^REDIS_PASSWORD_FILE: the file cannot be read \(ENOENT\) \(for example REDIS_PASSWORD_FILE=\/run\/secrets\/redis-password\)$/,
      ],
      [
        { SENTINEL_PASSWORD_FILE: at(".") },
        /^SENTINEL_PASSWORD_FILE: the file cannot be read \(EISDIR\)/,
      ],
      [{ REDIS_URL_FILE: at("empty") }, /^REDIS_URL_FILE: the file is empty/],
      [{ REDIS_URL_FILE: at("bad") }, /^REDIS_URL: the host is none/],
      [{ LOG_NAMES_KEY_FILE: at("short") }, /^LOG_NAMES_KEY: must have at least 16 characters/],
      [
        { LOG_NAMES_KEY_FILE: at("short"), LOG_NAMES_KEY: "secret-secret-secret" },
        /^LOG_NAMES_KEY_FILE: LOG_NAMES_KEY is given too/,
      ],
    ];
    for (const [environment, expected] of cases) {
      const message = messageOf(() => readConfig(environment));
      expect(message).toMatch(expected);
      expect(message.replace("/run/secrets/", "")).not.toContain("secret");
    }
  });
});

test.each<[environment: Record<string, string>, message: string]>([
  [{ REDIS_PASSWORD: "x" }, "REDIS_PASSWORD: is given, and no REDIS_URL"],
  [{ REDIS_CA_FILE: "x" }, "REDIS_CA_FILE: is given, and no REDIS_URL"],
  [
    { REDIS_URL: "redis://:a@h", REDIS_PASSWORD: "x" },
    "REDIS_PASSWORD: REDIS_URL has a password too",
  ],
  [
    { REDIS_URL: "redis://u:a@h", REDIS_USERNAME: "u" },
    "REDIS_USERNAME: REDIS_URL has a username too",
  ],
  [{ REDIS_URL: "redis://h", REDIS_USERNAME: "u" }, "REDIS_USERNAME: needs REDIS_PASSWORD"],
  [
    { REDIS_URL: "redis://h", SENTINEL_PASSWORD: "x" },
    "SENTINEL_PASSWORD: REDIS_URL asks no Sentinel",
  ],
  [
    { REDIS_URL: "redis+sentinel://h/n", SENTINEL_USERNAME: "u" },
    "SENTINEL_USERNAME: needs SENTINEL_PASSWORD",
  ],
  [
    { REDIS_URL: "redis+sentinel://h/n?sentinel_password=a", SENTINEL_PASSWORD: "x" },
    "SENTINEL_PASSWORD: REDIS_URL has a password too",
  ],
  [{ REDIS_URL: "redis://h", REDIS_CA_FILE: "/ca" }, "REDIS_CA_FILE: REDIS_URL asks for no TLS"],
  [
    { REDIS_URL: "redis+sentinel://h/n", REDIS_KEY_FILE: "/k" },
    "REDIS_KEY_FILE: REDIS_URL asks for no TLS",
  ],
  [
    { REDIS_URL: "rediss://h", REDIS_CA_FILE: "/nowhere" },
    "REDIS_CA_FILE: the file cannot be read (ENOENT)",
  ],
])("%o contradict each other", (environment, message) => {
  expect(messageOf(() => readConfig(environment))).toContain(message);
});

async function withFiles(
  files: Record<string, string>,
  act: (at: (name: string) => string) => void | Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-files-"));
  try {
    for (const [name, content] of Object.entries(files))
      await writeFile(join(folder, name), content);
    await act((name) => join(folder, name));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("nothing was wrong");
}
