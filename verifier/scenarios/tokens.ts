/** Tokens: good ones, all kinds of bad ones, and good ones that end: expired, or revoked by the operator. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Cluster } from "../cluster.js";
import { environmentOf, tokenOf } from "../credentials.js";
import type { Attempt, Entered } from "../entry.js";
import { Random } from "../random.js";
import { NAMES_ARE_PROVED } from "../rules/rules.js";
import { Tally, type Rule } from "../rules/rule.js";
import { until } from "../until.js";
import { administer } from "./admin.js";
import { ENDED_IS_CLOSED, Entrance, PROOF_LETS_IN } from "./entrance.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

/** The rules of this scenario. */
export const TOKENS_RULES: readonly Rule[] = [NAMES_ARE_PROVED, PROOF_LETS_IN, ENDED_IS_CLOSED];

const ENVIRONMENT = { ...environmentOf("token"), ADDRESS_REQUESTS_PER_SECOND: "0" };
/** Long enough for a slow machine to get in by it. */
const SHORT_S = 5;

export async function tokens(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
): Promise<ScenarioResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-tokens-"));
  const now = (): number => performance.now();
  const all = { topology, gateways, dist, dataDir, environment: ENVIRONMENT, now };
  const cluster = await Cluster.start(all);
  const tally = new Tally(TOKENS_RULES);
  const entrance = new Entrance(cluster, tally, new Random(seed));
  try {
    for (let i = 0; i < count; i++) {
      const name = `user-${i}`;
      await ownersGetIn(entrance, name);
      for (const [what, token] of Object.entries(worthless(name))) {
        for (const dialect of ["JSON", "bytes"] as const) {
          await entrance.keepsOut(what, shown(name, token, dialect));
        }
      }
      await tokenEnds(entrance, name, tally);
      await operatorRevokes(entrance, name, () => administer(cluster, dist, "revoke", name));
    }
    return { judgements: tally.judgements, figures: { users: count }, voidBecause: undefined };
  } finally {
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function shown(name: string, token: string | undefined, dialect: Attempt["dialect"]): Attempt {
  return { name, token, dialect, network: 1 };
}

const seconds = (later = 0): number => Math.floor(Date.now() / 1_000) + later;

function worthless(sub: string): Record<string, string | undefined> {
  const good = tokenOf({ sub });
  const [, claims = "", signature = ""] = good.split(".");
  const unsigned = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
  const other = tokenOf({ sub, role: "operator" }).split(".")[1];
  return {
    nothing: undefined,
    "a forged token": tokenOf({ sub }, "x".repeat(40)),
    "a token without a signature": `${unsigned}.${claims}.`,
    "a token with other claims": `${good.split(".")[0]}.${other}.${signature}`,
    "another's token": tokenOf({ sub: `not-${sub}` }),
    "a token of nobody": tokenOf({ sub: undefined }),
    "a token that has expired": tokenOf({ sub, iat: seconds(-3_600), exp: seconds(-60) }),
    "a token of tomorrow": tokenOf({ sub, nbf: seconds(86_400), exp: seconds(90_000) }),
    "a token that never ends": tokenOf({ sub, exp: undefined }),
    "a token for somebody else": tokenOf({ sub, aud: "another-service" }),
    "a token of somebody else": tokenOf({ sub, iss: "another-issuer" }),
  };
}

async function ownersGetIn(entrance: Entrance, sub: string): Promise<void> {
  for (const url of entrance.urls) {
    for (const dialect of ["JSON", "bytes"] as const) {
      const attempt = shown(sub, tokenOf({ sub }), dialect);
      const entered = await entrance.letsIn("a token", attempt, url);
      entered?.webSocket.terminate();
    }
  }
}

/** Three come by tokens that end soon; one of them shows another token in time, and stays. */
async function tokenEnds(entrance: Entrance, sub: string, tally: Tally): Promise<void> {
  const exp = seconds(SHORT_S);
  const come = (dialect: Attempt["dialect"]): Promise<Entered | undefined> =>
    entrance.letsIn("a token that ends soon", shown(sub, tokenOf({ sub, exp }), dialect));
  const [stays, json, bytes] = [await come("JSON"), await come("JSON"), await come("bytes")];
  const token = tokenOf({ sub, exp: seconds(3_600) });
  stays?.webSocket.send(JSON.stringify({ type: "refresh", id: 2, token }));
  await entrance.closes("a JSON client whose token has expired", json);
  await entrance.closes("a byte client whose token has expired", bytes);
  if (stays === undefined) return;
  tally.saw(PROOF_LETS_IN);
  const answers = stays.heard.length;
  stays.webSocket.send(JSON.stringify({ type: "ping", id: 3 }));
  await until("it is there", () => stays.heard.length > answers, 5_000).catch(() =>
    tally.broke(PROOF_LETS_IN, `${sub} has shown another token, and was closed`),
  );
  stays.webSocket.terminate();
}

async function operatorRevokes(
  entrance: Entrance,
  sub: string,
  revoke: () => Promise<unknown>,
): Promise<void> {
  const old = tokenOf({ sub, exp: seconds(3_600) });
  const json = await entrance.letsIn("a token", shown(sub, old, "JSON"));
  const bytes = await entrance.letsIn("a token", shown(sub, old, "bytes"));
  await revoke();
  await entrance.closes("a JSON client whose token was revoked", json);
  await entrance.closes("a byte client whose token was revoked", bytes);
  await entrance.keepsOut("a revoked token", shown(sub, old, "JSON"));
  await entrance.keepsOut("a revoked token", shown(sub, old, "bytes"));
  await pause(1_000); // tokens say in which second they were issued
  const anew = await entrance.letsIn("a new token", shown(sub, tokenOf({ sub }), "JSON"));
  anew?.webSocket.terminate();
}
