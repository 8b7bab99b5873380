/** Accounts: users register and log in, change passwords, end login sessions; strangers want their names meanwhile. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  TertuliaError,
  connect,
  logIn,
  register,
  type Tertulia,
} from "#tertulia/clients/sdk/tertulia.js";
import { Cluster } from "../cluster.js";
import { environmentOf, webSocketFrom } from "../credentials.js";
import type { Attempt } from "../entry.js";
import { Random } from "../random.js";
import { NAMES_ARE_PROVED } from "../rules/rules.js";
import { Tally, type Rule } from "../rules/rule.js";
import { administer } from "./admin.js";
import { ENDED_IS_CLOSED, Entrance, PROOF_LETS_IN } from "./entrance.js";
import type { ScenarioResult, ScenarioSettings } from "./scenario.js";

const SLOWED: Rule = {
  id: "guesses-are-slowed",
  sentence: "who guesses a password soon has to wait, at all gateways together",
  needs: "rows of wrong passwords",
};
const UNTOLD: Rule = {
  id: "accounts-are-not-told",
  sentence: "who is refused cannot tell whether the name has an account",
  needs: "answers to wrong passwords",
};

/** The rules of this scenario. */
export const ACCOUNTS_RULES: readonly Rule[] = [
  NAMES_ARE_PROVED,
  PROOF_LETS_IN,
  ENDED_IS_CLOSED,
  SLOWED,
  UNTOLD,
];

const ENVIRONMENT = { ...environmentOf("accounts"), ADDRESS_REQUESTS_PER_SECOND: "0" };
/** More than a name has attempts from one network. */
const GUESSES = 12;

interface Scene {
  readonly cluster: Cluster;
  readonly entrance: Entrance;
  readonly tally: Tally;
  readonly dist: string;
}

