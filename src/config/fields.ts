/** The kinds of fields of the configuration. Each field has an example, and a line for README's table. */
import { z } from "zod";

export function integer(least: number, most: number, standard: number, about: string) {
  const range = `must be a whole number from ${least} to ${most}`;
  return z.coerce
    .number({ error: range })
    .int(range)
    .min(least, range)
    .max(most, range)
    .default(standard)
    .meta({ example: String(standard), about });
}

/** A number that may be absent. */
export function optionalInteger(least: number, most: number, example: number, about: string) {
  const range = `must be a whole number from ${least} to ${most}`;
  return z.coerce
    .number({ error: range })
    .int(range)
    .min(least, range)
    .max(most, range)
    .optional()
    .meta({ example: String(example), about });
}

export function text(standard: string, about: string) {
  return z.string().default(standard).meta({ example: standard, about });
}

/** A text that may be absent. */
export function optional(example: string, about: string) {
  return z.string().optional().meta({ example, about });
}

export function pattern() {
  return z.string().refine(isPattern, "must be a regular expression");
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source, "u").test("") || true;
  } catch {
    return false;
  }
}
