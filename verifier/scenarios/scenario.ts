/** What a scenario is told and what it answers: a run of one kind of trouble, many times or with many. */
import type { Figures } from "../figures.js";
import type { Topology } from "../redis-side.js";
import type { Judgement } from "../rules/rule.js";

export interface ScenarioSettings {
  readonly seed: number;
  readonly topology: Topology;
  readonly gateways: number;
  /** Built project whose gateways are tried. */
  readonly dist: string;
}

export interface ScenarioResult {
  readonly judgements: readonly Judgement[];
  readonly figures: Figures;
  readonly voidBecause: string | undefined;
}
