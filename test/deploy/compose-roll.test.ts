import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { ComposeProject } from "../support/compose.js";
import { whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";
import { Roamer } from "../support/roamer.js";

describe.skipIf(whyNoEngine() !== undefined)("deploy/roll", () => {
  let project: ComposeProject;
  const bytes: Roamer[] = [];
  const sdk: Tertulia[] = [];
  const acknowledged: string[] = [];
  const heard: string[] = [];
  const gaps: unknown[] = [];
  const over = new AbortController();
  let writing: Promise<void>[] = [];

  beforeAll(async () => {
    project = await ComposeProject.of(["docker-compose.yml"]);
    await project.compose("up", "-d", "--build", "--scale", "gateway=2");
    await project.untilReady();
    for (const name of ["ana", "bob", "eva", "leo"]) bytes.push(new Roamer(name, [project.port]));
    for (const roamer of bytes) await roamer.connect();
    for (const name of ["una", "dos"]) {
      sdk.push(connect(`ws://127.0.0.1:${project.port}`, { name, WebSocket }));
    }
    sdk[0]!.on("message", ({ text }) => heard.push(text));
    sdk[0]!.on("gap", (gap) => gaps.push(gap));
    // what is said before one has joined, one need not hear
    await eventually(() => expect(sdk[0]!.state.name).toBe("open"), 20_000);
    writing = sdk.map((chat) => write(chat));
  }, 300_000);
  afterAll(async () => {
    await quiet();
    for (const { client } of bytes) client?.webSocket.removeAllListeners("close").terminate();
    await Promise.all(sdk.map((chat) => chat.close()));
    await project[Symbol.asyncDispose]();
    await project.command("docker", "image", "prune", "-f", "--filter", `label=${project.name}`);
  }, 120_000);

  async function write(chat: Tertulia): Promise<void> {
    for (let number = 0; !over.signal.aborted; number++) {
      const text = `${chat.name} ${number}`;
      await chat.publish("~", text);
      acknowledged.push(text);
      await pause(50);
    }
  }

  async function quiet(): Promise<void> {
    over.abort();
    await Promise.all(writing);
  }

  function newImage(): void {
    const lines = `FROM ${project.image}\nLABEL ${project.name}="${performance.now()}"\n`;
    execFileSync("docker", ["build", "-q", "-t", project.image, "-"], { input: lines });
  }

  async function gateways(): Promise<string[]> {
    return (await project.compose("ps", "-q", "gateway")).trim().split("\n").toSorted();
  }

  /** How the byte clients were sent away, and for how long the longest was away. */
  async function watched(
    act: () => Promise<unknown>,
  ): Promise<{ codes: string[]; awayMs: number }> {
    const seen = bytes.map(({ closes }) => closes.length);
    let awayMs = 0;
    const away = new Map<Roamer, number>();
    const looking = setInterval(() => {
      for (const roamer of bytes) {
        const isHere = roamer.client?.webSocket.readyState === 1;
        if (!isHere) away.set(roamer, away.get(roamer) ?? performance.now());
        const since = away.get(roamer);
        if (since !== undefined) awayMs = Math.max(awayMs, performance.now() - since);
        if (isHere) away.delete(roamer);
      }
    }, 5);
    await act();
    await eventually(() => {
      for (const { client } of bytes) expect(client?.webSocket.readyState).toBe(1);
    }, 20_000);
    clearInterval(looking);
    const closes = bytes.flatMap(({ closes: all }, i) => all.slice(seen[i]));
    return { codes: [...new Set(closes.map((close) => close.split(" ").at(-1)!))], awayMs };
  }

  test("a new image replaces the old one, and clients are told to move", async () => {
    const before = await gateways();
    newImage();
    const { codes, awayMs } = await watched(() => project.command("deploy/roll"));
    const after = await gateways();
    expect(after).toHaveLength(2);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    expect(codes).toEqual(["1012"]);
    expect(bytes.flatMap(({ refusals }) => refusals)).toEqual([]);
    console.log(`deploy/roll: no byte client was away for more than ${awayMs.toFixed(0)} ms`);
    // what it made, compose takes for its own
    expect(await project.command("deploy/roll")).toContain("all 2 gateways are up to date");
    await project.compose("up", "-d", "--scale", "gateway=2");
    expect(await gateways()).toEqual(after);
  });

  test("interrupted and run again, it finishes, with as many gateways as before", async () => {
    const before = await gateways();
    newImage();
    const first = spawn("deploy/roll", { env: project.environment, stdio: "ignore" });
    await eventually(async () => expect((await gateways()).length).toBeGreaterThan(2), 60_000);
    first.kill("SIGKILL");
    await once(first, "exit");
    const { codes } = await watched(() => project.command("deploy/roll"));
    const after = await gateways();
    expect(after).toHaveLength(2);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    expect(codes).toEqual(["1012"]);
  });

  test("when new gateways do not become ready, the old ones stay, and nobody is sent away", async () => {
    const before = await gateways();
    const environment = { ROLL_WAIT_SECONDS: "3", REDIS_URL: "redis://nowhere:6379" };
    const { codes } = await watched(async () => {
      const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      await expect(project.command("env", ...set, "deploy/roll")).rejects.toMatchObject({
        stdout: expect.stringContaining("the old ones serve on"),
      });
    });
    expect(await gateways()).toEqual(before);
    expect(codes).toEqual([]);
  });

  test("every message acknowledged meanwhile was heard once", async () => {
    await quiet();
    await eventually(() => {
      expect(gaps).toEqual([]);
      expect(heard.filter((text, i) => heard.indexOf(text) !== i)).toEqual([]);
      expect(acknowledged.filter((text) => !heard.includes(text))).toEqual([]);
      expect(heard.filter((text) => !acknowledged.includes(text))).toEqual([]);
    }, 20_000);
  });
});
