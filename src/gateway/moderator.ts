/**
 * The moderator of a gateway: looks every second which sanctions are in force in the cluster, and closes the sessions
 * that they concern. If Redis does not answer, those that were known last stay in force.
 */
import type { Name } from "../chat/names.js";
import {
  toldOf,
  type KnownSanctions,
  type ModerationStore,
  type Sanction,
} from "../chat/sanctions.js";
import type { Log } from "../observe.js";
import { pauseUnlessAborted } from "../pause.js";
import { nameOf } from "../session/questions.js";
import { SanctionList } from "./sanction-list.js";
import type { Session } from "./session.js";

/** Sanctions are in force in the whole cluster within two seconds. */
const LOOK_EVERY_MS = 1_000;

/** Who may not connect, as far as this node knows. */
export interface KnownBans extends Pick<KnownSanctions, "banOf"> {
  /** Undefined also for an address that is not known. */
  banOfAddress(address: string | undefined): Sanction | undefined;
}

export interface ModeratorDependencies {
  readonly store: Pick<ModerationStore, "sanctions">;
  readonly log: Log;
  /** By Redis' clock, in ms since 1970. */
  readonly nowMs: () => number;
  /** All sessions of the gateway. */
  readonly sessions: () => ReadonlySet<Session>;
}

export class Moderator implements KnownSanctions, KnownBans {
  readonly #dependencies: ModeratorDependencies;
  readonly #stop = new AbortController();
  #list = new SanctionList({ version: "", sanctions: [] });
  #running: Promise<void> | undefined;

  constructor(dependencies: ModeratorDependencies) {
    this.#dependencies = dependencies;
  }

  /** Knows the sanctions when it has started. @throws the error of Redis or of the connection */
  async start(): Promise<void> {
    await this.#look();
    this.#running ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  banOf(name: Name): Sanction | undefined {
    return this.#list.banOf(name, this.#dependencies.nowMs());
  }

  muteOf(name: Name): Sanction | undefined {
    return this.#list.muteOf(name, this.#dependencies.nowMs());
  }

  banOfAddress(address: string | undefined): Sanction | undefined {
    return this.#list.banOfAddress(address, this.#dependencies.nowMs());
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { log } = this.#dependencies;
    while (!signal.aborted) {
      await pauseUnlessAborted(LOOK_EVERY_MS, signal, { ref: false });
      if (signal.aborted) return;
      await this.#look().catch((error: unknown) => {
        log.warn({ event: "sanctions_unknown", err: error }, "sanctions could not be read");
      });
    }
  }

  async #look(): Promise<void> {
    const { store, sessions } = this.#dependencies;
    const found = await store.sanctions(this.#list.version);
    if (found === undefined) return;
    const before = this.#list;
    this.#list = new SanctionList(found);
    for (const session of sessions()) this.#enforce(session, before);
  }

  #enforce(session: Session, before: SanctionList): void {
    const name = nameOf(session.state);
    const ban =
      (name === undefined ? undefined : this.banOf(name)) ??
      this.banOfAddress(session.holder.origin.address);
    if (ban !== undefined) return session.close("banned", toldOf(ban));
    const kick = name === undefined ? undefined : this.#list.newKickOf(name, before);
    if (kick !== undefined) session.close("kicked", toldOf(kick));
  }
}
