import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Sentinels } from "#verifier/sentinels.js";
import { ClassicClient, L } from "../support/classic-client.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";

let sentinels: Sentinels;
const nodes: Awaited<ReturnType<typeof node>>[] = [];

beforeEach(async () => {
  sentinels = await Sentinels.start();
  nodes.push(await node(sentinels.url), await node(sentinels.url));
}, 120_000);
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((each) => each.close()));
  await sentinels.close();
});

for (const [what, signal, isWithItsSentinel] of [
  ["is killed", "SIGKILL", false],
  ["freezes", "SIGSTOP", false],
  ["freezes with the sentinel that gateways ask first", "SIGSTOP", true],
] as const) {
  test(`the primary ${what}: the gateways follow, nobody is signed out, and the chat goes on`, async () => {
    const ana = await ClassicClient.connect(nodes[0]!.port, "ana");
    const bob = await ClassicClient.connect(nodes[1]!.port, "bob");
    await ana.hears(53, L("bob"), 1);
    ana.says(4, L("~"), L("before"));
    await bob.awaits(55, L("ana"), L("before"));
    await ana.settles();

    const old = await sentinels.primary();
    const since = performance.now();
    old.process.child.kill(signal);
    if (isWithItsSentinel) sentinels.signalSentinel(0, signal);
    for (let attempt = 0; ; attempt++) {
      ana.says(4, L("~"), L(`again ${attempt}`));
      const answer = await ana.next(15_000);
      if (answer[0] === 55) break;
      expect([...answer], "an error 6 at most").toEqual([50, 6]);
    }
    console.log(
      `primary ${what}: written again after ${((performance.now() - since) / 1_000).toFixed(1)} s`,
    );
    expect(await sentinels.primary()).not.toBe(old);
    bob.says(4, L("ana"), L("hello"));
    await ana.awaits(55, L("bob"), L("hello"));
    // with what both heard since, nobody was signed out and nothing came twice
    const told = [...ana.heard, ...bob.heard].map((frame) => frame.toString("latin1"));
    expect(told.filter((frame) => frame.startsWith("\x36") && frame.endsWith("\x00"))).toEqual([]);
    expect(told.filter((frame) => frame.includes("before"))).toHaveLength(2);
  }, 120_000);
}

test("with min-replicas-to-write a thawed primary soon refuses writes", async () => {
  for (const { client } of sentinels.servers) {
    await client.config("SET", "min-replicas-to-write", "1");
    await client.config("SET", "min-replicas-max-lag", "1");
  }
  const old = await sentinels.primary();
  const late = new Redis({ port: old.port, maxRetriesPerRequest: 0 });
  late.on("error", () => {}); // it is cut when the primary becomes a replica
  await late.set("before", "1");
  old.process.child.kill("SIGSTOP");
  await sentinels.untilSuccessorOf(old);
  const thawed = performance.now();
  old.process.child.kill("SIGCONT");
  const answers: [answer: string, askedMs: number][] = [];
  await eventually(async () => {
    const askedMs = performance.now() - thawed;
    const answer = await late
      .set("late", "1")
      .catch((error: Error) => error.message.split(" ")[0]!);
    answers.push([answer, askedMs]);
    expect(answer).toBe("READONLY"); // the sentinels have told it
  }, 20_000);
  expect(answers.map(([answer]) => answer)).toContain("NOREPLICAS");
  // not at once: it may not have looked at its replicas yet (PROTOCOL.md, promises)
  expect(answers.filter(([answer, askedMs]) => answer === "OK" && askedMs > 3_000)).toEqual([]);
  late.disconnect();
}, 120_000);
