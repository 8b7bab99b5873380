/** What a scenario is told and what it answers: a run of one kind of trouble, many times or with many. */
import type { Violation } from "../checks.js";
import type { Figures } from "../figures.js";
import type { Topology } from "../redis-side.js";

export interface ScenarioSettings {
  readonly seed: number;
  readonly topology: Topology;
  readonly gateways: number;
  /** Built project whose gateways are tried. */
  readonly dist: string;
}

export interface ScenarioResult {
  readonly violations: readonly Violation[];
  readonly figures: Figures;
  readonly voidBecause: string | undefined;
}

/** Examples by rule, as the checkers give them. */
export class Complaints {
  readonly #examples = new Map<string, string[]>();

  add(rule: string, example: string): void {
    this.#examples.set(rule, [...(this.#examples.get(rule) ?? []), example]);
  }

  get violations(): Violation[] {
    return [...this.#examples].map(([rule, examples]) => {
      return { rule, example: examples[0]!, count: examples.length };
    });
  }
}
