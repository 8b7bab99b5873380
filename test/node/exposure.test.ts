/** What a node warns of at its start, and what it does not. */
import { expect, onTestFinished, test } from "vitest";
import { warnOfExposure } from "#tertulia/node/exposure.js";
import { observe } from "#tertulia/observe.js";
import { readAccess } from "#tertulia/redis/access.js";
import { node } from "../support/nodes.js";
import { startRedis } from "../support/redis.js";

const PUBLIC = ["127.0.0.1", "::1", "10.0.0.7", "203.0.112.7"];
const PRIVATE = ["127.0.0.1", "::1", "10.0.0.7", "172.17.0.1", "fe80::1", "100.64.0.1", "fd00::1"];

interface Case {
  readonly url?: string;
  readonly password?: string;
  readonly addresses?: string[];
  readonly config?: object;
}

/** The events of the warnings. */
function warnings({ url = "redis://localhost", password, addresses, config }: Case): unknown[] {
  const lines: { event: string; peer?: string; address?: string }[] = [];
  const { log } = observe("warn", "test", {
    write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]),
  });
  const access = readAccess({ url, password });
  warnOfExposure({ METRICS_PORT: 0, ...config }, access, log, addresses ?? PRIVATE);
  return lines.map(({ event, peer, address }) => [event, peer ?? address].join(" ").trim());
}

test.each<[string, Case, string[]]>([
  ["a laptop", {}, []],
  ["Redis on the loopback", { url: "redis://127.0.0.1:6379" }, []],
  ["Redis on the loopback, IPv6", { url: "redis://[::1]" }, []],
  ["Redis elsewhere", { url: "redis://redis:6379" }, ["redis_unprotected redis"]],
  ["Redis elsewhere, by address", { url: "redis://10.0.0.8" }, ["redis_unprotected redis"]],
  ["Redis elsewhere, TLS is no password", { url: "rediss://redis" }, ["redis_unprotected redis"]],
  ["Redis with a password", { url: "redis://:secret@redis" }, []],
  ["with one beside the URL", { url: "redis://redis", password: "secret" }, []],
  ["with a client's certificate", { url: "rediss://redis", config: { REDIS_CERT_FILE: "x" } }, []],
  [
    "Sentinel without any",
    { url: "redis+sentinel://a,b/chat" },
    ["redis_unprotected redis", "redis_unprotected sentinel"],
  ],
  [
    "Sentinel, where only Redis has one",
    { url: "redis+sentinel://:secret@a,b/chat" },
    ["redis_unprotected sentinel"],
  ],
  [
    "a public address",
    { addresses: PUBLIC },
    ["identity_open 203.0.112.7", "port_plain 203.0.112.7"],
  ],
  ["one of IPv6", { addresses: ["2a00::1"] }, ["identity_open 2a00::1", "port_plain 2a00::1"]],
  [
    "a public address that is not listened on",
    { addresses: PUBLIC, config: { HOST: "10.0.0.7" } },
    [],
  ],
  [
    "a public address that is named",
    { config: { HOST: "203.0.112.7", IDENTITY: "accounts" } },
    ["port_plain 203.0.112.7"],
  ],
  ["TLS", { addresses: PUBLIC, config: { TLS_CERT: "x" } }, ["identity_open 203.0.112.7"]],
  [
    "a proxy",
    { addresses: PUBLIC, config: { TRUSTED_PROXIES: "loopback" } },
    ["identity_open 203.0.112.7"],
  ],
  [
    "metrics",
    { addresses: PUBLIC, config: { METRICS_PORT: 9100, IDENTITY: "token", TLS_CERT: "x" } },
    ["metrics_public 203.0.112.7"],
  ],
  [
    "a secret whose tokens may be anybody's",
    { config: { IDENTITY: "token", TOKEN_SECRET: "x" } },
    ["tokens_unbound"],
  ],
  [
    "one whose tokens are of an issuer",
    { config: { IDENTITY: "token", TOKEN_SECRET: "x", TOKEN_ISSUER: "us" } },
    [],
  ],
  [
    "one whose tokens are for this chat",
    { config: { IDENTITY: "token", TOKEN_SECRET: "x", TOKEN_AUDIENCE: "chat" } },
    [],
  ],
  [
    "a secret that nobody uses",
    { addresses: PUBLIC, config: { IDENTITY: "accounts", TOKEN_SECRET: "x", TLS_CERT: "x" } },
    [],
  ],
])("%s", (_, given, events) => {
  expect(warnings(given)).toEqual(events);
});

test("a node says so once, when it is ready", async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.close());
  // the system takes this for 127.0.0.1; for the node it is a name like any other
  const open = await node(`redis://127.1:${redis.port}`);
  onTestFinished(() => open.close());
  const said = open.log.filter(({ event }) => event === "redis_unprotected");
  expect(said).toMatchObject([{ level: 40, hosts: ["127.1"] }]);
  const closed = await node(redis.url);
  onTestFinished(() => closed.close());
  const events = new Set(["redis_unprotected", "identity_open", "port_plain", "metrics_public"]);
  expect(closed.log.filter(({ event }) => events.has(String(event)))).toEqual([]);
});
