import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { ComposeProject } from "../support/compose.js";
import { docker, whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";

const ALONE = ["docker-compose.yml"];
const SECURE = [...ALONE, "deploy/sentinel.yml", "deploy/secure.yml"];

for (const [title, files, servers] of [
  ["one Redis", ALONE, ["redis"]],
  ["Sentinel, passwords and TLS", SECURE, ["redis", "redis-2", "redis-3"]],
] as const) {
  describe.skipIf(whyNoEngine() !== undefined)(`a backup of docker compose with ${title}`, () => {
    let project: ComposeProject;
    let chat: Tertulia;
    let folder: string;
    let secrets: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "tertulia-backups-"));
      secrets = await mkdtemp(join(tmpdir(), "tertulia-secrets-"));
      const environment = { BACKUPS: folder, KEEP: "2", SECRETS_DIR: secrets, GATEWAYS: "1" };
      project = await ComposeProject.of(files, environment);
      if (files === SECURE) await project.command("deploy/certificates");
      await project.compose("up", "-d", "--build");
      await project.untilReady();
      if (files === SECURE) await project.untilWatched();
      chat = connect(`ws://127.0.0.1:${project.port}`, { name: "ana", WebSocket });
      await chat.joined();
    }, 300_000);
    afterAll(async () => {
      await chat.close();
      await project[Symbol.asyncDispose]();
      for (const each of [folder, secrets]) await rm(each, { recursive: true, force: true });
    }, 120_000);

    async function backUp(): Promise<string> {
      await project.compose("run", "--rm", "-T", "backup");
      const files = (await readdir(folder)).filter((name) => name.endsWith(".rdb"));
      return join(folder, files.toSorted().at(-1)!);
    }

    async function said(): Promise<string[]> {
      return (await chat.history("~", { limit: 100 })).messages.map(({ text }) => text);
    }

    test("after a restore, older messages are there, newer ones are announced as lost, and the chat goes on", async () => {
      const texts = Array.from({ length: 20 }, (_, i) => `before ${i}`);
      for (const text of texts) await chat.publish("~", text);
      const backup = await backUp();
      await chat.publish("~", "after");
      const gap = chat.once("gap");
      if (servers.length > 1) await failOver();
      await project.command("deploy/restore/run", backup);
      await gap;
      await eventually(async () => expect(await said()).toEqual(texts), 60_000);
      const bob = connect(`ws://127.0.0.1:${project.port}`, { name: "bob", WebSocket });
      await bob.publish("~", "and on");
      await bob.close();
      await eventually(async () => expect(await said()).toEqual([...texts, "and on"]));
      const sizes = servers.map(async (server) => project.ask(server, "redis", "dbsize"));
      const [primary, ...replicas] = await Promise.all(sizes);
      await eventually(() => expect(replicas).toEqual(replicas.map(() => primary)));
    }, 240_000);

    test("as many backups are kept as configured", async () => {
      for (let i = 0; i < 3; i++) await backUp();
      const names = await readdir(folder);
      expect(names.filter((name) => name.endsWith(".rdb"))).toHaveLength(2);
      expect(names.filter((name) => name !== "tertulia.prom")).toHaveLength(4);
    }, 120_000);

    test("a restore on an empty machine brings everything, and serves", async () => {
      const before = await said();
      const backup = await backUp();
      await project.compose("down", "-v");
      await project.command("deploy/restore/run", backup);
      await eventually(async () => expect(await said()).toEqual(before), 60_000);
      const bob = connect(`ws://127.0.0.1:${project.port}`, { name: "bob", WebSocket });
      await bob.publish("~", "on another machine");
      await bob.close();
      await eventually(async () => expect(await said()).toEqual([...before, "on another machine"]));
    }, 240_000);

    /** So that the first one is the primary no more. */
    async function failOver(): Promise<void> {
      await docker("stop", project.container("redis"));
      const named = (): Promise<string> =>
        project.ask("sentinel-1", "sentinel", "sentinel", "get-master-addr-by-name", "chat");
      await eventually(async () => expect(await named()).not.toMatch(/^redis\n/), 60_000);
      await docker("start", project.container("redis"));
      await chat.publish("~", "said to another primary");
    }
  });
}
