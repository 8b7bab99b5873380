import { afterAll, beforeAll, expect, test } from "vitest";
import { redisSettings } from "#tertulia/config/access.js";
import { readConfig } from "#tertulia/config.js";
import { examine } from "#tertulia/doctor/examine.js";
import { isWell, report } from "#tertulia/doctor/report.js";
import type { Section } from "#tertulia/doctor/verdict.js";
import { readAccess } from "#tertulia/redis/access.js";
import { eventually } from "../support/eventually.js";
import { Secured } from "../support/secured.js";

const GOOD = [
  "maxmemory 120mb",
  "maxmemory-policy noeviction",
  "appendonly yes",
  "client-output-buffer-limit pubsub 64mb 32mb 10",
  "client-output-buffer-limit replica 30mb 15mb 60",
  "tcp-keepalive 60",
  "repl-backlog-size 4mb",
  "min-replicas-to-write 1",
];
const PASSWORDS = { REDIS_PASSWORD: "re:dis", SENTINEL_PASSWORD: "sent:inel" };

let secured: Secured;

beforeAll(async () => {
  secured = await Secured.startSentinels(...GOOD);
});
afterAll(() => secured.close());

test("sentinels, primary and replicas with the documented settings have no findings, with TLS", async () => {
  const sections = await eventually(async () => {
    const found = await examined(); // until the replicas have copied their primary
    expect(found.flatMap(({ findings }) => findings.filter(({ is }) => is !== "ok"))).toEqual([]);
    return found;
  });
  const kinds = sections.map(({ title }) => title.split(" ")[0]);
  expect(kinds).toEqual(["sentinel", "sentinel", "sentinel", "primary", "replica", "replica"]);
  expect(isWell(sections)).toBe(true);
});

test.each([
  ["quorum", "1", "SENTINEL SET chat quorum 2"],
  ["quorum", "3", "SENTINEL SET chat quorum 2"],
  ["down-after-milliseconds", "30000", "SENTINEL SET chat down-after-milliseconds 2000"],
  ["failover-timeout", "180000", "SENTINEL SET chat failover-timeout 10000"],
])("a sentinel with %s %s is found, and the command makes it well", async (field, value, set) => {
  const { client } = secured.sentinels[1]!;
  await client.call("SENTINEL", "SET", "chat", field, value);
  expect(find(await examined(), 1, field)).toMatchObject({ is: "warning", set });
  await client.call(...(set.split(" ") as [string, ...string[]]));
  expect(find(await examined(), 1, field)).toMatchObject({ is: "ok" });
});

test("the doctor finds that REDIS_URL names one sentinel of three", async () => {
  const REDIS_URL = `rediss+sentinel://127.0.0.1:${secured.sentinels[0]!.port}/chat`;
  expect(find(await examined({ REDIS_URL }), 0, "sentinels")).toMatchObject({
    is: "warning",
    found: "it knows 2 others; REDIS_URL has 1",
  });
});

test("the doctor says whether Redis or the sentinels refuse a password", async () => {
  const atSentinel = await examined({ SENTINEL_PASSWORD: "a-secret" });
  expect(atSentinel.map(({ findings }) => findings[0]!.found)).toEqual(
    Array.from({ length: 3 }, () => expect.stringMatching(/SENTINEL_USERNAME/) as string),
  );
  const sections = await examined({ REDIS_PASSWORD: "a-secret" });
  const bad = sections.filter(({ findings }) => findings[0]!.name === "connection");
  expect(bad).toHaveLength(3);
  expect(report([...atSentinel, ...sections])).not.toMatch(/a-secret|re:dis|sent:inel/);
});

test("the doctor finds a missing replica and a missing sentinel", async () => {
  await secured.servers[2]!.kill();
  await secured.sentinels[2]!.kill();
  await eventually(async () => {
    const sections = await examined();
    expect(find(sections, 0, "known replicas")).toMatchObject({
      is: "warning",
      set: "SENTINEL RESET chat",
    });
    expect(find(sections, 2, "connection")).toMatchObject({ is: "wrong" });
    expect(find(sections, 3, "replicas")).toMatchObject({
      is: "warning",
      found: expect.stringMatching(/^only /) as string,
    });
    expect(isWell(sections)).toBe(false);
  });
  await secured.servers[1]!.kill();
  await eventually(async () => {
    const sections = await examined();
    expect(find(sections, 3, "replicas")).toMatchObject({
      is: "wrong",
      found: "none is connected",
    });
    expect(find(sections, 3, "min-replicas-to-write")).toMatchObject({ is: "wrong" });
    expect(find(sections, 0, "known replicas")).toMatchObject({ is: "wrong" });
  });
});

function find(sections: readonly Section[], index: number, rule: string) {
  return sections[index]!.findings.find(({ name }) => name === rule);
}

function examined(environment: Record<string, string> = {}): Promise<Section[]> {
  const config = readConfig({ ...secured.environment, ...PASSWORDS, ...environment });
  const access = readAccess(redisSettings({ ...config, REDIS_URL: config.REDIS_URL! }));
  const asked = { prefix: "tertulia", leaseMs: 4_000, ackReplicas: 0, memoryLimit: 200 * 2 ** 20 };
  return examine(access, asked);
}
