/** Messages are removed on the page: by their authors and by moderators, and for all who read. */
import { createHmac } from "node:crypto";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { barriers } from "../support/axe.js";
import { arrive, hasBrowser, join, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const SECRET = "a secret of the site and of the chat";
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let tokens: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    const token = { IDENTITY: "token", TOKEN_SECRET: SECRET, REDIS_PREFIX: "tokens" };
    tokens = await node(redis.url, token);
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await tokens?.close();
    await redis?.close();
  });

  const shows = (person: Person, ...texts: string[]): Promise<void> =>
    eventually(async () => expect(await person.texts()).toEqual(texts));
  const isIn = (page: Page, text: string): Promise<boolean> =>
    page.evaluate<boolean>(`document.documentElement.outerHTML.includes(${JSON.stringify(text)})`);
  const byToken = async (sub: string, role?: string): Promise<Person> => {
    const now = Date.now() / 1_000;
    const text = [{ alg: "HS256" }, { sub, role, iat: now - 1, exp: now + 600 }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const token = `${text}.${createHmac("sha256", SECRET).update(text).digest("base64url")}`;
    const page = await (await browser.newContext({ locale: "en-GB" })).newPage();
    const person = await arrive(page, tokens.port, `/#token=${token}`);
    await page.locator(".primary").click();
    await page.locator(".chat").waitFor();
    return person;
  };

  test("one's own message goes, for all who have it on the screen, and for those who come later", async () => {
    const ana = await join(browser, served.port, "ana");
    const bea = await join(browser, served.port, "bea");
    await ana.says("first");
    await ana.says("a slip of the tongue");
    await bea.says("what?");
    await shows(ana, "first", "a slip of the tongue", "what?");
    await shows(bea, "first", "a slip of the tongue", "what?");
    expect(await bea.page.getByRole("button", { name: "Remove" }).count()).toBe(1);
    const message = ana.page.locator(".message", { hasText: "a slip" });
    await message.hover();
    await message.getByRole("button", { name: "Remove" }).click();
    const dialog = ana.page.getByRole("dialog", { name: "Remove this message?" });
    expect(await dialog.innerText()).toContain("a slip of the tongue");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await dialog.waitFor({ state: "detached" });
    await shows(ana, "first", "a slip of the tongue", "what?");
    await message.getByRole("button", { name: "Remove" }).click();
    expect(await barriers(ana.page)).toEqual([]);
    await dialog.getByRole("button", { name: "Remove" }).click();
    await dialog.waitFor({ state: "detached" });
    const after = ["first", "Removed", "what?"];
    for (const person of [ana, bea]) {
      await shows(person, ...after);
      expect(await isIn(person.page, "slip of the tongue")).toBe(false);
    }
    await ana.page.reload();
    await shows(ana, ...after);
    await shows(await join(browser, served.port, "cai"), ...after);
    expect([...ana.complaints, ...bea.complaints]).toEqual([]);
  });

  test("by keys alone: one stop of the Tab key leads to all of them, arrows from one to the next", async () => {
    const { page, says, texts } = await join(browser, served.port, "dan");
    const before = (await texts()).length;
    for (const each of ["one", "two", "three"]) await says(each);
    await eventually(async () => expect(await page.locator(".remove").count()).toBe(3));
    await page.locator("#composer").focus();
    await page.keyboard.press("Shift+Tab");
    const isAt = (text: string): Promise<void> =>
      eventually(async () => {
        const row = "document.activeElement.closest('.message')?.innerText";
        expect(await page.evaluate<string>(row)).toContain(text);
      });
    await isAt("three");
    await page.keyboard.press("ArrowUp");
    await isAt("two");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await eventually(async () =>
      expect((await texts()).slice(before)).toEqual(["one", "Removed", "three"]),
    );
    expect(await page.evaluate<string>("document.activeElement.className")).toBe("timeline");
    await page.keyboard.press("Escape");
    await page.locator("#composer:focus").waitFor();
  });

  test("with a finger, on a phone", async () => {
    const { page, says } = await join(browser, served.port, "eva", PHONE);
    await says("psst");
    const message = page.locator(".message", { hasText: "psst" });
    const button = message.getByRole("button", { name: "Remove" });
    await button.waitFor();
    const { width, height } = (await button.boundingBox())!;
    expect(Math.min(width, height)).toBeGreaterThanOrEqual(24);
    await button.tap();
    await page.locator("dialog .primary").tap();
    await message.waitFor({ state: "detached" });
    expect(await barriers(page)).toEqual([]);
  });

  test("a moderator removes what others wrote to everybody, and nothing private", async () => {
    const fay = await byToken("fay");
    const gil = await byToken("gil", "moderator");
    await fay.says("rude words");
    await shows(gil, "rude words");
    const button = gil.page.locator(".message .remove");
    await gil.page.locator(".message").hover();
    await button.click();
    await gil.page.locator("dialog input[name=reason]").fill("rude");
    await gil.page.keyboard.press("Enter");
    await shows(fay, "Removed");
    await fay.opens("gil");
    await fay.says("private");
    await gil.page.locator(".badge").first().waitFor();
    await gil.opens("fay");
    await shows(gil, "private");
    expect(await button.count()).toBe(0);
    expect([...fay.complaints, ...gil.complaints]).toEqual([]);
  });

  test("a removal is nothing to read: not counted, not marked as new, not the last line", async () => {
    const hal = await join(browser, served.port, "hal");
    const ian = await join(browser, served.port, "ian");
    await hal.opens("ian");
    await hal.says("soon gone");
    const line = ian.page.locator(".conversations .line", { hasText: "hal" });
    await line.locator(".badge").waitFor();
    await hal.page.locator(".message .remove").click({ force: true });
    await hal.page.locator("dialog .primary").click();
    await eventually(async () => expect(await line.innerText()).toContain("Removed"));
    expect(await line.locator(".badge").count()).toBe(0);
  });
});
