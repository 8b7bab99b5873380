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
import { History } from "./history.js";
import { Index, type RunHistory } from "./rules/run-history.js";
import { judged, type Finding, type Rule } from "./rules/rule.js";
import { CLIENT_RULES, check, whyUnseen } from "./rules/rules.js";
import type { ScenarioResult } from "./scenarios/scenario.js";

export interface DeploymentSettings {
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
const HISTORY_ENDS: Rule = {
  id: "history-ends-with-heard",
  sentence: "the history that is shown ends with what was heard last",
  needs: "histories",
};

export async function tryDeployment(
  settings: DeploymentSettings,
): Promise<ScenarioResult & { readonly historyPath: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tertulia-verify-"));
  const history = new History(join(folder, `history-${settings.seed}.jsonl`));
  // names of this run only: a user is never deleted
  const tag = `v${randomBytes(3).toString("hex")}`;
  const company = { ...settings, tag };
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
      judged(HISTORY_ENDS, await judgeHistories(clients, index)),
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

/**
 * Looks at the conversations between two clients of this run. A history may also have messages that nobody heard; and,
 * unless the deployment has PRIVATE_HISTORY=name, it has none from before the client connected last.
 */
async function judgeHistories(clients: readonly Client[], index: Index): Promise<Finding> {
  const { byConv, run } = index;
  const wrong: string[] = [];
  let seen = 0;
  for (const client of clients) {
    for (const peer of client.settings.peers) {
      const conv = [client.settings.name, peer].toSorted().join("|");
      const heard = (byConv.get(conv) ?? []).map(({ id }) => id);
      if (client.session === undefined || heard.length === 0) continue;
      const known = new Set(heard);
      const shown = (await client.historyWith(peer)).filter((id) => known.has(id));
      const hasHeard = run.entries.some(
        (entry) =>
          entry.kind === "heard" && entry.session === client.session && entry.conv === conv,
      );
      if (shown.length === 0 && !hasHeard) continue;
      seen++;
      const expected = heard.slice(heard.length - shown.length);
      if (shown.length > 0 && shown.join() === expected.join()) continue;
      wrong.push(`${conv}: ends with ${heard.at(-1)}, but shown is ${shown.at(-1) ?? "nothing"}`);
    }
  }
  return { seen, wrong };
}
