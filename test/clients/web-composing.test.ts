/** Words that are composed (Japanese, Chinese, Korean, accents): the keys of the input method are not the page's. */
import type { Browser, CDPSession } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasBrowser, join, launch, visit } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

/** Safari's last key of a composition: it comes when nothing is being composed any more. */
const OF_THE_METHOD = 229;

describe.skipIf(!hasBrowser())("while something is composed", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  const press = async (keys: CDPSession, key: string): Promise<void> => {
    const named = { key, code: key, windowsVirtualKeyCode: OF_THE_METHOD };
    await keys.send("Input.dispatchKeyEvent", { type: "rawKeyDown", ...named });
    await keys.send("Input.dispatchKeyEvent", { type: "keyUp", ...named });
  };

  test("Enter takes the word and sends nothing; Escape and arrows do not navigate", async () => {
    const { page, texts } = await join(browser, served.port, "yuki");
    const keys = await page.context().newCDPSession(page);
    const compose = async (text: string): Promise<void> => {
      await keys.send("Input.imeSetComposition", { text, selectionStart: 2, selectionEnd: 2 });
    };
    await page.locator("#composer").focus();
    await compose("にほ");
    await press(keys, "Enter"); // Chromium and Firefox: while it is being composed
    await keys.send("Input.insertText", { text: "日本" });
    await press(keys, "Enter"); // Safari: when it is over
    await page.keyboard.type("語");
    await page.keyboard.press("Enter");
    await eventually(async () => expect(await texts()).toEqual(["日本語"]));

    await page.locator("#search").focus();
    await compose("ゆき");
    for (const key of ["Escape", "ArrowDown", "Enter"]) await press(keys, key);
    await keys.send("Input.insertText", { text: "雪" });
    for (const key of ["ArrowDown", "Enter"]) await press(keys, key);
    await page.keyboard.type("子");
    expect(await page.locator("#search:focus").inputValue()).toBe("雪子");
    await page.keyboard.press("Escape");
    await page.locator("#composer:focus").waitFor();
    expect(await page.locator("#search").inputValue()).toBe("");
  });

  test("Enter within a composition does not join", async () => {
    const { page } = await visit(browser, served.port);
    const keys = await page.context().newCDPSession(page);
    await page.locator("input[name=name]").focus();
    await keys.send("Input.insertText", { text: "雪" });
    await press(keys, "Enter");
    await page.keyboard.type("江");
    await page.keyboard.press("Enter");
    await page.locator(".me-name", { hasText: "雪江" }).waitFor();
  });
});
