/** Owners: names are left, and others want them. Whose name it is, what a new owner is shown, what is forgotten. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { connect, type Tertulia, type TertuliaError } from "#tertulia/clients/sdk/tertulia.js";
import { CODE, OP } from "../classic-numbers.js";
import { Cluster } from "../cluster.js";
import { Random } from "../random.js";
import { Tally, type Rule } from "../rules/rule.js";
import { until } from "../until.js";
import { byteClient, frame } from "./byte-client.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

const KEPT: Rule = {
  id: "kept-name-is-kept",
  sentence: "a name that is kept for a key is given to nobody without it",
  needs: "claims of kept names by others",
};
const PRIVATE: Rule = {
  id: "private-history-is-its-owners",
  sentence: "who takes a name is shown no private message from before",
  needs: "names that others took",
};
const RETURNED: Rule = {
  id: "owner-sees-own-history",
  sentence:
    "an owner who comes back with the key has the name, and sees the private messages from before",
  needs: "owners that came back",
};
const SHOWN_TO_ALL: Rule = {
  id: "name-shows-its-history",
  sentence: "with PRIVATE_HISTORY=name, who takes a name is shown all of its private messages",
  needs: "names that others took in such a cluster",
};
const KNOWN: Rule = {
  id: "owned-names-stay-known",
  sentence: "no name is forgotten that is kept, or of which a message is kept",
  needs: "such names that were left for long",
};
const FORGOTTEN: Rule = {
  id: "names-of-nobody-are-forgotten",
  sentence: "a name that was left, is kept for nobody and has no message is forgotten",
  needs: "names of nobody",
};

/** The rules of this scenario. */
export const OWNERS_RULES: readonly Rule[] = [
  KEPT,
  PRIVATE,
  SHOWN_TO_ALL,
  RETURNED,
  KNOWN,
  FORGOTTEN,
];

const ENVIRONMENT = {
  REQUESTS_PER_SECOND: "100000",
  ADDRESS_REQUESTS_PER_SECOND: "0",
  PRESENCE_LINGER_MS: "0",
  NAMES_FORGOTTEN_MS: "500",
};
const FORGOTTEN_WITHIN_MS = 30_000;

const PRIVATE_HISTORY = ["tenure", "name"] as const;
/** Which private messages a name's next owner sees. */
type PrivateHistory = (typeof PRIVATE_HISTORY)[number];

/** In a cluster of each kind. */
export async function owners(settings: ScenarioSettings, count: number): Promise<ScenarioResult> {
  const tally = new Tally(OWNERS_RULES);
  for (const shown of PRIVATE_HISTORY) await tryOwners(settings, count, shown, tally);
  const figures = { names: 4 * count * PRIVATE_HISTORY.length };
  return { judgements: tally.judgements, figures, voidBecause: undefined };
}

