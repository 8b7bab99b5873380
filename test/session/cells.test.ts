/**
 * Every cell of the tables: for each state and each input that concerns it, what happens. The whole of it stands in
 * cells.txt. `RECORD=1 npx vitest run test/session/cells.test.ts` writes it anew: read the difference.
 */
import { readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ignored, impossible, type Step } from "#tertulia/session/table.js";
import type { Input } from "#tertulia/session/inputs.js";
import type { SessionState } from "#tertulia/session/state.js";
import { CONTEXTS, STATES, TABLES, type Region } from "./cell-samples.js";
import { INPUTS } from "./input-samples.js";
import { describeSample, describeStep } from "./describe-cells.js";

const FILE = new URL("./cells.txt", import.meta.url);

test("every cell does what cells.txt says", async () => {
  const lines = Object.keys(TABLES).flatMap((region) => linesOf(region as Region));
  const text = `${lines.join("\n")}\n`;
  if (process.env["RECORD"] !== undefined) await writeFile(FILE, text);
  expect(text).toBe(await readFile(FILE, "utf8"));
});

test("there are samples of every state and every input", () => {
  for (const [region, table] of Object.entries(TABLES)) {
    const states = STATES[region as Region].map(({ kind }) => kind);
    expect(new Set(states)).toEqual(new Set(Object.keys(table)));
    const row = Object.values(table)[0]!;
    for (const type of Object.keys(row)) expect(INPUTS[type as Input["type"]], type).toBeDefined();
  }
});

function linesOf(region: Region): string[] {
  const lines: string[] = [];
  for (const state of STATES[region]) {
    lines.push(`${region} ${describeSample(state)}`);
    for (const [type, cell] of Object.entries(TABLES[region][state.kind]!)) {
      if (cell === ignored) lines.push(`  ${type}: ignored`);
      else if (cell === impossible) lines.push(`  ${type}: impossible`);
      else {
        const inputs = INPUTS[type as Input["type"]];
        lines.push(...inputs.flatMap((input) => linesOfCell(region, state, input)));
      }
    }
  }
  return lines;
}

/** What happens with bytes, then where something else does: with JSON, and around each of the two. */
function linesOfCell(region: Region, state: { readonly kind: string }, input: Input): string[] {
  const cell = TABLES[region][state.kind]![input.type]!;
  const steps = new Map<string, string>();
  for (const [context, changes] of CONTEXTS) {
    const whole = { ...changes, [region]: state } as SessionState;
    steps.set(
      context,
      stepOf(() => cell(state, input, whole) as Step<never>),
    );
  }
  const different = [...steps].filter(([context, step]) => {
    const [dialect = "", around] = context.split(", ");
    return around === undefined ? step !== steps.get("bytes") : step !== steps.get(dialect);
  });
  const usual = steps.get("bytes")!;
  if (input.type === "timer" && usual === "nothing" && different.length === 0) return [];
  return [
    `  ${describeSample(input, "type")}: ${usual}`,
    ...[...new Set(different.map(([, step]) => step))].map((step) => {
      const contexts = different.filter(([, other]) => other === step);
      return `    ${contexts.map(([context]) => context).join(" | ")}: ${step}`;
    }),
  ];
}

/** Some cells refuse what cannot be around them. */
function stepOf(step: () => Step<never>): string {
  try {
    return describeStep(step());
  } catch (error) {
    return `cannot be: ${(error as Error).message}`;
  }
}
