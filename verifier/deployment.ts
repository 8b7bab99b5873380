/** Tries a deployment that is running: clients talk there, nothing is harmed, and only what they heard is judged. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { agreedBy } from "./rules/agreed.js";
import type { Client, RunClient } from "./client.js";
import { makeClients, makeSdkClients, untilQuiet } from "./clients.js";
import { clientFigures } from "./figures.js";
import { historiesOf } from "./histories.js";
import { History } from "./history.js";
import { Index, type RunHistory } from "./rules/run-history.js";
import { judged, type Rule } from "./rules/rule.js";
import { CLIENT_RULES, check, whyUnseen } from "./rules/rules.js";
import { HISTORY_ENDS, historiesEndWithHeard, type Showing } from "./rules/shown.js";
import type { ScenarioResult } from "./scenarios/scenario.js";

export interface DeploymentSettings extends Showing {
  readonly seed: number;
  readonly minutes: number;
  readonly clients: number;
  readonly json: number;
  /** `ws://host:9000`, one for each gateway or one for all of them. */
  readonly urls: readonly string[];
  readonly rate: number;
}

const ONE_ORDER: Rule = {
  id: "one-order",
  sentence: "all sessions hear a conversation in one order",
  needs: "messages that several sessions heard",
};
export async function tryDeployment(
  settings: DeploymentSettings,
): Promise<ScenarioResult & { readonly historyPath: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-verify-"));
  const history = new History(join(folder, `history-${settings.seed}.jsonl`));
  // names of this run only: a user is never deleted
  const tag = `v${randomBytes(3).toString("hex")}`;
  const company = { ...settings, tag, identity: "open" } as const;
  const clients = makeClients(company, history);
  const all = [...clients, ...makeSdkClients(company, history)];
  try {
    for (const client of all) client.start();
    await pause(settings.minutes * 60_000);
    for (const client of all) client.finishWriting();
    const open = await untilQuiet(all, history);
    const none = { messages: [], terms: [], events: [], reports: [] };
    const { entries } = history;
    const heard = new Index({
      entries,
      truth: { ...none, connected: [] },
      open,
      ack: "fast",
      ackReplicas: 1,
    });
    const { messages, heardBySeveral, contradictions } = agreedBy(heard);
    const truth = { ...none, messages, connected: await connectedOf(clients, all) };
    const run: RunHistory = { entries, truth, open, ack: "fast", ackReplicas: 1 };
    const index = new Index(run);
    const judgements = [
      ...check(run, CLIENT_RULES),
      judged(ONE_ORDER, { seen: heardBySeveral, wrong: contradictions }),
      judged(HISTORY_ENDS, historiesEndWithHeard(index, await historiesOf(clients), settings)),
    ];
    return {
      judgements,
      figures: clientFigures(index),
      voidBecause: messages.length === 0 ? "nothing was heard" : whyUnseen(run, judgements),
      historyPath: history.path,
    };
  } finally {
    await Promise.all(all.map((client) => client.close()));
    await history.close();
  }
}

/** The names of this run that count as connected; the classic clients ask for them. */
async function connectedOf(
  clients: readonly Client[],
  all: readonly RunClient[],
): Promise<string[]> {
  const connected: string[] = [];
  for (const name of new Set(all.map(({ settings }) => settings.name))) {
    const asker = clients.find(({ session }) => session !== undefined);
    const status = await asker?.statusOf(name);
    if (status !== undefined && status !== 0) connected.push(name);
  }
  return connected;
}
