/** Sizes in bytes, as people and redis.conf write them. */

const UNITS = ["b", "kb", "mb", "gb", "tb"];

/** 1024 is a kb, as in redis.conf. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) [value, unit] = [value / 1_024, unit + 1];
  const rounded = value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
  return unit === 0 ? rounded : `${rounded}${UNITS[unit]}`;
}

/** Parses `512mb`, `2Gi` or `1073741824`; undefined if it is none of these. */
export function parseBytes(text: string): number | undefined {
  const [, digits, letter = ""] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return undefined;
  return Number(digits) * 1_024 ** " kmgt".indexOf(letter === "" ? " " : letter.toLowerCase());
}
