/** What a cell returns arrives: its state and its patch, whatever region it is of, and its effects, but for W1. */
import { expect, test } from "vitest";
import type { Effect } from "#tertulia/session/effects.js";
import type { Input } from "#tertulia/session/inputs.js";
import type { SessionState } from "#tertulia/session/state.js";
import type { Step } from "#tertulia/session/table.js";
import { transition, type Transition } from "#tertulia/session/transition.js";
import { CONTEXTS, STATES, TABLES, type Region } from "./cell-samples.js";
import { INPUTS } from "./input-samples.js";

const [, usual] = CONTEXTS[0]!;
/** All that a cell may change besides its region. */
const patch: Required<NonNullable<Step<never>["patch"]>> = {
  strikes: 7,
  doubts: 7,
};

test.each(Object.keys(TABLES) as Region[])("%s: its state and its patch arrive", (region) => {
  const [from, to] = STATES[region] as [{ kind: string }, { kind: string }];
  const [type] = Object.keys(TABLES[region][from.kind]!);
  const [input] = INPUTS[type as Input["type"]] as [Input];
  const before = { ...usual, [region]: from } as SessionState;
  const alone = withCell(region, from.kind, input, { patch }, before);
  expect(alone.state).toEqual({ ...before, ...patch });
  const both = withCell(region, from.kind, input, { next: to, patch }, before);
  expect(both.state).toEqual({ ...before, ...patch, [region]: to });
});

// written out, so that an effect that effects.ts forgets is missed here
test.each([
  "send",
  "sendAnswer",
  "refuseFrame",
  "push",
  "pushOutput",
  "pushMissed",
  "follow",
] as const)("W1: %s is dropped after a close frame of ours", (type) => {
  const effects = [{ type } as Effect];
  const [input] = INPUTS.resumed as [Input];
  const ending = { by: "node", why: "restarting" } as const;
  const told = (transport: SessionState["transport"]): readonly Effect[] =>
    withCell("request", usual.request.kind, input, { effects }, { ...usual, transport }).effects;
  expect(told({ kind: "open", ending: undefined })).toEqual(effects);
  expect(told({ kind: "closing", ending })).toEqual([]);
});

/** The transition, if this cell returned that, and the other regions nothing. */
function withCell(
  region: Region,
  kind: string,
  input: Input,
  step: Step<object>,
  before: SessionState,
): Transition {
  const rows = Object.keys(TABLES).map((each) => {
    const { kind: state } = each === region ? { kind } : before[each as Region];
    return { each, row: TABLES[each as Region][state] as Record<string, unknown> };
  });
  const concerned = rows.filter(({ row }) => input.type in row);
  const cells = concerned.map(({ row }) => row[input.type]);
  for (const { each, row } of concerned) row[input.type] = () => (each === region ? step : {});
  try {
    return transition(before, input);
  } finally {
    for (const [i, { row }] of concerned.entries()) row[input.type] = cells[i];
  }
}
