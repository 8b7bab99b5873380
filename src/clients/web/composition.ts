/**
 * Keys of an input method (IME): while text is composed, Enter, Escape and arrows belong to the composition.
 * Safari ends the composition before the key event that ended it: that event has only the key code.
 */
const COMPOSING = 229;

/** Keeps such keys from all other listeners of the page. */
export function ignoreCompositionKeys(): void {
  const keep = (event: KeyboardEvent): void => {
    if (event.isComposing || event.keyCode === COMPOSING) event.stopImmediatePropagation();
  };
  for (const type of ["keydown", "keyup"] as const) addEventListener(type, keep, true);
}
