import { X509Certificate } from "node:crypto";
import { copyFileSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConfigError, readConfig } from "#tertulia/config.js";
import { redisSettings } from "#tertulia/config/access.js";
import { freePort } from "#tertulia/local-redis/server.js";
import { observe } from "#tertulia/observe.js";
import { connectRedis, giveUp } from "#tertulia/redis/connect.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { nodeProcess, type LogLine, type NodeProcess } from "../support/nodes.js";
import { Secured } from "../support/secured.js";

let secured: Secured;
/** Each shows a certificate that is wrong; the last one speaks without TLS as well, on {@link plainPort}. */
let wrong: Secured[];
let plainPort: number;

beforeAll(async () => {
  secured = await Secured.startSentinels();
  const { certificates } = secured;
  certificates.issue("stranger", "IP:127.0.0.1", "other-ca");
  certificates.issue("elsewhere", "DNS:elsewhere.example");
  certificates.issue("expired", "IP:127.0.0.1", "ca", -1);
  plainPort = await freePort();
  wrong = await Promise.all([Secured.startServer(), Secured.startServer(`port ${plainPort}`)]);
  for (const [i, name] of ["elsewhere", "expired"].entries()) {
    const { client } = wrong[i]!.servers[0]!;
    await client.config(
      "SET",
      "tls-cert-file",
      at(`${name}.crt`),
      "tls-key-file",
      at(`${name}.key`),
    );
  }
});
afterAll(async () => {
  await secured.close();
  for (const each of wrong) await each.close();
});

const PASSWORDS = { REDIS_PASSWORD: "re:dis", SENTINEL_PASSWORD: "sent:inel" };

test("with certificates and passwords a connection is made, by Sentinel and without", async () => {
  for (const environment of [PASSWORDS, toServer()]) {
    const lines = await connect(environment, ({ msg }) => msg === "redis connected");
    expect(lines.filter(({ level }) => level > 30)).toEqual([]);
  }
});

test("a metric has the end of Redis' certificate", async () => {
  const { certificates } = secured;
  const ends = new X509Certificate(readFileSync(certificates.at("server.crt"))).validTo;
  const port = await freePort();
  const gateway = await nodeProcess({ ...secured.environment, ...PASSWORDS, METRICS_PORT: port });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const told = /^tertulia_redis_certificate_end_timestamp_seconds (\S+)$/m.exec(metrics)?.[1];
  expect(Number(told)).toBe(Date.parse(ends) / 1_000);
  await gateway.close();
});

test("metrics are served while a Redis with TLS is away", async () => {
  const away = await Secured.startServer();
  const port = await freePort();
  const environment = { ...away.environment, REDIS_PASSWORD: away.password, METRICS_PORT: port };
  const gateway = await nodeProcess(environment);
  try {
    await away.servers[0]!.kill();
    await eventually(() => {
      expect(gateway.log.map(({ msg }) => msg)).toContain("redis connection failed");
    });
    for (let i = 0; i < 20; i++) {
      const { status } = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect(status).toBe(200);
    }
  } finally {
    await gateway.close();
    await away.close();
  }
});

test("a cluster follows a failover and new passwords, all by TLS with passwords from files", async () => {
  const ha = await Secured.startSentinels();
  const files = await mkdtemp(join(tmpdir(), "tertulia-secrets-"));
  const nodes: NodeProcess[] = [];
  try {
    await writeFile(join(files, "redis"), `${ha.password}\n`);
    await writeFile(join(files, "sentinel"), `${ha.sentinelPassword}\n`);
    const environment = {
      ...ha.environment,
      REDIS_PASSWORD_FILE: join(files, "redis"),
      SENTINEL_PASSWORD_FILE: join(files, "sentinel"),
    };
    for (let i = 0; i < 2; i++) nodes.push(await nodeProcess(environment));
    const ana = await ClassicClient.connect(nodes[0]!.port, "ana");
    const bob = await ClassicClient.connect(nodes[1]!.port, "bob");
    await ana.awaits(53, L("bob"), 1);

    await ha.servers[0]!.kill();
    await saysUntilHeard(ana, "after the failover");
    await bob.awaits(55, L("ana"), L("after the failover"));

    // new passwords, as an operator changes them: on the servers, in the files, then the old ones end
    await writeFile(join(files, "redis"), "an:other");
    await writeFile(join(files, "sentinel"), "one:more");
    for (const { client } of ha.sentinels)
      await client.call("ACL", "SETUSER", "default", "resetpass", ">one:more");
    for (const { client } of ha.servers.slice(1)) {
      await client.config("SET", "masterauth", "an:other");
      await client.config("SET", "requirepass", "an:other");
    }
    for (const { client } of ha.sentinels)
      await client.call("SENTINEL", "SET", "chat", "auth-pass", "an:other");
    for (const { client } of [...ha.sentinels, ...ha.servers.slice(1)]) {
      for (const type of ["normal", "pubsub"])
        await client.call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
    }
    await saysUntilHeard(bob, "with new passwords");
    await ana.awaits(55, L("bob"), L("with new passwords"));
    const logs = JSON.stringify(nodes.map(({ log }) => log));
    expect(logs).not.toMatch(/re:dis|sent:inel|an:other|one:more/);
  } finally {
    await Promise.all(nodes.map((each) => each.close()));
    await ha.close();
    await rm(files, { recursive: true, force: true });
  }
});

