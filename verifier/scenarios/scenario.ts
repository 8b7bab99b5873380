/** A scenario: one kind of fault, many times or with many clients. */
import type { Figures } from "../figures.js";
import type { Topology } from "../redis-side.js";
import type { Judgement } from "../rules/rule.js";

export interface ScenarioSettings {
  readonly seed: number;
  readonly topology: Topology;
  readonly gateways: number;
  /** The `dist` folder whose gateways are tried. */
  readonly dist: string;
}

export interface ScenarioResult {
  readonly judgements: readonly Judgement[];
  readonly figures: Figures;
  readonly voidBecause: string | undefined;
}
