import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { ComposeProject } from "../support/compose.js";
import { docker, whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";

describe.skipIf(whyNoEngine() !== undefined)("docker compose with deploy/secure.yml", () => {
  let secrets: string;
  let project: ComposeProject;
  let chat: Tertulia;

  beforeAll(async () => {
    secrets = await mkdtemp(join(tmpdir(), "tertulia-secrets-"));
    const files = ["docker-compose.yml", "deploy/sentinel.yml", "deploy/secure.yml"];
    project = await ComposeProject.of(files, {
      SECRETS_DIR: secrets,
      TLS_AUTH_CLIENTS: "no",
      ACK_LEVEL: "replicated",
    });
    // a password as people choose them is not made anew
    await writeFile(join(secrets, "sentinel-password"), `it's "quoted" \\ # and $long\n`);
    await project.command("deploy/certificates");
    await project.compose("up", "-d", "--build", "--scale", "gateway=1");
    await project.untilReady();
    await project.untilWatched();
    chat = connect(`ws://127.0.0.1:${project.port}`, { name: "ana", WebSocket });
  }, 300_000);
  afterAll(async () => {
    await chat.close();
    await project[Symbol.asyncDispose]();
    await rm(secrets, { recursive: true });
  }, 120_000);

  /** What a client of the container answers that gives these options, and no password. */
  async function answerTo(service: string, ...options: string[]): Promise<string> {
    const plain = ["exec", project.container(service), "redis-cli", ...options, "ping"];
    return project
      .command("docker", ...plain)
      .catch((error: { stdout: string; stderr: string }) => {
        return error.stdout + error.stderr;
      });
  }

  test("Redis and Sentinel speak TLS only, and want their passwords", async () => {
    const tls = ["--tls", "--cacert", "/run/secrets/ca.crt"];
    for (const [service, port] of [
      ["redis", "6379"],
      ["redis-2", "6379"],
      ["sentinel-1", "26379"],
    ] as const) {
      expect(await answerTo(service, "-p", port)).not.toContain("PONG");
      expect(await answerTo(service, "-p", port, ...tls)).toContain("NOAUTH");
    }
    const password = (await readFile(join(secrets, "redis-password"), "utf8")).trim();
    for (const look of ["inspect", "top"]) {
      expect(await project.command("docker", look, project.container("redis"))).not.toContain(
        password,
      );
    }
  });

  test("the doctor finds nothing wrong", async () => {
    await eventually(async () => {
      const doctor = ["exec", "-T", "gateway", "node", "dist/doctor/main.js"];
      expect(await project.compose(...doctor)).toContain("0 wrong, 0 to be looked at, 0 not seen");
    }, 60_000);
  });

  test("a replica replaces a killed primary, and the chat goes on", async () => {
    await chat.publish("~", "before");
    await docker("kill", project.container("redis"));
    const killed = performance.now();
    await chat.publish("~", "after");
    console.log(`written again after ${((performance.now() - killed) / 1_000).toFixed(1)} s`);
    await docker("start", project.container("redis"));
    await eventually(async () => {
      const info = await project.ask("redis", "redis", "info", "replication");
      expect(info).toMatch(/role:slave[^]*master_link_status:up/);
    }, 60_000);
    const { messages } = await chat.history("~", { limit: 10 });
    expect(messages.map(({ text }) => text)).toEqual(["before", "after"]);
  });
});
