/** The alerts, by Prometheus' own tool: each fires when it should, and for nobody else. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { find, whyNot } from "../support/prometheus-tools.js";
import { CASES, type Case } from "./alert-cases.js";
import { BEGINS, STEPS, STEP_S, WORLD, values, type Series } from "./alert-worlds.js";

const ALERTS = fileURLToPath(new URL("../../deploy/observability/alerts.yml", import.meta.url));
const why = whyNot("promtool");
if (why !== undefined) console.log(why);

interface Rule {
  readonly alert: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
}

async function rules(): Promise<Map<string, Rule>> {
  const { groups } = parse(await readFile(ALERTS, "utf8")) as { groups: { rules: Rule[] }[] };
  return new Map(groups.flatMap((group) => group.rules).map((rule) => [rule.alert, rule]));
}

test("every alert has a case in which it fires", async () => {
  const tried = new Set(CASES.map(({ alert }) => alert));
  expect([...(await rules()).keys()].filter((alert) => !tried.has(alert))).toEqual([]);
});

describe.skipIf(why !== undefined)("with promtool", () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "tertulia-alerts-"))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("the rules are valid", () => {
    expect(promtool("check", "rules", "--lint-fatal", ALERTS)).toContain("SUCCESS");
  });

  test("each alert fires for the cluster that the fault is in, not before its time, and ends with the fault", async () => {
    const known = await rules();
    const tests = CASES.map((each) => scene(each, known));
    expect(await tried(tests)).toBe("");
  }, 300_000);

  test("a backup, which Redis counts as a replica for two minutes, fires no alert", async () => {
    const isSingle = ({ name, labels }: Series): boolean =>
      name === "redis_connected_slaves" && labels["cluster"] === "small";
    expect(WORLD.filter(isSingle)).toHaveLength(1);
    const backedUp = {
      name: "a backup",
      input_series: WORLD.map((series) => ({
        series: written(series),
        values: isSingle(series) ? "0x40 1x3 0x30" : values(series, undefined),
      })),
      promql_expr_test: [21, 22, 23, 25, 30].map((minutes) => ({
        expr: FIRING,
        eval_time: `${minutes}m`,
        exp_samples: [],
      })),
    };
    expect(await tried([backedUp])).toBe("");
  });

  test("an alert fires when no gateway is heard of", async () => {
    const firing = [{ labels: '{alertname="TertuliaVanished", severity="page"}', value: 1 }];
    const nothing = {
      name: "no gateway was ever found",
      input_series: [{ series: "up{job='prometheus'}", values: `1x${STEPS}` }],
      promql_expr_test: [{ expr: FIRING, eval_time: "3m", exp_samples: firing }],
    };
    expect(await tried([nothing])).toBe("");
  });

  /** What promtool has to say against these tests. */
  async function tried(tests: readonly object[]): Promise<string> {
    const file = join(folder, "tests.yml");
    const interval = `${STEP_S}s`;
    const suite = {
      rule_files: [ALERTS],
      evaluation_interval: interval,
      tests: tests.map((each) => ({ interval, ...each })),
    };
    await writeFile(file, stringify(suite, { aliasDuplicateObjects: false }));
    try {
      promtool("test", "rules", file);
      return "";
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return `${stdout}${stderr}`;
    }
  }
});

function promtool(...args: string[]): string {
  return execFileSync(find("promtool")!, args, { encoding: "utf8", stdio: "pipe" });
}

const FIRING = 'group by (alertname, severity, cluster) (ALERTS{alertstate="firing"})';

/** A test of promtool: the world, with this fault in it. */
function scene(
  { alert, what, during, adds = [], also = [], risesWithinS = 0 }: Case,
  known: Map<string, Rule>,
): object {
  const holdsS = seconds(known.get(alert)!.for ?? "0s");
  const beginsS = BEGINS * STEP_S;
  const firing = (...names: string[]): object[] =>
    names.map((name) => {
      const { severity } = known.get(name)!.labels;
      const cluster = clusterOf(during.map(([concerns]) => concerns));
      const of = cluster === undefined ? "" : `, cluster="${cluster}"`;
      return { labels: `{alertname="${name}", severity="${severity}"${of}}`, value: 1 };
    });
  const at = (timeS: number, exp_samples: object[], expr = FIRING): object => ({
    expr,
    eval_time: `${timeS}s`,
    exp_samples,
  });
  const own = FIRING.replace("alertstate", `alertname="${alert}", alertstate`);
  return {
    name: `${alert}: ${what}`,
    input_series: [
      ...WORLD.map((series) => {
        const [, then] = during.find(([concerns]) => concerns(series)) ?? [];
        return { series: written(series), values: values(series, then) };
      }),
      ...adds.map((series) => ({ series: written(series), values: values(series, "new") })),
    ],
    promql_expr_test: [
      at(beginsS - STEP_S, []),
      at(Math.max(beginsS - STEP_S, beginsS + holdsS - STEP_S), [], own),
      at(beginsS + holdsS + risesWithinS + STEP_S, firing(alert, ...also)),
      at((STEPS - 1) * STEP_S, []),
    ],
  };
}

/** Of what a fault concerns; metrics of the machines know no cluster. */
function clusterOf(concerns: readonly ((series: Series) => boolean)[]): string | undefined {
  const concerned = WORLD.filter((series) => concerns.some((each) => each(series)));
  expect(concerned).not.toEqual([]);
  return concerned.find(({ labels }) => labels["cluster"] !== undefined)?.labels["cluster"];
}

function written({ name, labels }: Series): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return `${name}{${pairs.join(", ")}}`;
}

function seconds(duration: string): number {
  const [, count, unit] = /^(\d+)([smh])$/.exec(duration)!;
  return Number(count) * { s: 1, m: 60, h: 3_600 }[unit as "s" | "m" | "h"];
}
