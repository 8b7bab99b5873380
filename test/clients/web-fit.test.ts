/** Whatever the size of the screen, of the letters and of a name: what must be reachable is. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { hasBrowser, join, launch } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const LONG = `a name of ${"W".repeat(54)}`;
const widths = [320, 360, 390, 740, 960, 1280];
const heights = [360, 480, 780];

describe.skipIf(!hasBrowser())("on a screen of any size", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  let others: Tertulia[];

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
    const url = `ws://127.0.0.1:${served.port}/ws`;
    others = ["mia", "lazy", LONG, "ned", "olga"].map((name) => connect(url, { name, WebSocket }));
    await Promise.all(others.map((each) => each.joined()));
    for (let n = 1; n <= 20; n++) await others[0]!.publish("~", `number ${n}`);
    await others[1]!.setStatus("inactive");
  });
  afterAll(async () => {
    await browser?.close();
    for (const each of others ?? []) await each.close();
    await served?.close();
    await redis?.close();
  });

  test.each([
    ["a short name", "jo", "en-GB"],
    ["a long name", LONG.replace("a", "b"), "en-GB"],
    ["a long name, in Spanish", LONG.replace("a", "c"), "es"],
  ])("%s: nothing sticks out, is covered or cut", async (_, name, locale) => {
    const { page } = await join(browser, served.port, name, { locale });
    await page.locator(".person", { hasText: "lazy" }).waitFor({ state: "attached" });
    const faults: string[] = [];
    for (const letters of [100, 200]) {
      await page.evaluate(`document.documentElement.style.fontSize = "${letters}%"`);
      for (const height of heights) {
        for (const width of widths) {
          await page.setViewportSize({ width, height });
          const found = await faultsOf(page);
          faults.push(...found.map((fault) => `${width} × ${height} at ${letters} %: ${fault}`));
        }
      }
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });

  test("a phone in landscape has room for four people and as many conversations", async () => {
    const { page } = await join(browser, served.port, "phone", {
      viewport: { width: 740, height: 360 },
      hasTouch: true,
      isMobile: true,
    });
    await page.locator(".back").tap();
    await page.locator(".person", { hasText: "lazy" }).waitFor();
    const heightOf = (selector: string): Promise<number> =>
      page
        .locator(selector)
        .evaluate((box: unknown) => (box as { clientHeight: number }).clientHeight);
    expect(await heightOf(".people-box")).toBeGreaterThan(4 * 44);
    expect(await heightOf(".side")).toBe(360);
    await page.context().close();
  });

  test("the draft is visible as a whole after a rotation and after a reload", async () => {
    const portrait = { width: 390, height: 780 };
    const landscape = { width: 740, height: 390 };
    const phone = { viewport: landscape, hasTouch: true, isMobile: true };
    const { page } = await join(browser, served.port, "writer", phone);
    const field = page.locator("#composer");
    const isWhole = (height: number): Promise<void> =>
      eventually(async () => {
        const found = await field.evaluate((box: unknown) => {
          const { clientHeight, scrollHeight } = box as Record<string, number>;
          return [clientHeight!, scrollHeight!];
        });
        expect(found).toEqual([height, height]);
      });
    await field.tap();
    await page.keyboard.type("one line on a phone that lies on its side, but two of them upright");
    await isWhole(44);
    await page.setViewportSize(portrait);
    await isWhole(44 + 24);
    await page.locator(".back").tap();
    await page.reload();
    await page.locator(".conversations .line").first().tap();
    await isWhole(44 + 24);
    await field.fill("one");
    await isWhole(44);
    await page.evaluate(`document.documentElement.style.fontSize = "200%"`);
    await isWhole(2 * 44);
    await page.context().close();
  });

  test("buttons that appear on hover cover no text", async () => {
    const { page } = await join(browser, served.port, "mouse");
    const row = page.locator(".people li", { hasText: "lazy" });
    await row.hover();
    const status = (await row.locator(".line-status").boundingBox())!;
    const button = (await row.locator(".about").boundingBox())!;
    expect(status.x + status.width).toBeLessThanOrEqual(button.x);
  });
});

async function faultsOf(page: Page): Promise<string[]> {
  const talk = await page.evaluate<string[]>(`(${look})("talk")`);
  const back = page.locator(".back");
  if (!(await back.isVisible()))
    return [...talk, ...(await page.evaluate<string[]>(`(${look})("list")`))];
  await back.click();
  await page.locator(".talk").waitFor({ state: "hidden" });
  const list = await page.evaluate<string[]>(`(${look})("list")`);
  await page.locator(".conversations .line").first().click();
  await page.locator(".side").waitFor({ state: "hidden" });
  return [...talk, ...list];
}

/** In the page. */
const look = `(pane) => {
  const wanted = {
    talk: [".talk-title h2", "#composer", ".send", ".timeline-frame"],
    list: ["#search", ".conversations .line", ".person", ".me .quiet-button", ".me .quiet-button + .quiet-button",
      ".status label:nth-of-type(1)", ".status label:nth-of-type(2)", ".status label:nth-of-type(3)"],
  }[pane];
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) faults.push("the page is too wide");
  if (root.scrollHeight > innerHeight) faults.push("the page is too high");
  const parts = wanted.map((selector) => [selector, document.querySelector(selector)]);
  for (const [selector, part] of parts) {
    if (part === null) { faults.push(selector + " is not there"); continue; }
    part.scrollIntoView({ block: "nearest", behavior: "instant" });
    const { left, right, top, bottom, width, height } = part.getBoundingClientRect();
    const isIn = left >= 0 && right <= innerWidth && top >= -1 && bottom <= innerHeight + 1;
    if (!isIn || width < 12 || height < 12) faults.push(selector + " is out of sight");
    const hit = document.elementFromPoint(left + width / 2, top + height / 2);
    if (!part.contains(hit)) faults.push(selector + " is covered by " + hit?.className);
  }
  const boxes = parts.filter(([, part]) => part !== null).map(([selector, part]) => [selector, part.getBoundingClientRect()]);
  for (const [one, a] of boxes) for (const [other, b] of boxes) {
    if (one >= other) continue;
    const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const isInside = document.querySelector(one).contains(document.querySelector(other));
    const areInOneBox = one === ".conversations .line" || one === ".person" || other === ".person";
    if (wide > 1 && high > 1 && !isInside && !areInOneBox) faults.push(one + " overlaps " + other);
  }
  for (const text of document.querySelectorAll(".status span, .people h2, .talk-title p")) {
    if (text.scrollWidth > text.clientWidth + 1 && text.clientWidth > 0) faults.push("cut: " + text.textContent);
  }
  return faults;
}`;
