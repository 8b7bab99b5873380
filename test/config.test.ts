import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConfigError, readConfig, schema } from "#tertulia/config.js";

test("README's table is the schema", async () => {
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
  expect(rows.length).toBeLessThan(40);
});

test("every mistake is named, with a valid example", () => {
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

test("a Redis that cannot be reached by its URL is named at once", () => {
  const message = messageOf(() => readConfig({ REDIS_URL: "redis://:secret@localhost:99999" }));
  expect(message).toBe(
    "REDIS_URL: the port must be from 1 to 65535 (for example REDIS_URL=redis://127.0.0.1:6379)",
  );
});

test.each([
  "redis://localhost",
  "rediss://ana:p%40ss@localhost:6380/0",
  "redis://:secret@[::1]:6379/",
  "redis+sentinel://host:26379,other/name",
  "redis+sentinel://ana:p%2Fss@host:26379/my-name",
])("a good URL is taken as it is: %s", (url) => {
  expect(readConfig({ REDIS_URL: `${url}\n` }).REDIS_URL).toBe(url);
});

test("fields that contradict each other are named", () => {
  expect(messageOf(() => readConfig({ LEASE_MS: "2000" }))).toContain(
    "LEASE_MS: must be at least three times BEAT_MS (1000)",
  );
  expect(messageOf(() => readConfig({ ELECTION_MS: "2000" }))).toContain("ELECTION_MS");
  expect(messageOf(() => readConfig({ REDIS_COMMAND_TIMEOUT_MS: "5000" }))).toContain(
    "OPERATION_DEADLINE_MS",
  );
});

test("each example is valid, empty means not given, and what is read is frozen", () => {
  for (const [name, field] of Object.entries(schema.shape)) {
    expect(() => readConfig({ [name]: String(field.meta()?.["example"]) }), name).not.toThrow();
  }
  expect(readConfig({ PORT: " " }).PORT).toBe(9000);
  const config = readConfig({ PORT: "", UNRELATED: "x" });
  expect(config.PORT).toBe(9000);
  expect(Object.isFrozen(config)).toBe(true);
});

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("nothing was wrong");
}
