import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { ComposeProject } from "../support/compose.js";
import { docker, whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";

const SERVERS = ["redis", "redis-2", "redis-3"];
const SENTINELS = ["sentinel-1", "sentinel-2", "sentinel-3"];

describe.skipIf(whyNoEngine() !== undefined)("docker compose with deploy/sentinel.yml", () => {
  let project: ComposeProject;
  let chat: Tertulia;
  const acknowledged: string[] = [];
  const failures: unknown[] = [];
  const over = new AbortController();
  let writing: Promise<void>;

  beforeAll(async () => {
    const files = ["docker-compose.yml", "deploy/sentinel.yml"];
    project = await ComposeProject.of(files, { ACK_LEVEL: "replicated" });
    await project.compose("up", "-d", "--build", "--scale", "gateway=1");
    await project.untilReady();
    await project.untilWatched();
    chat = connect(`ws://127.0.0.1:${project.port}`, { name: "ana", WebSocket });
    writing = write();
  }, 300_000);
  afterAll(async () => {
    over.abort();
    await chat.close();
    await writing;
    await project[Symbol.asyncDispose]();
  }, 120_000);

  /** Says one thing after the other, through whatever happens; not so much that the history forgets. */
  async function write(): Promise<void> {
    for (let number = 0; !over.signal.aborted; number++) {
      const text = `message ${number}`;
      try {
        await chat.publish("~", text);
        acknowledged.push(text);
      } catch (error) {
        if (!over.signal.aborted) failures.push(error);
      }
      await pause(200);
    }
  }

  /** Each server's role: the one that it follows, or that it leads, with how many replicas in sync. */
  async function roles(): Promise<string[]> {
    const all = SERVERS.map(async (server) => {
      const info = await project.ask(server, "redis", "info", "replication");
      const field = (name: string): string =>
        new RegExp(`^${name}:(.*)$`, "m").exec(info)?.[1] ?? "";
      if (field("role") === "master") return `leads ${info.match(/state=online/g)?.length ?? 0}`;
      const link = `${field("master_link_status")}, priority ${field("slave_priority")}`;
      return `follows ${field("master_host")}, ${link}`;
    });
    return Promise.all(all);
  }

  async function primary(): Promise<string> {
    const named = SENTINELS.map((sentinel) =>
      project.ask(sentinel, "sentinel", "sentinel", "get-master-addr-by-name", "chat"),
    );
    const [one, ...others] = new Set(
      (await Promise.all(named)).map((answer) => answer.split("\n")[0]!),
    );
    expect(others, "the sentinels agree").toEqual([]);
    return one!;
  }

  /** Waits until all follow the one that the sentinels name, all may be promoted, and the chat goes on. */
  async function untilWhole(): Promise<string> {
    const leader = await eventually(async () => {
      const named = await primary();
      const expected = SERVERS.map((server) =>
        server === named ? "leads 2" : `follows ${named}, up, priority 100`,
      );
      expect(await roles()).toEqual(expected);
      return named;
    }, 60_000);
    await project.untilReady();
    const before = acknowledged.length;
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 1), 30_000);
    return leader;
  }

  async function untilSuccessorOf(old: string): Promise<string> {
    return eventually(async () => {
      const next = await primary();
      expect(next).not.toBe(old);
      return next;
    }, 60_000);
  }

  /** Everything that was acknowledged is in the history, once and in order. */
  async function expectNothingLost(): Promise<void> {
    const expected = [...acknowledged];
    const texts: string[] = [];
    let before: number | undefined;
    for (;;) {
      const page = await chat.history("~", { limit: 100, ...(before !== undefined && { before }) });
      texts.unshift(...page.messages.map(({ text }) => text));
      if (!page.more) break;
      before = page.messages[0]!.seq;
    }
    const wanted = new Set(expected);
    expect(texts.filter((text) => wanted.has(text))).toEqual(expected);
    expect(failures).toEqual([]);
  }

  test("primaries that are killed, come back and restart never form a ring", async () => {
    const first = await untilWhole();
    expect(first).toBe("redis");
    await docker("kill", project.container(first));
    const second = await untilSuccessorOf(first);
    await docker("start", project.container(first));
    expect(await untilWhole()).toBe(second);
    await docker("stop", project.container(second));
    await docker("start", project.container(second));
    await untilWhole();
    await expectNothingLost();
  });

  test("after a stop and a start all servers keep their roles and data", async () => {
    const leader = await untilWhole();
    expect(leader, "there has been a failover").not.toBe("redis");
    await project.compose("stop");
    await project.compose("start");
    expect(await untilWhole()).toBe(leader);
    await expectNothingLost();
  });

  test("a primary that has lost its volume does not become primary again", async () => {
    const leader = await untilWhole();
    await project.compose("rm", "-s", "-f", leader);
    await project.command("docker", "volume", "rm", `${project.name}_${leader}`);
    await project.compose("up", "-d", "--no-deps", leader);
    expect(await untilWhole()).not.toBe(leader);
    await expectNothingLost();
  });

  test("deploy/roll replaces all servers and sentinels, and the chat goes on", async () => {
    const running = async (): Promise<string[]> =>
      (await project.compose("ps", "-q", ...SERVERS, ...SENTINELS)).trim().split("\n");
    const before = await running();
    await project.command("deploy/roll", "--force", "redis", "sentinel");
    const after = await running();
    expect(after).toHaveLength(6);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    await untilWhole();
    await expectNothingLost();
  });

  test("after all were killed, a replica that is back before the primary is not put in its place", async () => {
    const leader = await untilWhole();
    const late = project.container(leader);
    await project.compose("kill");
    const others = SERVERS.filter((server) => server !== leader);
    for (const each of [...SENTINELS, ...others]) await docker("start", project.container(each));
    // they have tried, and found nobody fit for it
    await eventually(async () => {
      const said = await Promise.all(SENTINELS.map((each) => project.log(each)));
      expect(said.join("")).toContain("-failover-abort-no-good-slave");
    }, 60_000);
    expect(await primary()).toBe(leader);
    await docker("start", late);
    await project.compose("start");
    await untilWhole();
    await expectNothingLost();
  });

  test("all volumes have names, and go with `down -v`", async () => {
    const named = [...SERVERS, ...SENTINELS].map((each) => `${project.name}_${each}`);
    const used = await project.volumes();
    expect(used.toSorted()).toEqual(named.toSorted());
    over.abort();
    await chat.close();
    await writing;
    await project.compose("down", "-v", "-t", "1");
    const left = await project.command("docker", "volume", "ls", "-q");
    expect(left.split("\n").filter((name) => used.includes(name))).toEqual([]);
  });
});
