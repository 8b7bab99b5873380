/** Moderation: users are banned, by name or by address, kicked and muted, and all of it is lifted again. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CODE, OP } from "../classic-numbers.js";
import { Cluster } from "../cluster.js";
import { addressOf } from "../credentials.js";
import type { Attempt, Entered } from "../entry.js";
import { Random } from "../random.js";
import { Tally, type Rule } from "../rules/rule.js";
import { until } from "../until.js";
import { administer } from "./admin.js";
import { frame } from "./byte-client.js";
import { Entrance } from "./entrance.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

const BANNED: Rule = {
  id: "banned-are-out",
  sentence: "who is banned, by name or by address, is closed, and let in by no gateway",
  needs: "connections and attempts of those who were banned",
};
const KICKED: Rule = {
  id: "kicked-are-closed",
  sentence: "who is kicked is closed",
  needs: "connections of those who were kicked",
};
const MUTED: Rule = {
  id: "muted-are-unheard",
  sentence: "what a muted user writes is heard by nobody",
  needs: "messages of muted users",
};

const LIFTED: Rule = {
  id: "lifted-is-over",
  sentence: "who is not banned or muted any more gets in and is heard, as everybody else",
  needs: "users who are not banned or muted",
};

/** The rules of this scenario. */
export const MODERATION_RULES: readonly Rule[] = [BANNED, KICKED, MUTED, LIFTED];

const ENVIRONMENT = { ADDRESS_REQUESTS_PER_SECOND: "0", TRUSTED_PROXIES: "loopback" };
/** Gateways look every second; a slow machine is not what these rules are about. */
const KNOWN_WITHIN_MS = 15_000;

/** The status of the refused upgrade, or the code of the error. */
const WHY_BANNED: ReadonlySet<string> = new Set(["403", "banned"]);

interface Scene {
  readonly entrance: Entrance;
  readonly tally: Tally;
  readonly admin: (...words: readonly string[]) => Promise<unknown>;
}

