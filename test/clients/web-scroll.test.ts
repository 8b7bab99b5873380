/** The history under a reader's hands: it moves as far as a plain box would, and never by itself. */
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, join, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { plainBeside, reader, type Reader } from "../support/reader.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SAID = 420;
const LAST = `number ${SAID}`;

const screens = {
  desktop: { viewport: { width: 1180, height: 760 } },
  portrait: { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
  landscape: { viewport: { width: 740, height: 360 }, hasTouch: true, isMobile: true },
} satisfies Record<string, BrowserContextOptions>;

type Moves = Record<string, (hands: Reader) => Promise<void>>;
const finger: Moves = {
  "a finger": (hands) => hands.drags(150),
  "a finger again": (hands) => hands.drags(150),
  "a finger back": (hands) => hands.drags(-40),
};
const back: Moves = {
  "10 notches of a wheel": (hands) => hands.wheels(-10),
  "a touchpad": (hands) => hands.strokes(-700),
  "3 × PageUp": (hands) => hands.presses("PageUp", "PageUp", "PageUp"),
  "3 × ArrowUp": (hands) => hands.presses("ArrowUp", "ArrowUp", "ArrowUp"),
};
const forth: Moves = {
  "2 notches down": (hands) => hands.wheels(2),
  "30 notches at once": (hands) => hands.flicks(30),
  "PageDown, ArrowDown": (hands) => hands.presses("PageDown", "ArrowDown"),
  "2 × Space": (hands) => hands.presses("Space", "Space"),
  "Shift Space": (hands) => hands.presses("Shift+Space"),
  End: (hands) => hands.presses("End"),
  Home: (hands) => hands.presses("Home"),
};

describe.skipIf(!hasBrowser())("a reader's own movement", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let mia: Tertulia;
  let readers = 0;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url, { REQUESTS_PER_SECOND: 1_000 });
    mia = connect(`ws://127.0.0.1:${served.port}/ws`, { name: "mia", WebSocket });
    for (let n = 1; n <= SAID; n++) await mia.publish("~", `number ${n}`);
  });
  afterAll(async () => {
    await mia?.close();
    await served?.close();
    await redis?.close();
  });

  let browser: Browser;
  afterEach(() => browser?.close());

  test.each([
    ["desktop", "smooth scrolling", ["--enable-smooth-scrolling"], {}],
    ["desktop", "no smooth scrolling", ["--disable-smooth-scrolling"], {}],
    ["desktop", "reduced motion", [], { reducedMotion: "reduce" }],
    ["portrait", "smooth scrolling", ["--enable-smooth-scrolling"], {}],
    ["landscape", "no smooth scrolling", ["--disable-smooth-scrolling"], {}],
  ] as const)("goes as far as in a plain box: %s, %s", async (kind, _, flags, preferences) => {
    browser = await launch(flags);
    const options = { ...screens[kind], ...preferences };
    const ana = await join(browser, served.port, `ana ${++readers}`, options);
    await loadsAll(ana.page);
    const plain = await plainBeside(ana.page, ".timeline", options);
    await ana.page.reload(); // so that older messages come while the reader moves
    await ana.page.locator(".said", { hasText: LAST }).waitFor();
    await focusHistory(ana.page);
    await plain.locator("#plain").focus();
    const hands = [await reader(ana.page, ".timeline"), await reader(plain, "#plain")] as const;
    const found: string[] = [];
    const expected: string[] = [];
    const go = async (moves: Moves): Promise<void> => {
      for (const [what, move] of Object.entries(moves)) {
        const [moved, ought] = await Promise.all(hands.map((each) => movedBy(each, move)));
        found.push(`${what}: ${moved}`);
        expected.push(`${what}: ${ought}`);
      }
    };
    const blanks = await watchForBlanks(ana.page);
    if (kind !== "desktop") await go(finger);
    await go(back);
    await loadsAll(ana.page);
    for (const each of hands) await each.presses("Home");
    for (const each of hands) await each.sees(LAST);
    await go(forth);
    expect(found).toEqual(expected);
    expect(await blanks(), "frames without a message in sight").toBe(0);
  });

  test("is not disturbed by new messages; only at the end the view follows", async () => {
    browser = await launch(["--enable-smooth-scrolling"]);
    const { page } = await join(browser, served.port, `ana ${++readers}`, screens.desktop);
    const hands = await reader(page, ".timeline");
    let n = 0;
    const talk = async (times: number): Promise<string> => {
      for (let i = 0; i < times; i++) await mia.publish("~", `meanwhile ${++n}`);
      await page.locator(".said", { hasText: new RegExp(`^meanwhile ${n}$`) }).waitFor();
      return `meanwhile ${n}`;
    };
    const end = await hands.sees(await talk(1));
    expect(Math.abs((await hands.sees(await talk(5))) - end), "at the end").toBeLessThan(1);
    await focusHistory(page);
    const quietly = await movedBy(hands, (each) => each.presses("PageUp"));
    expect(quietly).toBeGreaterThan(300);
    const meanwhile = await movedBy(hands, async (each) => {
      await Promise.all([each.presses("PageUp"), talk(20)]);
    });
    expect(meanwhile).toBe(quietly);
    const before = await hands.sees("meanwhile 1");
    await talk(20);
    expect(await hands.sees("meanwhile 1")).toBe(before);
    await page.getByRole("button", { name: /\d+ new/ }).click();
    expect(Math.abs((await hands.sees(await talk(1))) - end), "at the end again").toBeLessThan(1);
  });

  test("survives a resize and the list; sending scrolls to the end", async () => {
    browser = await launch();
    const { page, says } = await join(browser, served.port, `ana ${++readers}`, screens.portrait);
    const hands = await reader(page, ".timeline");
    const end = async (): Promise<number> => {
      const places = await page.locator(".said").evaluateAll(bottomsBelow);
      return Math.round(places.at(-1)!);
    };
    await says("first");
    await page.locator(".tick", { hasText: "Sent" }).waitFor();
    const margin = await end();
    await page.setViewportSize(screens.landscape.viewport);
    await eventually(async () => expect(await end()).toBe(margin));
    await page.setViewportSize(screens.portrait.viewport);
    await eventually(async () => expect(await end()).toBe(margin));
    await hands.drags(200);
    await hands.drags(200);
    const before = await hands.sees("number 410");
    await page.setViewportSize(screens.landscape.viewport);
    await hands.sees("number 410");
    await page.setViewportSize(screens.portrait.viewport);
    expect(Math.abs((await hands.sees("number 410")) - before)).toBeLessThan(2);
    await page.getByRole("button", { name: "Back to the list" }).tap();
    await page.locator(".talk").waitFor({ state: "hidden" });
    await page.locator(".conversations .line").first().tap();
    expect(Math.abs((await hands.sees("number 410")) - before)).toBeLessThan(2);
    await says("second"); // one's own message is where one looks
    await page.locator(".said", { hasText: "second" }).waitFor();
    await eventually(async () => expect(await end()).toBe(margin));
  });

  test("the author of a long run stays visible", async () => {
    browser = await launch();
    const { page } = await join(browser, served.port, `ana ${++readers}`, screens.desktop);
    await page.locator(".said", { hasText: LAST }).first().waitFor({ state: "attached" });
    const hands = await reader(page, ".timeline");
    await hands.wheels(-8);
    await hands.sees(LAST);
    const box = (await page.locator(".timeline").boundingBox())!;
    await eventually(async () => {
      const authors = await page.locator(".author", { hasText: "mia" }).all();
      const places = await Promise.all(authors.map(async (each) => (await each.boundingBox())!.y));
      expect(places.some((y) => y >= box.y && y < box.y + 100)).toBe(true);
    });
  });

  test("after an absence a button shows how much is unread, since when, and scrolls there", async () => {
    browser = await launch();
    const { page } = await join(browser, served.port, `ana ${++readers}`, screens.desktop);
    const said = (text: string): Locator =>
      page.locator(".said", { hasText: new RegExp(`^${text}$`) });
    const away = async (times: number): Promise<void> => {
      await page.evaluate("document.hasFocus = () => false; dispatchEvent(new Event('blur'))");
      for (let n = 1; n <= times; n++) await mia.publish("~", `${times} unseen, ${n}`);
      await said(`${times} unseen, ${times}`).waitFor();
    };
    const isLed = async (text: string, pill: RegExp): Promise<void> => {
      const button = page.getByRole("button", { name: pill });
      await button.waitFor();
      await eventually(async () => {
        if (await button.isVisible()) await button.click({ timeout: 1_000 });
        const top = (await page.locator(".timeline").boundingBox())!.y;
        const line = (await page.locator(".divider-new").boundingBox())!;
        expect([await said(text).count(), line.y > top - 50, line.y < top + 200]).toEqual([
          1,
          true,
          true,
        ]);
        // where older ones came in above meanwhile, it leads there once more
        expect(await button.count()).toBe(0);
      });
    };
    await said(LAST).first().waitFor({ state: "attached" });
    await away(40);
    await page.evaluate("document.hasFocus = () => true; dispatchEvent(new Event('focus'))");
    await isLed("40 unseen, 1", /^40 new since \d+:\d+$/);
    await page.keyboard.press("End");
    await eventually(async () => expect(await page.getByText("unread").count()).toBe(0));
    await away(170);
    await page.reload(); // the first new ones are not among the newest hundred
    await said("170 unseen, 170").waitFor();
    await isLed("170 unseen, 1", /^\d+ new/); // some more, if the last mark was not told yet
  });
});

