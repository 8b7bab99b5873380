/** One run: clients and a nemesis on a cluster for some minutes; then quiet, a look at what is stored, and a verdict. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeClients, makeSdkClients, untilQuiet } from "./clients.js";
import { Cluster } from "./cluster.js";
import { environmentOf, makeAccounts, type IdentityMode } from "./credentials.js";
import { figuresOf, whyVoid } from "./figures.js";
import { History } from "./history.js";
import type { AckLevel, RunHistory } from "./rules/run-history.js";
import { Nemesis, requireFaults } from "./nemesis.js";
import { Random } from "./random.js";
import type { Topology } from "./redis-side.js";
import type { Judgement } from "./rules/rule.js";
import { check, whyUnseen } from "./rules/rules.js";
import { Thief, type ThiefSettings } from "./thief.js";
import { readConnected, readMessages } from "./truth.js";

export interface RunSettings {
  readonly seed: number;
  readonly minutes: number;
  readonly topology: Topology;
  readonly ack: AckLevel;
  readonly ackReplicas: number;
  /** How names are somebody's; unless `open`, thieves want them. */
  readonly identity: IdentityMode;
  readonly faults: readonly string[];
  readonly gateways: number;
  /** How many speak a classic dialect, and how many speak JSON on the SDK. */
  readonly clients: number;
  readonly json: number;
  /** The most messages a second of one client. */
  readonly rate: number;
  /** The `dist` folder whose gateways are tried. */
  readonly dist: string;
  /** The `dist` folder of another release that serves beside it. */
  readonly beside?: string | undefined;
}

export interface Result {
  readonly judgements: readonly Judgement[];
  readonly historyPath: string;
  readonly faults: ReadonlyMap<string, number>;
  readonly figures: Readonly<Record<string, number | string>>;
  /** Why the run proves nothing, if it does: its faults had no effect, or a rule saw nothing. */
  readonly voidBecause: string | undefined;
}

export async function run(settings: RunSettings): Promise<Result> {
  requireFaults(settings.faults, settings.topology, settings.ack);
  const folder = await mkdtemp(join(tmpdir(), "tertulia-verify-"));
  const history = new History(join(folder, `history-${settings.seed}.jsonl`));
  const dataDir = join(folder, "redis");
  const cluster = await Cluster.start({
    topology: settings.topology,
    gateways: settings.gateways,
    dist: settings.dist,
    beside: settings.beside,
    dataDir,
    environment: {
      ACK_LEVEL: settings.ack,
      ACK_REPLICAS: String(settings.ackReplicas),
      REQUESTS_PER_SECOND: "100000",
      ADDRESS_REQUESTS_PER_SECOND: "0",
      ...environmentOf(settings.identity),
    },
    now: () => history.now(),
  });
  const urls = cluster.gateways.map(({ toClients }) => `ws://127.0.0.1:${toClients.port}`);
  const company = { ...settings, urls, tag: "" };
  const clients = [...makeClients(company, history), ...makeSdkClients(company, history)];
  const nemesis = new Nemesis(cluster, history, new Random(settings.seed), settings.faults);
  const names = clients.map(({ settings: { name } }) => name);
  const thieves: Thief[] = [];
  try {
    const sessions =
      settings.identity === "accounts" ? await makeAccounts(urls[0]!, names) : new Map();
    thieves.push(...thievesOf({ ...settings, names, urls, sessions }, history));
    for (const client of [...clients, ...thieves]) client.start();
    await nemesis.run(performance.now() + settings.minutes * 60_000);
    for (const client of clients) client.finishWriting();
    await Promise.all(thieves.map((thief) => thief.close()));
    await cluster.untilReady();
    const open = await untilQuiet(clients, history);
    const primary = await cluster.redis.primary();
    const truth = {
      messages: await readMessages(primary),
      connected: await readConnected(primary),
      terms: cluster.logs.terms,
      events: cluster.events,
      reports: cluster.logs.reports,
    };
    const { ack, ackReplicas } = settings;
    const whole: RunHistory = { entries: history.entries, truth, open, ack, ackReplicas };
    const judgements = check(whole);
    return {
      judgements,
      historyPath: history.path,
      faults: nemesis.counts,
      figures: {
        ...figuresOf(whole, cluster.logs.seen),
        releases: [...cluster.logs.releases].join(", "),
      },
      voidBecause:
        settings.beside !== undefined && cluster.logs.releases.size < 2
          ? "both releases are the same"
          : (whyVoid(whole, nemesis.counts, cluster.logs.seen) ?? whyUnseen(whole, judgements)),
    };
  } finally {
    await Promise.all([...clients, ...thieves].map((client) => client.close()));
    await cluster.close();
    await history.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** One for each gateway. */
function thievesOf(
  settings: Omit<ThiefSettings, "network"> & Pick<RunSettings, "seed">,
  history: History,
): Thief[] {
  if (settings.identity === "open") return [];
  return settings.urls.map((_, i) => {
    const random = new Random(settings.seed * 1_000 + 900 + i);
    return new Thief({ ...settings, network: THIEVES_NETWORK + i }, history, random);
  });
}

/** Behind those of the clients. */
const THIEVES_NETWORK = 60_000;
