/** The clients of a run: who writes to whom; and waiting until all of them are quiet. */
import { setTimeout as pause } from "node:timers/promises";
import { Client, type ClientSettings, type RunClient } from "./client.js";
import { credentialsOf, type IdentityMode } from "./credentials.js";
import type { History } from "./history.js";
import { Random } from "./random.js";
import { SdkClient } from "./sdk-client.js";

export interface Company {
  readonly seed: number;
  /** How many speak a classic dialect. */
  readonly clients: number;
  /** How many speak JSON, on the SDK. */
  readonly json: number;
  /** Where clients connect. */
  readonly urls: readonly string[];
  /** All names and ids begin with it; others are not of this run. */
  readonly tag: string;
  /** The most messages a second of one client. */
  readonly rate: number;
  /** How their names are theirs. */
  readonly identity: IdentityMode;
}

/**
 * Classic clients: some talk to their neighbours and to everybody, and two compete for one name. Where the name of both
 * is theirs they would share it, and there are no such two.
 */
export function makeClients(company: Company, history: History): Client[] {
  const talkers = talkersOf(company).slice(0, company.clients);
  // two compete for one name: they must never have it at the same time
  const { urls, tag, rate, identity } = company;
  const name = `${tag}contested`;
  const rivals = (identity === "open" ? ["rival1", "rival2"] : []).map((rival) => ({
    urls,
    tag,
    rate,
    name,
    credentials: credentialsOf("open", name, 0),
    idPrefix: `${tag}${rival}`,
    peers: [],
    thinkMs: 20,
    general: 1,
  }));
  return [...talkers, ...rivals].map(
    (each, i) => new Client(each, history, new Random(company.seed * 1_000 + i)),
  );
}

/** JSON clients; some of their neighbours are classic clients. */
export function makeSdkClients(company: Company, history: History): SdkClient[] {
  const talkers = talkersOf(company).slice(company.clients);
  const seed = company.seed * 1_000 + 500;
  return talkers.map((each, i) => new SdkClient(each, history, new Random(seed + i)));
}

function talkersOf({ clients, json, urls, tag, rate, identity }: Company): ClientSettings[] {
  const names = [
    ...Array.from({ length: clients }, (_, i) => `${tag}client${i}`),
    ...Array.from({ length: json }, (_, i) => `${tag}json${i}`),
  ];
  return names.map((name, i) => ({
    urls,
    tag,
    rate,
    name,
    credentials: credentialsOf(identity, name, i),
    idPrefix: name,
    // a few conversations each, so that many of them are busy from both sides
    peers: [1, 2, 3].map((distance) => names[(i + distance) % names.length]!),
    thinkMs: 0,
    general: 0.08,
  }));
}

const QUIET_MS = 2_000;
const QUIET_WITHIN_MS = 45_000;

/** Waits until every name has a session and nothing more is heard, at most 45 s. Returns sessions by name. */
export async function untilQuiet(
  clients: readonly RunClient[],
  history: History,
): Promise<Map<string, number>> {
  const names = new Set(clients.map(({ settings }) => settings.name));
  const until = performance.now() + QUIET_WITHIN_MS;
  for (;;) {
    const count = history.entries.length;
    await pause(QUIET_MS);
    const open = new Map<string, number>();
    for (const { settings, session } of clients) {
      if (session !== undefined) open.set(settings.name, session);
    }
    const isQuiet = history.entries.length === count && open.size === names.size;
    if (isQuiet || performance.now() > until) return open;
  }
}
