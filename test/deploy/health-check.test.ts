/** The image's health check, as it stands in the Dockerfile: it runs in bash, here against gateways outside of containers. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { freePort } from "#tertulia/local-redis/server.js";
import { makeCertificates, type Certificates } from "../support/certificates.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

let redis: TestRedis;
let certificates: Certificates;
let tls: Record<string, string>;

beforeAll(async () => {
  redis = await startRedis();
  certificates = makeCertificates();
  tls = { TLS_CERT: certificates.at("server.crt"), TLS_KEY: certificates.at("server.key") };
});
afterAll(async () => {
  await redis.close();
  certificates.remove();
});

/** Whether a gateway of this environment is healthy. */
async function isHealthy(port: number, environment: Record<string, string> = {}): Promise<boolean> {
  const file = await readFile(new URL("../../Dockerfile", import.meta.url), "utf8");
  const [, command] = /^HEALTHCHECK .*\\\n +CMD (\[.*\])$/m.exec(file)!;
  const [shell, ...args] = JSON.parse(command!) as [string, ...string[]];
  const env = { PATH: process.env["PATH"], PORT: `${port}`, ...environment };
  return new Promise((resolve) => {
    execFile(shell, args, { env }, (error) => resolve(error === null));
  });
}

test.each(["plain", "with TLS"])("a gateway is healthy, %s", async (kind) => {
  const settings = kind === "plain" ? {} : tls;
  const gateway = await node(redis.url, settings);
  onTestFinished(() => gateway.close());
  expect(await isHealthy(gateway.port, settings)).toBe(true);
});

test("where nobody listens, or nobody answers, nobody is healthy", async () => {
  expect(await isHealthy(await freePort())).toBe(false);
  const frozen = createServer(() => {});
  onTestFinished(() => void frozen.close());
  frozen.listen(0, "127.0.0.1");
  await once(frozen, "listening");
  const { port } = frozen.address() as AddressInfo;
  expect(await isHealthy(port)).toBe(false);
  expect(await isHealthy(port, tls)).toBe(false);
});

test("an answer that is no 200 is not healthy without TLS", async () => {
  const gateway = await node(redis.url, tls);
  onTestFinished(() => gateway.close());
  expect(await isHealthy(gateway.port)).toBe(false);
});
