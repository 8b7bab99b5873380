/** A run on a compose project: clients talk through its balancer, a nemesis harms its containers, rules judge. */
import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeClients, makeSdkClients, untilQuiet } from "../clients.js";
import { figuresOf, whyVoid } from "../figures.js";
import { historiesOf } from "../histories.js";
import { History } from "../history.js";
import { Index, type RunHistory, type Truth } from "../rules/run-history.js";
import { Observer } from "../observer.js";
import { Random } from "../random.js";
import { judged } from "../rules/rule.js";
import { check, whyUnseen } from "../rules/rules.js";
import { HISTORY_ENDS, historiesEndWithHeard, type Showing } from "../rules/shown.js";
import type { Result, RunSettings } from "../run.js";
import { readConnected, readMessages } from "../truth.js";
import { projectFaultsOf } from "./faults.js";
import { Logs } from "./logs.js";
import { ProjectNemesis } from "./nemesis.js";
import { Project } from "./project.js";
import { ProjectRedis } from "./redis-side.js";

export interface ProjectSettings extends Pick<
  RunSettings,
  "seed" | "minutes" | "clients" | "json" | "rate" | "ackReplicas"
> {
  readonly urls: readonly string[];
  readonly project: string;
  /** Undefined: all faults that the project can have. */
  readonly faults: readonly string[] | undefined;
}

/** Leaves everything running. @throws Error if the project cannot be judged. */
export async function tryProject(settings: ProjectSettings): Promise<Result> {
  const project = await Project.find(settings.project);
  const gateways = await project.of("gateway");
  const environment = gateways[0]?.environment ?? {};
  const ack = requireJudgeable(environment);
  const redis = await ProjectRedis.of(project);
  const possible = projectFaultsOf(redis);
  const faults = settings.faults ?? possible;
  const impossible = faults.filter((name) => !possible.includes(name));
  if (impossible.length > 0) {
    throw new Error(`not here: ${impossible.join(", ")}; possible are ${possible.join(", ")}`);
  }
  const folder = await mkdtemp(join(tmpdir(), "tertulia-verify-"));
  const history = new History(join(folder, `history-${settings.seed}.jsonl`));
  const now = (): number => history.now();
  const logs = new Logs(project, join(folder, "containers.log"), now);
  const observer = await Observer.start(redis.clients, now);
  const tag = `v${randomBytes(3).toString("hex")}`;
  const company = { ...settings, tag, identity: "open" } as const;
  const byteClients = makeClients(company, history);
  const clients = [...byteClients, ...makeSdkClients(company, history)];
  const url = settings.urls[0]!.replace(/^ws/, "http");
  const scene = { project, redis, random: new Random(settings.seed) };
  const nemesis = new ProjectNemesis(scene, history, faults, url, gateways.length);
  try {
    await nemesis.untilWhole();
    for (const client of clients) client.start();
    await nemesis.run(performance.now() + settings.minutes * 60_000);
    for (const client of clients) client.finishWriting();
    const open = await untilQuiet(clients, history);
    const histories = await historiesOf(byteClients);
    const truth: Truth = {
      ...(await stored(redis, tag)),
      terms: logs.terms,
      events: observer.events,
      reports: logs.gateways.reports,
    };
    const { ackReplicas } = settings;
    const whole: RunHistory = { entries: history.entries, truth, open, ack, ackReplicas };
    const shown = historiesEndWithHeard(new Index(whole), histories, showingOf(environment));
    const judgements = [nemesis.judgement, ...check(whole), judged(HISTORY_ENDS, shown)];
    return {
      judgements,
      historyPath: history.path,
      faults: nemesis.counts,
      figures: { ack, ...figuresOf(whole, logs.gateways.seen) },
      voidBecause:
        whyVoid(whole, nemesis.counts, logs.gateways.seen) ?? whyUnseen(whole, judgements),
    };
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    observer.close();
    logs.close();
    redis.close();
    await history.close();
  }
}

/** Reads what the primary holds; if there is none, reads the server that holds most. */
async function stored(
  redis: ProjectRedis,
  tag: string,
): Promise<Pick<Truth, "messages" | "connected">> {
  const primary = await redis.primary().catch(() => undefined);
  const servers = primary === undefined ? redis.servers : [primary];
  const contents = servers.map(async ({ client }) => ({
    messages: await readMessages(client),
    connected: (await readConnected(client)).filter((name) => name.startsWith(tag)),
  }));
  const all = await Promise.all(contents);
  return all.toSorted((a, b) => b.messages.length - a.messages.length)[0]!;
}

/** How its gateways show histories. */
function showingOf(environment: Readonly<Record<string, string>>): Showing {
  const { CLASSIC_REPLY_MAX_BYTES = "4096", PRIVATE_HISTORY } = environment;
  const privateHistory = PRIVATE_HISTORY === "name" ? "name" : "tenure";
  return { maxBytes: Number(CLASSIC_REPLY_MAX_BYTES), privateHistory };
}

/** Reads the gateways' environment. Returns their ACK_LEVEL. @throws Error if they drop old messages. */
function requireJudgeable(environment: Readonly<Record<string, string>>): "fast" | "replicated" {
  const { HISTORY_KEEP = "1000", ACK_LEVEL = "fast" } = environment;
  if (Number(HISTORY_KEEP) < 100_000) {
    throw new Error("its gateways drop old messages: start it with -f deploy/verify.yml as well");
  }
  return ACK_LEVEL === "replicated" ? "replicated" : "fast";
}