export async function accounts(
  { seed, topology, gateways, dist }: ScenarioSettings,
  count: number,
): Promise<ScenarioResult> {
  const dataDir = await mkdtemp(join(tmpdir(), "tertulia-accounts-"));
  const now = (): number => performance.now();
  const all = { topology, gateways, dist, dataDir, environment: ENVIRONMENT, now };
  const cluster = await Cluster.start(all);
  const tally = new Tally(ACCOUNTS_RULES);
  const entrance = new Entrance(cluster, tally, new Random(seed));
  const scene = { cluster, entrance, tally, dist };
  try {
    for (let i = 0; i < count; i++) {
      await story(scene, i).catch((error: unknown) => {
        if (!(error instanceof TertuliaError)) throw error;
        tally.saw(PROOF_LETS_IN);
        tally.broke(PROOF_LETS_IN, `user-${i} was refused: ${error.message}`);
      });
    }
    return { judgements: tally.judgements, figures: { users: count }, voidBecause: undefined };
  } finally {
    await cluster.close();
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function story(scene: Scene, i: number): Promise<void> {
  const user = await User.register(scene, i);
  await ownersGetIn(scene, user);
  await othersDoNot(scene, user);
  await passwordChanges(scene, user);
  await loginsEnd(scene, user);
  await somebodyGuesses(scene, user);
}

/** A user with an account, who comes from a network of its own. */
class User {
  readonly name: string;
  /** Behind it: networks of others. */
  readonly network: number;
  password: string;
  readonly #scene: Scene;
  /** A login session that lasts. */
  session = "";

  private constructor(scene: Scene, i: number) {
    this.#scene = scene;
    this.name = `user-${i}`;
    this.network = 10 * i;
    this.password = `first-password-of-${i}`;
  }

  static async register(scene: Scene, i: number): Promise<User> {
    const user = new User(scene, i);
    user.session = await register(scene.entrance.anyUrl, user.#account);
    return user;
  }

  /** Begins another login session. */
  logIn(): Promise<string> {
    return logIn(this.#scene.entrance.anyUrl, this.#account);
  }

  /** On the SDK, by the login session that lasts. */
  async connect(): Promise<Tertulia> {
    const { name, session } = this;
    const options = { name, session, WebSocket: webSocketFrom(this.network) };
    const client = connect(this.#scene.entrance.anyUrl, options);
    await client.joined();
    return client;
  }

  attempt(shown: Partial<Attempt>): Attempt {
    return { name: this.name, dialect: "JSON", network: this.network, ...shown };
  }

  /** From a network of its own: attempts are counted. */
  strangers(shown: Partial<Attempt>, network = 1): Attempt {
    return { name: this.name, dialect: "JSON", network: this.network + network, ...shown };
  }

  get #account(): Parameters<typeof logIn>[1] {
    const { name, password, network } = this;
    return { name, password, WebSocket: webSocketFrom(network) };
  }
}

async function ownersGetIn({ entrance }: Scene, user: User): Promise<void> {
  const { session, password } = user;
  for (const url of entrance.urls) {
    const all = [
      await entrance.letsIn("a login session", user.attempt({ session }), url),
      await entrance.letsIn("a password", user.attempt({ password }), url),
      await entrance.letsIn("bytes", user.attempt({ password, dialect: "bytes" }), url),
    ];
    for (const each of all) each?.webSocket.terminate();
  }
}

/** While the owner is there, and while nobody has the name. */
async function othersDoNot({ entrance, tally }: Scene, user: User): Promise<void> {
  const other = await register(entrance.anyUrl, {
    name: `other-${user.name}`,
    password: "password-of-another",
    WebSocket: webSocketFrom(user.network + 2),
  });
  const owner = await user.connect();
  for (const isThere of [true, false]) {
    if (!isThere) await owner.close();
    await entrance.keepsOut("nothing", user.strangers({}));
    await entrance.keepsOut("nothing", user.strangers({ dialect: "bytes" }));
    await entrance.keepsOut("a key", user.strangers({ key: "a-key" }));
    await entrance.keepsOut("another's login session", user.strangers({ session: other }));
    await entrance.keepsOut("no login session", user.strangers({ session: "A".repeat(43) }));
    await entrance.keepsOut("a token", user.strangers({ token: "a.b.c" }));
    const wrong = { password: "a-wrong-password" };
    await entrance.keepsOut("a wrong password", user.strangers({ ...wrong, dialect: "bytes" }));
    const known = await entrance.keepsOut("a wrong password", user.strangers(wrong));
    const nobody = { ...user.strangers(wrong), name: `nobody-${user.name}` };
    const unknown = await entrance.keepsOut("a wrong password", nobody);
    tally.saw(UNTOLD);
    const [one, two] = [known, unknown].map(({ why, heard }) => `${why} ${heard.join(" ")}`);
    if (one !== two) tally.broke(UNTOLD, `${one} for ${user.name}, ${two} for nobody`);
  }
}

async function passwordChanges({ entrance }: Scene, user: User): Promise<void> {
  const { password: old } = user;
  const other = await user.logIn();
  const owner = await user.connect();
  const byLogin = await entrance.letsIn("a login session", user.attempt({ session: other }));
  const byPassword = await entrance.letsIn(
    "bytes",
    user.attempt({ password: old, dialect: "bytes" }),
  );
  user.password = `second-password-of-${user.name}`;
  await owner.changePassword(old, user.password);
  await entrance.closes("a login session of the old password", byLogin);
  await entrance.closes("a byte client with the old password", byPassword);
  await owner.close();
  const [session, password] = [user.session, user.password];
  const again = await entrance.letsIn("the login session that stays", user.attempt({ session }));
  const anew = await entrance.letsIn("the new password", user.attempt({ password }));
  again?.webSocket.terminate();
  anew?.webSocket.terminate();
  await entrance.keepsOut("the old password", user.strangers({ password: old }));
  await entrance.keepsOut("an ended login session", user.strangers({ session: other }));
}

/** One by its user, and all by the operator. */
async function loginsEnd({ entrance, cluster, dist }: Scene, user: User): Promise<void> {
  const other = await user.logIn();
  const owner = await user.connect();
  const byLogin = await entrance.letsIn("a login session", user.attempt({ session: other }));
  for (const { id, own } of await owner.sessions()) {
    if (!own) await owner.sessions({ end: id });
  }
  await owner.close();
  await entrance.closes("a login session that was ended", byLogin);
  await entrance.keepsOut("an ended login session", user.strangers({ session: other }));
  const { session, name } = user;
  const last = await entrance.letsIn("the login session that stays", user.attempt({ session }));
  await administer(cluster, dist, "revoke", name);
  await entrance.closes("a login session that the operator revoked", last);
  await entrance.keepsOut("a revoked login session", user.strangers({ session }));
}

async function somebodyGuesses({ entrance, tally }: Scene, user: User): Promise<void> {
  tally.saw(SLOWED);
  const answers: string[] = [];
  for (let i = 0; i < GUESSES; i++) {
    const guess = user.strangers({ password: `a-guess-${i}` }, 3);
    const url = entrance.urls[i % entrance.urls.length];
    answers.push((await entrance.keepsOut("a guess", guess, url)).why);
  }
  if (!answers.includes("too_many_attempts")) {
    tally.broke(SLOWED, `${GUESSES} guesses at ${user.name} were looked at`);
  }
}
