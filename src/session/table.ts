/**
 * Transition tables: a cell for each state of a region and each input that concerns it. The tables are total: the
 * compiler demands every cell. Cells in which nothing happens, or that cannot be reached, say so.
 */
import type { Effect } from "./effects.js";
import type { Input, InputOf } from "./inputs.js";
import type { SessionState } from "./state.js";

/** The result of a cell. */
export interface Step<Region> {
  /** Absent: the state of the region does not change. */
  readonly next?: Region;
  readonly effects?: readonly Effect[];
  /** Inputs for all regions, handled after the current one. */
  readonly raise?: readonly Input[];
  /** Changes outside the regions. */
  readonly patch?: Partial<Pick<SessionState, "strikes" | "doubts">>;
}

/** `state`: the whole state, in which earlier regions have handled the input already. */
export type Cell<Region, State, I> = (region: State, input: I, state: SessionState) => Step<Region>;

export type Table<Region extends { readonly kind: string }, Concern extends Input["type"]> = {
  readonly [Kind in Region["kind"]]: {
    readonly [Type in Concern]: Cell<Region, Extract<Region, { kind: Kind }>, InputOf<Type>>;
  };
};

const NOTHING: Step<never> = {};

/** The input has no effect in this state. */
export function ignored(): Step<never> {
  return NOTHING;
}

/** The input cannot come in this state. If it does, that is a bug. */
export function impossible(region: { readonly kind: string }, input: Input): Step<never> {
  throw new Error(`a session cannot have "${input.type}" while "${region.kind}"`);
}

export function step<Region>(next: Region, ...effects: readonly Effect[]): Step<Region> {
  return { next, effects };
}

/** A step with more effects, before its own. */
export function preceded<Region>(after: Step<Region>, ...before: readonly Effect[]): Step<Region> {
  return { ...after, effects: [...before, ...(after.effects ?? [])] };
}

/** The state of the region does not change. */
export function stay(...effects: readonly Effect[]): Step<never> {
  return { effects };
}

export function raise(...inputs: readonly Input[]): Step<never> {
  return { raise: inputs };
}

/** The cell for an input that concerns the region. */
export function cellOf<Region extends { readonly kind: string }>(
  table: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  region: Region,
  input: Input,
): Cell<Region, Region, Input> {
  return table[region.kind]![input.type] as Cell<Region, Region, Input>;
}
