import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { GENERAL } from "#tertulia/chat/conversation.js";
import { Keys, bucketOfConversation } from "#tertulia/redis/keys.js";
import { tryProject } from "#verifier/compose/run.js";
import { brokenOf } from "#verifier/rules/rule.js";
import type { Result } from "#verifier/run.js";
import { ComposeProject } from "../support/compose.js";
import { whyNoEngine } from "../support/docker.js";
import { eventually } from "../support/eventually.js";

describe.skipIf(whyNoEngine() !== undefined)("the referee on a compose project", () => {
  let project: ComposeProject;

  beforeAll(async () => {
    const files = ["docker-compose.yml", "deploy/sentinel.yml", "deploy/verify.yml"];
    project = await ComposeProject.of(files);
    for (const [name, value] of Object.entries(project.environment)) vi.stubEnv(name, value);
    await project.compose("up", "-d", "--build", "--wait", "--scale", "gateway=2");
  }, 300_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await project[Symbol.asyncDispose]();
  }, 120_000);

  function judge(faults: readonly string[], minutes: number): Promise<Result> {
    const urls = [`ws://127.0.0.1:${project.port}`];
    const size = { clients: 4, json: 2, rate: 10, ackReplicas: 1 };
    return tryProject({ ...size, project: project.name, urls, faults, minutes, seed: 1 });
  }

  test("finds that nothing is lost when the primary is killed, and leaves everything running", async () => {
    const { judgements, faults, figures } = await judge(["kill-primary"], 0.1);
    expect(brokenOf(judgements)).toEqual([]);
    expect(faults.get("kill-primary")).toBe(1);
    expect(figures["acknowledged"]).toBeGreaterThan(50);
    expect((await project.compose("ps", "-q")).trim().split("\n")).toHaveLength(9);
  }, 240_000);

  test("finds data that is erased behind the gateways' backs", async () => {
    const judging = judge([], 0.2);
    const answer = await project.ask(
      "sentinel-1",
      "sentinel",
      "sentinel",
      "get-master-addr-by-name",
      "chat",
    );
    const [primary] = answer.split("\n");
    const meta = new Keys("tertulia").meta(bucketOfConversation(GENERAL));
    const head = async (): Promise<number> =>
      Number(await project.ask(primary!, "redis", "hget", meta, "n"));
    const before = await head();
    await eventually(async () => expect(await head()).toBeGreaterThan(before + 20), 60_000);
    await project.ask(primary!, "redis", "flushall");
    const rules = brokenOf((await judging).judgements).map(({ id }) => id);
    expect(rules).toContain("acknowledged-is-stored");
  }, 240_000);

  test("refuses a project that it would change, or that does not exist", async () => {
    vi.stubEnv("ACK_LEVEL", "replicated");
    await expect(judge([], 0.1)).rejects.toThrow(/would change .*gateway/);
    vi.stubEnv("ACK_LEVEL", "fast");
    await expect(judge(["earthquake"], 0.1)).rejects.toThrow("not here: earthquake");
  }, 60_000);
});