async function movedBy(hands: Reader, move: (hands: Reader) => Promise<void>): Promise<number> {
  const before = await hands.sees(LAST);
  await move(hands);
  return Math.round((await hands.sees(LAST)) - before);
}

/** Back to the first message, one page of history after the other. */
async function loadsAll(page: Page): Promise<void> {
  await focusHistory(page);
  await eventually(async () => {
    await page.keyboard.press("Home");
    expect(await page.locator(".said", { hasText: /^number 1$/ }).count()).toBe(1);
  }, 30_000);
}

/** With the Tab key, as everybody can. */
async function focusHistory(page: Page): Promise<void> {
  await eventually(async () => {
    await page.keyboard.press("Shift+Tab");
    expect(await page.evaluate<string>("document.activeElement.className")).toBe("timeline");
  });
}

/** Looks at each frame; tells how many had nothing to read. */
async function watchForBlanks(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`
    globalThis.blanks = 0;
    const look = () => {
      const box = document.querySelector(".timeline").getBoundingClientRect();
      const isSeen = [...document.querySelectorAll(".timeline [data-key]")].some((line) => {
        const { top, bottom } = line.getBoundingClientRect();
        return bottom > box.top && top < box.bottom;
      });
      if (!isSeen) blanks++;
      requestAnimationFrame(look);
    };
    look();`);
  return () => page.evaluate<number>("blanks");
}

/** In the page: how far each one ends above the end of what is scrolled. */
function bottomsBelow(lines: unknown[]): number[] {
  interface Line {
    getBoundingClientRect(): { readonly bottom: number };
    closest(selector: string): Line;
  }
  return (lines as Line[]).map((line) => {
    const { bottom } = line.closest(".timeline").getBoundingClientRect();
    return bottom - line.getBoundingClientRect().bottom;
  });
}
