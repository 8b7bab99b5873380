/** When the page is rendered: once per frame, however much changes in between; or at once. */
import { options } from "preact";

/** A hidden page has no frames, and browsers do not always report that it is hidden. */
const FRAME_WITHIN_MS = 100;

export function renderPerFrame(): void {
  options.debounceRendering = (draw) => {
    const once = (): void => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      draw();
    };
    const timer = setTimeout(once, document.hidden ? 0 : FRAME_WITHIN_MS);
    const frame = requestAnimationFrame(once);
  };
}

/** Renders what `change` changed before it returns: the next key may come before the next frame. */
export function renderNow(change: () => void): void {
  let draw: (() => void) | undefined;
  options.debounceRendering = (drawing) => void (draw = drawing);
  try {
    change();
    draw?.();
  } finally {
    renderPerFrame();
  }
}