/** While there is no primary, or this gateway has not reached it yet, the chat refuses (error 6). */
async function saysUntilHeard(client: ClassicClient, words: string): Promise<void> {
  client.says(4, L("~"), L(words));
  for (;;) {
    const answer = (await client.next(15_000)).toString("latin1");
    if (answer === "\x32\x06") client.says(4, L("~"), L(words));
    else if (answer.startsWith("\x37") && answer.endsWith(words)) return;
  }
}

test("the next connection uses a client certificate that was replaced on disk", async () => {
  const mine = { REDIS_CERT_FILE: at("mine.crt"), REDIS_KEY_FILE: at("mine.key") };
  const replaceBy = (name: string): void => {
    for (const ending of ["crt", "key"])
      copyFileSync(at(`${name}.${ending}`), at(`mine.${ending}`));
  };
  replaceBy("stranger");
  await connect({ ...toServer(), ...mine }, ({ level, msg }) => {
    if (level === 50) replaceBy("client");
    return msg === "redis connected";
  });
});

type Case = [what: string, environment: () => Record<string, string>, peer: string, why: RegExp];

test.each<Case>([
  [
    "a wrong CA",
    () => ({ ...toServer(), REDIS_CA_FILE: at("other-ca.crt") }),
    "redis",
    /no authority that is trusted here: see REDIS_CA_FILE/,
  ],
  [
    "a wrong CA at Sentinel",
    () => ({ ...PASSWORDS, REDIS_CA_FILE: at("other-ca.crt") }),
    "sentinel",
    /no authority that is trusted here: see REDIS_CA_FILE/,
  ],
  ["no CA", () => ({ ...toServer(), REDIS_CA_FILE: "" }), "redis", /no authority/],
  ["a certificate of another host", () => to("elsewhere"), "redis", /for other host names/],
  ["a certificate that has expired", () => to("expired"), "redis", /has expired/],
  [
    "no client certificate",
    () => ({ ...toServer(), ...NO_CERTIFICATE }),
    "redis",
    /asks for a client certificate/,
  ],
  [
    "no client certificate at Sentinel",
    () => ({ ...PASSWORDS, ...NO_CERTIFICATE }),
    "sentinel",
    /asks for a client certificate/,
  ],
  [
    "a stranger's client certificate",
    () => ({
      ...toServer(),
      REDIS_CERT_FILE: at("stranger.crt"),
      REDIS_KEY_FILE: at("stranger.key"),
    }),
    "redis",
    /does not accept the client certificate/,
  ],
  [
    "a wrong password",
    () => ({ ...toServer(), REDIS_PASSWORD: "a-secret" }),
    "redis",
    /does not accept the user or the password: REDIS_/,
  ],
  [
    "a wrong user",
    () => ({ ...toServer(), REDIS_USERNAME: "me" }),
    "redis",
    /does not accept the user or the password: REDIS_/,
  ],
  [
    "no password",
    () => ({ ...toServer(), REDIS_PASSWORD: "" }),
    "redis",
    /asks for a password: REDIS_PASSWORD/,
  ],
  [
    "a wrong password behind Sentinel",
    () => ({ ...PASSWORDS, REDIS_PASSWORD: "a-secret" }),
    "redis",
    /does not accept the user or the password: REDIS_/,
  ],
  [
    "a wrong password at Sentinel",
    () => ({ ...PASSWORDS, SENTINEL_PASSWORD: "a-secret" }),
    "sentinel",
    /does not accept the user or the password: SENTINEL_/,
  ],
  [
    "no password at Sentinel",
    () => ({ ...PASSWORDS, SENTINEL_PASSWORD: "" }),
    "sentinel",
    /asks for a password: SENTINEL_PASSWORD/,
  ],
  [
    "a name that Sentinel does not know",
    () => ({
      ...PASSWORDS,
      REDIS_URL: secured.environment["REDIS_URL"]!.replace("/chat", "/talk"),
    }),
    "sentinel",
    /no primary of the name/,
  ],
])("%s is said in the log, with what to do about it", async (_, environment, peer, why) => {
  const lines = await connect(environment(), ({ level }) => level === 50);
  const told = lines.find(({ level }) => level === 50);
  expect(told).toMatchObject({ msg: "redis connection failed", peer });
  expect(told!["why"]).toMatch(why);
  expect(JSON.stringify(lines)).not.toMatch(/a-secret|re:dis|sent:inel/);
});

