/** The size of the screen, in units of the font size: with large letters, a screen counts as small. */

/** The size of a letter, in pixels. */
export function remPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
}

/** Whether there is room for one pane only; as in screen.css. */
export function isNarrow(): boolean {
  const width = innerWidth / remPx();
  return width < 45 || (width < 60 && innerHeight / remPx() < 28);
}
