/** Rights: users try what only moderators may do, and to remove what others wrote; what was removed is looked for. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Role } from "#tertulia/chat/identity.js";
import { CODE, OP } from "../classic-numbers.js";
import { Cluster } from "../cluster.js";
import { environmentOf, tokenOf } from "../credentials.js";
import type { Attempt, Entered } from "../entry.js";
import { Random } from "../random.js";
import { Tally, type Rule } from "../rules/rule.js";
import { until } from "../until.js";
import { frame } from "./byte-client.js";
import { Entrance, PROOF_LETS_IN } from "./entrance.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

const ONLY_WHO_MAY: Rule = {
  id: "only-moderators-act",
  sentence: "no user acts on another one, and no moderator on another moderator",
  needs: "acts by those who may not",
};
const ONLY_OWN: Rule = {
  id: "only-own-is-removed",
  sentence: "no user removes what somebody else wrote",
  needs: "removals by others",
};
const NOWHERE: Rule = {
  id: "removed-is-nowhere",
  sentence: "what was removed is shown to nobody",
  needs: "histories that were asked for after a removal",
};

const BLOCKED: Rule = {
  id: "blocked-is-unheard",
  sentence: "a private message of who is blocked reaches nobody",
  needs: "private messages of blocked users",
};

/** The rules of this scenario. */
export const RIGHTS_RULES: readonly Rule[] = [
  PROOF_LETS_IN,
  ONLY_WHO_MAY,
  ONLY_OWN,
  NOWHERE,
  BLOCKED,
];

const ENVIRONMENT = { ...environmentOf("token"), ADDRESS_REQUESTS_PER_SECOND: "0" };
const LASTS_S = 3_600;

type Answer = Record<string, unknown>;

export async function rights(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
): Promise<ScenarioResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-rights-"));
  const now = (): number => performance.now();
  const all = { topology, gateways, dist, dataDir, environment: ENVIRONMENT, now };
  const cluster = await Cluster.start(all);
  const tally = new Tally(RIGHTS_RULES);
  const entrance = new Entrance(cluster, tally, new Random(seed));
  try {
    for (let i = 0; i < count; i++) await story(entrance, tally, i);
    return { judgements: tally.judgements, figures: { users: 5 * count }, voidBecause: undefined };
  } finally {
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function story(entrance: Entrance, tally: Tally, i: number): Promise<void> {
  const comes = async (
    name: string,
    role: Role = "user",
    dialect: Attempt["dialect"] = "JSON",
  ): Promise<Entered> => {
    const exp = Math.floor(Date.now() / 1_000) + LASTS_S;
    const token = tokenOf({ sub: `${name}-${i}`, role, exp });
    const attempt = { name: `${name}-${i}`, dialect, token, network: i };
    const entered = await entrance.letsIn("a token", attempt);
    if (entered === undefined) throw new Error(`${attempt.name} does not get in`);
    return entered;
  };
  const [ana, bob] = [await comes("ana"), await comes("bob")];
  const [mo, max] = [await comes("mo", "moderator"), await comes("max", "moderator")];
  for (const act of ["kick", "ban", "mute", "unmute", "unban"]) {
    for (const [by, user] of [
      [bob, `ana-${i}`],
      [mo, `max-${i}`],
    ] as const) {
      tally.saw(ONLY_WHO_MAY);
      const { type } = await ask(by, { type: "moderate", act, user });
      if (type !== "error") tally.broke(ONLY_WHO_MAY, `${act} of ${user}`);
    }
  }
  const text = `to be removed ${i}`;
  const { seq } = await ask(ana, { type: "publish", conv: "~", text });
  tally.saw(ONLY_OWN);
  const { type } = await ask(bob, { type: "remove", conv: "~", seq });
  const shown = JSON.stringify(await ask(max, { type: "history", conv: "~", limit: 50 }));
  if (type !== "error" || !shown.includes(text)) tally.broke(ONLY_OWN, `by bob-${i}`);
  tally.saw(BLOCKED);
  await ask(max, { type: "block", user: `bob-${i}` });
  const unwanted = await ask(bob, { type: "publish", conv: `@max-${i}`, text: "unwanted" });
  const kept = JSON.stringify(await ask(max, { type: "history", conv: `@bob-${i}` }));
  if (unwanted["type"] !== "error" || kept.includes("unwanted")) {
    tally.broke(BLOCKED, `bob-${i} writes to max-${i}`);
  }
  await ask(ana, { type: "remove", conv: "~", seq });
  for (const reader of [bob, mo, await comes("later")]) {
    tally.saw(NOWHERE);
    const found = JSON.stringify(await ask(reader, { type: "history", conv: "~", limit: 50 }));
    if (found.includes(text)) tally.broke(NOWHERE, `a JSON client is shown "${text}"`);
    reader.webSocket.terminate();
  }
  const bytes = await comes("bytes", "user", "bytes");
  tally.saw(NOWHERE);
  bytes.webSocket.send(frame(OP.history, "~"));
  await until("the history comes", () => bytes.heard.some(({ 0: code }) => code === CODE.history));
  if (bytes.heard.some((each) => each.includes(text))) {
    tally.broke(NOWHERE, `a byte client is shown "${text}"`);
  }
  for (const each of [ana, max, bytes]) each.webSocket.terminate();
}

let asked = 0;

/** Resolves with the answer, or with an error if the connection ends without one. */
async function ask({ webSocket, heard }: Entered, request: object): Promise<Answer> {
  const id = `q${++asked}`;
  webSocket.send(JSON.stringify({ id, ...request }));
  const found = (): Answer | undefined =>
    heard.map((each) => JSON.parse(each.toString()) as Answer).find((each) => each["id"] === id);
  await until("an answer", () => found() !== undefined || webSocket.readyState > 1);
  return found() ?? { type: "closed" };
}
