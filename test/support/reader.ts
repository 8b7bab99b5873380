/**
 * A reader's hands: real wheel, keys and fingers on an area that is scrolled; and beside it a plain
 * overflow box with the same content, to know how far they ought to move it.
 */
import type { BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { eventually } from "./eventually.js";

/** In a page: the box that is scrolled, and what is in sight of it. */
interface Area {
  readonly innerHTML: string;
  readonly clientHeight: number;
  getBoundingClientRect(): Box;
  querySelectorAll(selector: string): Iterable<Area>;
}

interface Box {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

export interface Reader {
  /** So many notches of a mouse wheel; up is negative. */
  wheels(notches: number): Promise<void>;
  /** The same at once, as a wheel that runs freely turns. */
  flicks(notches: number): Promise<void>;
  /** Two fingers on a touchpad: many small steps, never quite straight. */
  strokes(pixels: number): Promise<void>;
  presses(...keys: string[]): Promise<void>;
  /** A finger that drags the content by so many pixels, and rests before it is lifted. */
  drags(pixels: number): Promise<void>;
  /** How far below the top of the box a line ends, once nothing moves any more. */
  sees(text: string): Promise<number>;
}

export async function reader(page: Page, box: string): Promise<Reader> {
  const devices: CDPSession = await page.context().newCDPSession(page);
  const middle = async (): Promise<{ x: number; y: number }> => {
    const { x, y, width, height } = (await page.locator(box).boundingBox())!;
    return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
  };
  const point = async (): Promise<void> => {
    const { x, y } = await middle();
    await page.mouse.move(x, y);
  };
  const placeOf = (text: string): Promise<number | undefined> =>
    page.locator(box).evaluate(endOf, text);
  return {
    async wheels(notches) {
      await point();
      for (const by of steps(100 * notches, 100)) await page.mouse.wheel(0, by);
    },
    async flicks(notches) {
      await point();
      await Promise.all(steps(100 * notches, 100).map((by) => page.mouse.wheel(0, by)));
    },
    async strokes(pixels) {
      await point();
      let aside = 4;
      for (const by of steps(pixels, 7)) await page.mouse.wheel((aside = -aside), by);
    },
    async presses(...keys) {
      for (const key of keys) await page.keyboard.press(key);
    },
    async drags(pixels) {
      const { x, y } = await middle();
      const from = y - Math.round(pixels / 2);
      await touch("touchStart", [{ x, y: from }]);
      // the first part only tells a drag from a tap; each part is an event of its own
      const parts = [SLOP_PX * Math.sign(pixels), ...Array<number>(10).fill(pixels / 10)];
      let at = from;
      for (const part of parts) {
        await touch("touchMove", [{ x, y: (at += part) }]);
        await page.evaluate(
          "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 20)))",
        );
      }
      await page.evaluate("new Promise((done) => setTimeout(done, 200))"); // it rests
      await touch("touchMove", [{ x, y: at }]);
      await touch("touchEnd", []);
    },
    async sees(text) {
      const places: (number | undefined)[] = [];
      return eventually(async () => {
        places.push(await placeOf(text));
        const last = places.slice(-8);
        const place = last[0];
        if (place === undefined) throw new Error(`there is no line ${text}`);
        if (last.length < 8 || last.some((each) => each !== place)) {
          throw new Error(`it still moves: ${last.join()}`);
        }
        return place;
      });
    },
  };

  async function touch(
    type: "touchStart" | "touchMove" | "touchEnd",
    touchPoints: { x: number; y: number }[],
  ): Promise<void> {
    await devices.send("Input.dispatchTouchEvent", { type, touchPoints });
  }
}

/** A finger that has moved less may still be a tap. */
const SLOP_PX = 16;

function steps(whole: number, each: number): number[] {
  return Array<number>(Math.round(Math.abs(whole) / each)).fill(each * Math.sign(whole));
}

/** A window with nothing but a plain overflow box in it: same place, same content, at its end. */
export async function plainBeside(
  page: Page,
  box: string,
  options: BrowserContextOptions,
): Promise<Page> {
  const plain = await (await page.context().browser()!.newContext(options)).newPage();
  const { html, style, place } = await page.locator(box).evaluate(copyOf);
  const width = '<meta name="viewport" content="width=device-width, initial-scale=1">';
  const room = '<div style="container: screen / size; height: 100vh">'; // as the style sheets ask for
  await plain.setContent(
    `${width}<style>${style}</style>${room}<div id="plain" tabindex="0">${html}</div></div>`,
  );
  await plain.locator("#plain").evaluate(layAtItsEnd, place);
  return plain;
}

/** In the page. */
function endOf(box: unknown, text: string): number | undefined {
  const area = box as Area;
  for (const line of area.querySelectorAll(".said")) {
    if (line.innerHTML !== text) continue;
    return line.getBoundingClientRect().bottom - area.getBoundingClientRect().top;
  }
  return undefined;
}

/** In the page. */
function copyOf(box: unknown): { html: string; style: string; place: Box } {
  const area = box as Area;
  const { document } = globalThis as unknown as {
    document: { styleSheets: { cssRules: { cssText: string }[] }[] };
  };
  const style = [...document.styleSheets]
    .flatMap(({ cssRules }) => [...cssRules].map(({ cssText }) => cssText))
    .join("\n");
  const { top, left, width, height } = area.getBoundingClientRect();
  return { html: area.innerHTML, style, place: { top, left, width, height, bottom: 0 } };
}

/** In the page. */
function layAtItsEnd(box: unknown, { top, left, width, height }: Box): void {
  const area = box as {
    style: Record<string, string>;
    scrollTop: number;
    readonly scrollHeight: number;
  };
  Object.assign(area.style, {
    position: "fixed",
    overflow: "hidden auto",
    scrollbarWidth: "thin",
    top: `${top}px`,
    left: `${left}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
  area.scrollTop = area.scrollHeight;
}