async function tryOwners(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
  shown: PrivateHistory,
  tally: Tally,
): Promise<void> {
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-owners-"));
  const now = (): number => performance.now();
  const environment = { ...ENVIRONMENT, PRIVATE_HISTORY: shown };
  const cluster = await Cluster.start({ topology, gateways, dist, dataDir, environment, now });
  const at = (): string => `ws://127.0.0.1:${random.pick([...cluster.gateways]).port}`;
  try {
    for (let i = 0; i < count; i++) {
      await speakAndLeave(at, i);
      await othersWantIt(at, i, tally);
      await nextOwnersLook(at, i, shown, tally);
      await ownerReturns(at, i, tally);
    }
    await lookLater(at, count, tally);
  } finally {
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** An owner with a key and a byte client without one write to each other; others only come and go. */
async function speakAndLeave(at: () => string, i: number): Promise<void> {
  const plain = await byteClient(at(), `plain-${i}`);
  const owner = enter(at(), `owner-${i}`, `key-of-owner-${i}`);
  await owner.joined();
  await owner.publish(`@plain-${i}`, `secret ${i}`);
  await until("the message is heard", () => plain.heard.some((each) => each.includes("secret")));
  plain.webSocket.send(frame(OP.send, `owner-${i}`, `secret answer ${i}`));
  await until("the answer is heard", () => plain.heard.some((each) => each.includes("answer")));
  const quiet = enter(at(), `quiet-${i}`, `key-of-quiet-${i}`);
  await quiet.joined();
  const nobody = await byteClient(at(), `nobody-${i}`);
  await Promise.all([owner.close(), quiet.close(), plain.leave(), nobody.leave()]);
}

async function othersWantIt(at: () => string, i: number, tally: Tally): Promise<void> {
  tally.saw(KEPT, 2);
  const byBytes = await byteClient(at(), `owner-${i}`).catch(() => undefined);
  if (byBytes !== undefined) tally.broke(KEPT, `a byte client got owner-${i}`);
  await byBytes?.leave();
  const thief = enter(at(), `owner-${i}`, "another-key");
  if (await isIn(thief)) tally.broke(KEPT, `another key got owner-${i}`);
  await thief.close();
}

/** A byte client and a JSON client, one after the other, take the name of a byte client that has left. */
async function nextOwnersLook(
  at: () => string,
  i: number,
  shown: PrivateHistory,
  tally: Tally,
): Promise<void> {
  const rule = shown === "tenure" ? PRIVATE : SHOWN_TO_ALL;
  tally.saw(rule, 2);
  const judge = (who: string, heard: string): void => {
    const seen = heard.includes("secret");
    if (seen === (shown === "name")) return;
    tally.broke(rule, `${who} was ${seen ? "" : "not "}shown what plain-${i} had written`);
  };
  const next = await byteClient(at(), `plain-${i}`);
  next.webSocket.send(frame(OP.history, `owner-${i}`));
  await until("the history comes", () => next.heard.some((each) => each[0] === CODE.history));
  judge("a byte client", next.heard.join(" "));
  await next.leave();
  const stranger = enter(at(), `plain-${i}`);
  const heard: unknown[] = [];
  stranger.on("message", (message) => heard.push(message));
  await stranger.joined();
  heard.push(...(await stranger.history(`@owner-${i}`)).messages);
  judge("a JSON client", JSON.stringify(heard));
  await stranger.close();
}

async function ownerReturns(at: () => string, i: number, tally: Tally): Promise<void> {
  tally.saw(RETURNED);
  const owner = enter(at(), `owner-${i}`, `key-of-owner-${i}`);
  if (await isIn(owner)) {
    const { messages } = await owner.history(`@plain-${i}`);
    if (messages.length !== 2) tally.broke(RETURNED, `owner-${i} saw ${messages.length} of 2`);
  } else {
    tally.broke(RETURNED, `owner-${i} did not get the name`);
  }
  await owner.close();
}

async function lookLater(at: () => string, count: number, tally: Tally): Promise<void> {
  const viewer = enter(at(), "viewer");
  await viewer.joined();
  const isKnown = (name: string): Promise<boolean> =>
    viewer.user(name).then(
      () => true,
      (error: TertuliaError) => error.code !== "not_found",
    );
  for (let i = 0; i < count; i++) {
    tally.saw(FORGOTTEN);
    const isGone = async (): Promise<boolean> => !(await isKnown(`nobody-${i}`));
    await until("it is forgotten", isGone, FORGOTTEN_WITHIN_MS).catch(() =>
      tally.broke(FORGOTTEN, `nobody-${i} is known`),
    );
  }
  // the leader has been in all buckets since all had left
  const later = await byteClient(at(), "somebody-later");
  await later.leave();
  await until("later ones are forgotten", async () => !(await isKnown("somebody-later"))).catch(
    () => {},
  );
  for (let i = 0; i < count; i++) {
    for (const name of [`owner-${i}`, `quiet-${i}`, `plain-${i}`]) {
      tally.saw(KNOWN);
      if (!(await isKnown(name))) tally.broke(KNOWN, name);
    }
  }
  await viewer.close();
}

function enter(url: string, name: string, key?: string): Tertulia {
  return connect(url, { name, key, WebSocket, timing: { nameWithinMs: 3_000 } });
}

function isIn(client: Tertulia): Promise<boolean> {
  return client.joined().then(
    () => true,
    () => false,
  );
}
