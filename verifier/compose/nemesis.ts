/** The nemesis of a compose project: does one fault after the other, in an order from a seed; each is healed before the next. */
import { setTimeout as pause } from "node:timers/promises";
import type { History } from "../history.js";
import { judged, type Judgement, type Rule } from "../rules/rule.js";
import { shuffled } from "../random.js";
import { until } from "../until.js";
import { PROJECT_FAULTS, type Scene } from "./faults.js";

export const WHOLE_AGAIN: Rule = {
  id: "whole-after-fault",
  sentence: "after a fault the deployment is whole again by itself",
  needs: "faults",
};

const READY_WITHIN_MS = 60_000;

export class ProjectNemesis {
  readonly counts = new Map<string, number>();
  /** Why the deployment did not heal, if it did not; then there are no more faults. */
  complaint: string | undefined;
  readonly #scene: Omit<Scene, "down">;
  readonly #history: History;
  readonly #names: readonly string[];
  readonly #url: string;
  readonly #gateways: number;

  constructor(
    scene: Omit<Scene, "down">,
    history: History,
    names: readonly string[],
    url: string,
    gateways: number,
  ) {
    this.#scene = scene;
    this.#history = history;
    this.#names = names;
    this.#url = url;
    this.#gateways = gateways;
  }

  get judgement(): Judgement {
    const seen = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
    return judged(WHOLE_AGAIN, {
      seen,
      wrong: this.complaint === undefined ? [] : [this.complaint],
    });
  }

  async run(untilMs: number): Promise<void> {
    const { random } = this.#scene;
    let round: string[] = [];
    while (performance.now() < untilMs && this.complaint === undefined) {
      await pause(random.between(1_000, 3_000));
      if (this.#names.length === 0) continue;
      if (round.length === 0) round = shuffled(this.#names, random);
      await this.#inflict(round.pop()!);
    }
  }

  /** Waits until Redis is whole, and all gateways and the balancer are ready. */
  async untilWhole(): Promise<void> {
    const { redis, project } = this.#scene;
    await redis.untilWhole();
    await until(
      `${this.#gateways} gateways and the balancer are ready`,
      async () => {
        const gateways = (await project.of("gateway")).filter(({ state }) => state === "running");
        if (gateways.length !== this.#gateways) return false;
        const places = gateways.map(({ ip }) => `http://${ip}:9000`);
        const ready = await Promise.all([...places, this.#url].map((each) => isReady(each)));
        return ready.every(Boolean);
      },
      READY_WITHIN_MS,
    );
  }

  async #inflict(name: string): Promise<void> {
    const { run, rollsBack = false, isOutage = false } = PROJECT_FAULTS[name]!;
    // all clients come through the balancer, so any of them may be harmed
    const reached = [0];
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    console.log(`${Math.round(this.#history.now() / 1_000)} s: ${name}`);
    this.#history.add({ kind: "fault", what: name, gateways: reached, rollsBack, isOutage });
    const down = (): void => void this.#history.add({ kind: "down", what: name, gateways: [] });
    try {
      await run({ ...this.#scene, down });
      await this.untilWhole();
    } catch (error) {
      this.complaint = `${name}: ${error instanceof Error ? error.message : String(error)}`;
      await this.#startAll();
    }
    this.#history.add({ kind: "healed", what: name });
    const after = { what: `after ${name}`, gateways: reached, rollsBack: false };
    this.#history.add({ kind: "fault", ...after });
  }

  /** Starts what the fault has stopped. */
  async #startAll(): Promise<void> {
    const { project } = this.#scene;
    for (const container of await project.containers()) {
      const act = container.state === "paused" ? "unpause" : "start";
      if (container.state !== "running") await project.act(act, container).catch(() => {});
    }
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(1_000) });
    return answer.status === 200;
  } catch {
    return false; // not listening, or frozen
  }
}
