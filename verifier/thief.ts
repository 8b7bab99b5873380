/** Somebody who tries again and again to get the names of a run, by what does not prove that they are its own. */
import { setTimeout as pause } from "node:timers/promises";
import { tokenOf, type IdentityMode } from "./credentials.js";
import { attemptEntry, type Attempt } from "./entry.js";
import type { History } from "./history.js";
import type { Random } from "./random.js";

export interface ThiefSettings {
  readonly identity: IdentityMode;
  readonly names: readonly string[];
  readonly urls: readonly string[];
  /** In `accounts`: a login session of each name. */
  readonly sessions: ReadonlyMap<string, string>;
  /** A network of its own. */
  readonly network: number;
}

/** Each wrong password costs a gateway as much work as a right one. */
const EVERY_MS = 700;

/** What it shows. */
type Shown = Pick<Attempt, "dialect" | "password" | "session" | "token" | "key">;
type Ways = Readonly<Record<string, (name: string) => Shown>>;

export class Thief {
  readonly #settings: ThiefSettings;
  readonly #history: History;
  readonly #random: Random;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(settings: ThiefSettings, history: History, random: Random) {
    this.#settings = settings;
    this.#history = history;
    this.#random = random;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { names, urls, network } = this.#settings;
    const ways = Object.entries(this.#ways());
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const name = this.#random.pick(names);
      const [by, shown] = this.#random.pick(ways);
      const url = this.#random.pick(urls);
      const { outcome, webSocket } = await attemptEntry(url, { name, network, ...shown(name) });
      webSocket.terminate();
      if (outcome !== "unclear") {
        this.#history.add({ kind: "theft", name, by, isIn: outcome === "in" });
      }
      await pause(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** For each of them: what is shown to get a name. */
  #ways(): Ways {
    const { identity, sessions } = this.#settings;
    const common: Ways = {
      "nothing, in bytes": () => ({ dialect: "bytes" }),
      "a key": () => ({ dialect: "JSON", key: "a-key-of-the-thief" }),
    };
    switch (identity) {
      case "open":
        throw new Error("where nothing has to be shown, there are no thieves");
      case "accounts": {
        const anothers = (name: string): string =>
          this.#random.pick([...sessions].filter(([each]) => each !== name))[1];
        return {
          ...common,
          "a wrong password, in bytes": () => ({ dialect: "bytes", password: "a-wrong-password" }),
          "a wrong password, in JSON": () => ({ dialect: "JSON", password: "a-wrong-password" }),
          "another's login session": (name) => ({ dialect: "JSON", session: anothers(name) }),
        };
      }
      case "token": {
        const ago = Math.floor(Date.now() / 1_000) - 3_600;
        const old = { iat: ago, exp: ago + 60 };
        return {
          ...common,
          "a forged token": (sub) => ({
            dialect: "bytes",
            token: tokenOf({ sub }, "x".repeat(40)),
          }),
          "another's token": (sub) => ({ dialect: "JSON", token: tokenOf({ sub: `not-${sub}` }) }),
          "an old token": (sub) => ({ dialect: "JSON", token: tokenOf({ sub, ...old }) }),
        };
      }
      default:
        return identity satisfies never;
    }
  }
}
