/**
 * Keys that belong to an input method: what is being composed takes Enter, Escape and arrows for itself.
 * Safari ends the composition before the key that ended it comes: that one has only the key code.
 */
const COMPOSING = 229;

/** No other listener of the page hears of such a key; from here on the page never asks about it again. */
export function ignoreCompositionKeys(): void {
  const keep = (event: KeyboardEvent): void => {
    if (event.isComposing || event.keyCode === COMPOSING) event.stopImmediatePropagation();
  };
  for (const type of ["keydown", "keyup"] as const) addEventListener(type, keep, true);
}
