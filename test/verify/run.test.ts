import { appendFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { copyOf, plant } from "#verifier/planted/plant.js";
import { PLANTED } from "#verifier/planted/bugs.js";
import { brokenOf } from "#verifier/rules/rule.js";
import { run, type Result, type RunSettings } from "#verifier/run.js";
import { untimed } from "../support/untimed.js";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const small = {
  seed: 7,
  gateways: 3,
  clients: 12,
  json: 4,
  rate: Infinity,
  dist,
  topology: "single",
  ack: "fast",
  ackReplicas: 1,
  identity: "open",
} as const;

/** Keeps every promise; runs again, twice at most, where the machine was too slow for the faults to bite. */
async function kept(settings: RunSettings): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    const result = await run(settings);
    const figures = [...result.faults, ...Object.entries(result.figures)];
    console.log(figures.map((each) => each.join(": ")).join(", "));
    expect(untimed(result.judgements)).toEqual([]);
    if (result.voidBecause === undefined || attempt === 3) return result;
    console.log(`void: ${result.voidBecause}`);
  }
}

test("a short run under faults keeps every promise", async () => {
  const faults = [
    "kill-leader",
    "stop-gateway",
    "cut-subscriber",
    "cut-redis",
    "mute-redis",
    "blackhole-redis",
    "kill-subscriptions",
    "flush-functions",
    "full-redis",
    "restart-redis",
  ];
  const result = await kept({ ...small, minutes: 0.5, faults });
  expect(result.voidBecause).toBeUndefined();
}, 400_000);

test("another release serves beside this one, and every promise is kept", async () => {
  const beside = await copyOf(dist);
  onTestFinished(() => rm(dirname(beside), { recursive: true }));
  await appendFile(join(beside, "redis/lua/1-bucket.lua"), "-- it is another library\n");
  const faults = ["rolling-restart", "kill-gateway"];
  const result = await kept({ ...small, minutes: 0.2, faults, beside });
  expect(result.figures["releases"]).toMatch(
    /^[^,]+ with functions \w+, [^,]+ with functions \w+$/,
  );
}, 400_000);

test("a release beside itself proves nothing", async () => {
  const result = await run({ ...small, minutes: 0, faults: [], beside: dist });
  expect(result.voidBecause).toBe("both releases are the same");
}, 100_000);

test("rollbacks of failovers are announced, and nothing else is lost", async () => {
  const faults = ["lossy-failover", "failover", "clock-offset"];
  // of this seed the lossy one comes first: on a slow machine there is time for no other
  const settings = { ...small, seed: 4, minutes: 0.3, faults, topology: "sentinel" } as const;
  const result = await kept(settings);
  expect(result.voidBecause).toBeUndefined();
  expect(result.faults.get("lossy-failover")).toBeGreaterThan(0);
}, 400_000);

test("when Redis comes back on older data, the loss is announced, and nothing else is lost", async () => {
  const result = await kept({ ...small, minutes: 0.2, faults: ["old-volume"] });
  expect(result.voidBecause).toBeUndefined();
  expect(result.figures["lost although acknowledged"]).toBeGreaterThan(0);
  expect(result.figures["of these not announced"]).toBe(0);
}, 400_000);

test("an unknown or impossible fault is refused", async () => {
  const settings = { ...small, minutes: 0.1, faults: ["lossy-failover"] };
  await expect(run(settings)).rejects.toThrow("fault lossy-failover needs --topology sentinel");
  const replicated = { ...small, ack: "replicated", minutes: 0.1, faults: ["old-volume"] } as const;
  await expect(run(replicated)).rejects.toThrow("fault old-volume needs --ack fast");
});

test("a control that publishes without a log is caught losing messages", async () => {
  const { faults } = PLANTED["publish-without-log"]!;
  const planted = { ...small, dist: await plant("publish-without-log", dist), faults };
  onTestFinished(() => rm(dirname(planted.dist), { recursive: true }));
  const rule = "heard-once-in-order";
  let broken: string[] = [];
  // longer where the machine is too slow for the first one
  for (const minutes of [0.15, 0.3, 0.6]) {
    const result = await run({ ...planted, minutes });
    broken = brokenOf(result.judgements).map(({ id }) => id);
    if (broken.includes(rule)) break;
  }
  expect(broken).toContain(rule);
}, 300_000);