test.each<Case>([
  [
    "a server that wants TLS, asked without",
    () => ({
      ...toServer(),
      ...NO_FILES,
      REDIS_URL: toServer().REDIS_URL.replace("rediss", "redis"),
    }),
    "redis",
    /perhaps it wants TLS/,
  ],
  [
    "a sentinel that wants TLS, asked without",
    () => ({
      ...PASSWORDS,
      ...NO_FILES,
      REDIS_URL: secured.environment["REDIS_URL"]!.replace("rediss", "redis"),
    }),
    "sentinel",
    /perhaps it wants TLS/,
  ],
  [
    "a server without TLS",
    () => ({ ...toServer(), REDIS_URL: `rediss://127.0.0.1:${plainPort}` }),
    "redis",
    /perhaps it speaks no TLS/,
  ],
])("%s may be away, but the log says what else it may be", async (_, environment, peer, why) => {
  const lines = await connect(environment(), (line) => line["why"] !== undefined);
  const told = lines.find((line) => line["why"] !== undefined);
  expect(told).toMatchObject({ level: 40, peer, why: expect.stringMatching(why) as string });
});

test.each<[what: string, environment: () => Record<string, string>, message: string]>([
  [
    "a certificate without a key",
    () => ({ REDIS_KEY_FILE: "" }),
    "REDIS_CERT_FILE: is given, and no REDIS_KEY_FILE",
  ],
  [
    "a key without a certificate",
    () => ({ REDIS_CERT_FILE: "" }),
    "REDIS_KEY_FILE: is given, and no REDIS_CERT_FILE",
  ],
  [
    "another's key",
    () => ({ REDIS_KEY_FILE: at("server.key") }),
    "REDIS_KEY_FILE: is not the key of REDIS_CERT_FILE",
  ],
  [
    "a certificate as key",
    () => ({ REDIS_KEY_FILE: at("client.crt") }),
    "REDIS_KEY_FILE: the file holds no key in PEM",
  ],
  [
    "a key as certificate",
    () => ({ REDIS_CERT_FILE: at("client.key") }),
    "REDIS_CERT_FILE: the file holds no certificate in PEM",
  ],
  [
    "a key as CA",
    () => ({ REDIS_CA_FILE: at("ca.key") }),
    "REDIS_CA_FILE: the file holds no certificate in PEM",
  ],
])("%s is a mistake of the configuration", (_, environment, message) => {
  const read = (): unknown => readConfig({ ...secured.environment, ...environment() });
  expect(read).toThrow(ConfigError);
  expect(read).toThrow(message);
});

const NO_CERTIFICATE = { REDIS_CERT_FILE: "", REDIS_KEY_FILE: "" };
const NO_FILES = { ...NO_CERTIFICATE, REDIS_CA_FILE: "" };

function at(file: string): string {
  return secured.certificates.at(file);
}

function toServer() {
  return { REDIS_URL: `rediss://127.0.0.1:${secured.servers[0]!.port}`, REDIS_PASSWORD: "re:dis" };
}

/** To a server that shows this certificate. */
function to(certificate: string) {
  const { port } = wrong[certificate === "expired" ? 1 : 0]!.servers[0]!;
  return { REDIS_URL: `rediss://127.0.0.1:${port}`, REDIS_PASSWORD: "re:dis" };
}

async function connect(
  environment: Record<string, string>,
  until: (line: LogLine) => boolean,
): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  const { log } = observe("debug", "test", {
    write: (line) => void lines.push(JSON.parse(line) as LogLine),
  });
  const config = readConfig({ ...secured.environment, ...environment });
  const redis = connectRedis(
    redisSettings({ ...config, REDIS_URL: config.REDIS_URL! }),
    "command",
    log,
  );
  redis.connect().catch(() => {});
  try {
    await eventually(() => {
      if (!lines.some(until)) throw new Error(JSON.stringify(lines));
    }, 5_000);
    return lines;
  } finally {
    giveUp(redis);
  }
}
