/** Searching for users: what is searched for, and how well a name matches. */
import type { View } from "./model.js";

/** 0: equal. Then, ignoring case and accents: 1 equal, 2 a prefix, 3 a part. Infinity: no match. */
export function matchRank(name: string, searched: string): number {
  if (name === searched) return 0;
  const [whole, part] = [fold(name), fold(searched)];
  if (whole === part) return 1;
  if (whole.startsWith(part)) return 2;
  return whole.includes(part) ? 3 : Infinity;
}

/** What is searched for, in the form of names (NFC). `@ana` means ana: no name begins with `@`. */
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
