/** How the commands of the operator write what they tell. */
import { bytesFromName } from "../chat/names.js";
import type { Target } from "../chat/sanctions.js";
import { shown } from "../wire/shown.js";

export function written(target: Target): string {
  return target.kind === "name" ? shown(bytesFromName(target.name)) : target.range;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
