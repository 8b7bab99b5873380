/** When the page is drawn: once per frame, however much comes in between; or at once. */
import { options } from "preact";

/** A page that nobody sees has no frames, and browsers do not always say that it is hidden. */
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

/** Draws what `change` changed before it returns: the next key may come sooner than the next frame. */
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
