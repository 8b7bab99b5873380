/** Searching for somebody: what is sought, and how well a name fits. */
import type { View } from "./model.js";

/** 0: it is the name; then, whatever the case and the accents: the whole, the beginning, some part; Infinity: none. */
export function matchRank(name: string, searched: string): number {
  if (name === searched) return 0;
  const [whole, part] = [fold(name), fold(searched)];
  if (whole === part) return 1;
  if (whole.startsWith(part)) return 2;
  return whole.includes(part) ? 3 : Infinity;
}

/** What is searched for, spelt as names are (NFC). `@ana` is ana: no name begins with that sign. */
export function searchedName({ search }: View): string {
  return search.trim().replace(/^@/, "").normalize();
}

/** So that `José` is found by `jose`; upper case, because a lower sigma depends on what follows it. */
export function fold(text: string): string {
  return text
    .normalize("NFD")
    .replaceAll(/\p{Mn}/gu, "")
    .toUpperCase();
}
