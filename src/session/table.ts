/**
 * Tables: for each state of a region and each input that concerns it, what happens. The compiler asks for every cell,
 * so a new state or input is thought through everywhere; "nothing happens" and "cannot happen" are written down as such.
 */
import type { Effect } from "./effects.js";
import type { Input, InputOf } from "./inputs.js";
import type { SessionState } from "./state.js";

/** What an input does to a region. */
export interface Step<Region> {
  /** Absent: the region stays as it is. */
  readonly next?: Region;
  readonly effects?: readonly Effect[];
  /** Inputs for all regions, handled after this one. */
  readonly raise?: readonly Input[];
  /** What belongs to no region. */
  readonly patch?: Partial<Pick<SessionState, "bucket" | "strikes">>;
}

/** `state`: the whole, with what the regions before this one have made of the input. */
export type Cell<Region, State, I> = (
  region: State,
  input: I,
  state: SessionState,
  nowMs: number,
) => Step<Region>;

export type Table<Region extends { readonly kind: string }, Concern extends Input["type"]> = {
  readonly [Kind in Region["kind"]]: {
    readonly [Type in Concern]: Cell<Region, Extract<Region, { kind: Kind }>, InputOf<Type>>;
  };
};

const NOTHING: Step<never> = {};

/** The input does not matter in this state. */
export function ignored(): Step<never> {
  return NOTHING;
}

/** The input cannot come in this state: if it does, it is our bug. */
export function impossible(region: { readonly kind: string }, input: Input): Step<never> {
  throw new Error(`a session cannot have "${input.type}" while "${region.kind}"`);
}

export function step<Region>(next: Region, ...effects: readonly Effect[]): Step<Region> {
  return { next, effects };
}

/** The step, with these effects before its own. */
export function preceded<Region>(
  { effects = [], ...rest }: Step<Region>,
  ...before: readonly Effect[]
): Step<Region> {
  return { ...rest, effects: [...before, ...effects] };
}

/** The region stays as it is. */
export function stay(...effects: readonly Effect[]): Step<never> {
  return { effects };
}

export function raise(...inputs: readonly Input[]): Step<never> {
  return { raise: inputs };
}

/** Looks up the cell; undefined if the input is none of the region's. */
export function cellOf<Region extends { readonly kind: string }>(
  table: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  region: Region,
  input: Input,
): Cell<Region, Region, Input> | undefined {
  return table[region.kind]![input.type] as Cell<Region, Region, Input> | undefined;
}