export async function moderation(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
): Promise<ScenarioResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-moderation-"));
  const now = (): number => performance.now();
  const all = { topology, gateways, dist, dataDir, environment: ENVIRONMENT, now };
  const cluster = await Cluster.start(all);
  const tally = new Tally(MODERATION_RULES);
  const entrance = new Entrance(cluster, tally, new Random(seed));
  const admin = (...words: readonly string[]): Promise<unknown> =>
    administer(cluster, dist, ...words);
  const scene = { entrance, tally, admin };
  try {
    for (let i = 0; i < count; i++) {
      await nameIsBanned(scene, i);
      await addressIsBanned(scene, i);
      await userIsKicked(scene, i);
      await userIsMuted(scene, i);
    }
    return { judgements: tally.judgements, figures: { users: 4 * count }, voidBecause: undefined };
  } finally {
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function nameIsBanned(scene: Scene, i: number): Promise<void> {
  const { entrance, admin } = scene;
  const attempt = (dialect: Attempt["dialect"], name = `banned-${i}`): Attempt => {
    return { name, dialect, network: i };
  };
  const json = await comesIn(scene, attempt("JSON"));
  const bytes = await comesIn(scene, attempt("bytes", `banned-${i}-too`));
  await admin("ban", `banned-${i}`, "--for", "1h", "--reason", "a trial");
  await admin("ban", `banned-${i}-too`);
  await entrance.closes("a JSON client that was banned", json, BANNED);
  await entrance.closes("a byte client that was banned", bytes, BANNED);
  await isOut(scene, "a banned name", attempt("JSON"));
  await isOut(scene, "a banned name", attempt("bytes"));
  await admin("unban", `banned-${i}`);
  await isInAgain(scene, "a name whose ban was lifted", attempt("JSON"));
}

async function addressIsBanned(scene: Scene, i: number): Promise<void> {
  const { entrance, admin } = scene;
  const network = 1_000 + i;
  const attempt = (dialect: Attempt["dialect"], name: string, from = network): Attempt => {
    return { name, dialect, network: from };
  };
  const json = await comesIn(scene, attempt("JSON", `address-${i}`));
  const bytes = await comesIn(scene, attempt("bytes", `address-${i}-too`));
  await admin("ban", "--address", addressOf(network));
  await entrance.closes("a JSON client whose address was banned", json, BANNED);
  await entrance.closes("a byte client whose address was banned", bytes, BANNED);
  await isOut(scene, "a banned address", attempt("JSON", `another-${i}`));
  await isOut(scene, "a banned address", attempt("bytes", `another-${i}`));
  const elsewhere = attempt("bytes", `elsewhere-${i}`, network + 500);
  const other = await comesIn(scene, elsewhere);
  other?.webSocket.terminate();
  await admin("unban", "--address", addressOf(network));
  await isInAgain(scene, "an address whose ban was lifted", attempt("JSON", `another-${i}`));
}

async function userIsKicked(scene: Scene, i: number): Promise<void> {
  const { entrance, admin } = scene;
  const kicked = { name: `kicked-${i}`, dialect: "JSON", network: i } as const;
  const json = await comesIn(scene, kicked);
  await admin("kick", kicked.name, "--reason", "a trial");
  await entrance.closes("a client that was kicked", json, KICKED);
  await isInAgain(scene, "a name that was kicked", kicked);
}

/** Once a mute is in force, nothing that is written is heard before what is written after its end. */
async function userIsMuted(scene: Scene, i: number): Promise<void> {
  const { tally, admin } = scene;
  const comes = (name: string, dialect: Attempt["dialect"]): Promise<Entered | undefined> =>
    comesIn(scene, { name, dialect, network: i });
  const listener = await comes(`listener-${i}`, "JSON");
  for (const dialect of ["bytes", "JSON"] as const) {
    const name = `muted-${i}-${dialect}`;
    const muted = await comes(name, dialect);
    if (listener === undefined || muted === undefined) continue;
    const hears = (text: string): boolean => listener.heard.some((each) => each.includes(text));
    await admin("mute", name);
    tally.saw(MUTED);
    const isRefused = (): boolean => {
      say(muted, dialect, `early of ${name}`);
      return muted.heard.some((each) => isError(each, dialect));
    };
    await until("the mute is known", isRefused, KNOWN_WITHIN_MS).catch(() =>
      tally.broke(MUTED, `${name} writes what it likes`),
    );
    say(muted, dialect, `late of ${name}`);
    await admin("unmute", name);
    tally.saw(LIFTED);
    const isHeard = (): boolean => {
      say(muted, dialect, `free of ${name}`);
      return hears(`free of ${name}`);
    };
    await until("it is heard again", isHeard, KNOWN_WITHIN_MS).catch(() =>
      tally.broke(LIFTED, `${name} is not heard, though the mute was lifted`),
    );
    if (hears(`late of ${name}`)) tally.broke(MUTED, `${name} was heard`);
    muted.webSocket.terminate();
  }
  listener?.webSocket.terminate();
}

function say({ webSocket }: Entered, dialect: Attempt["dialect"], text: string): void {
  const publish = { type: "publish", id: 2, conv: "~", text };
  webSocket.send(dialect === "bytes" ? frame(OP.send, "~", text) : JSON.stringify(publish));
}

function isError(heard: Buffer, dialect: Attempt["dialect"]): boolean {
  return dialect === "bytes" ? heard[0] === CODE.error : heard.includes('"type":"error"');
}

/** By a name that is free, and whose address is not banned. */
function comesIn({ entrance }: Scene, attempt: Attempt): Promise<Entered | undefined> {
  return entrance.letsIn("a free name", attempt, undefined, LIFTED);
}

/** At every gateway, soon. */
async function isOut({ entrance, tally }: Scene, what: string, attempt: Attempt): Promise<void> {
  for (const url of entrance.urls) {
    tally.saw(BANNED);
    const isRefused = async (): Promise<boolean> => {
      const { why, webSocket } = await entrance.attempt(attempt, url);
      webSocket.terminate();
      return WHY_BANNED.has(why); // not because the name is still held
    };
    await until("it is refused", isRefused, KNOWN_WITHIN_MS).catch(() =>
      tally.broke(BANNED, `${what}, in ${attempt.dialect}, is let in`),
    );
  }
}

async function isInAgain(
  { entrance, tally }: Scene,
  what: string,
  attempt: Attempt,
): Promise<void> {
  tally.saw(LIFTED);
  const isIn = async (): Promise<boolean> => {
    const { outcome, webSocket } = await entrance.attempt(attempt);
    webSocket.terminate();
    return outcome === "in";
  };
  await until("it is let in", isIn, KNOWN_WITHIN_MS).catch(() =>
    tally.broke(LIFTED, `${what} is not let in`),
  );
}
