/** Blocking on the page: in the card of a user, and the list in one's own. */
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { barriers } from "../support/axe.js";
import { hasBrowser, join, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

describe.skipIf(!hasBrowser())("on the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  const cardOf = async ({ page, opens }: Person, user: string): Promise<Page> => {
    await opens(user);
    await page
      .locator(".talk-head")
      .getByRole("button", { name: `About ${user}` })
      .click();
    await page.getByRole("dialog", { name: user }).waitFor();
    return page;
  };
  const isRefused = (person: Person, text: string): Promise<void> =>
    eventually(async () => {
      const message = person.page.locator(".message.failed", { hasText: text });
      expect(await message.innerText()).toContain("This user is not here");
    });

  test("who is blocked is told what is said of somebody who is away, until it is lifted", async () => {
    const ana = await join(browser, served.port, "ana");
    const mal = await join(browser, served.port, "mal");
    const page = await cardOf(ana, "mal");
    await page.getByRole("button", { name: "Block", exact: true }).click();
    await page.getByText("You have blocked this user").waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.locator(".card-close").click();
    await mal.opens("ana");
    await mal.says("let me in");
    await isRefused(mal, "let me in");
    expect(await ana.texts()).toEqual([]);

    await page.locator(".me-name").click();
    await page.locator("summary", { hasText: "Blocked users" }).click();
    await page.locator(".entries li", { hasText: "mal" }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Unblock mal" }).click();
    await page.getByText("You have blocked nobody.").waitFor();
    await page.locator(".card-close").click();
    await mal.page.getByRole("button", { name: "Try again" }).click();
    await eventually(async () => expect(await ana.texts()).toEqual(["let me in"]));
    expect([...ana.complaints, ...mal.complaints]).toEqual([]);
  });

  test("by keys: the card says whether one has blocked, also later", async () => {
    await join(browser, served.port, "bob");
    const cai = await join(browser, served.port, "cai");
    const page = await cardOf(cai, "bob");
    const button = page.getByRole("button", { name: "Block", exact: true });
    await button.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Unblock", exact: true }).waitFor();
    await page.keyboard.press("Escape");
    await page.reload();
    await page.locator(".chat").waitFor();
    await cardOf(cai, "bob");
    await page.getByText("You have blocked this user").waitFor({ state: "attached" });
    const unblock = page.getByRole("button", { name: "Unblock", exact: true });
    await unblock.focus();
    await page.keyboard.press("Enter");
    await button.waitFor();
  });

  test("with a finger, in Spanish", async () => {
    await join(browser, served.port, "dan");
    const eva = await join(browser, served.port, "eva", { ...PHONE, locale: "es-ES" });
    const { page } = eva;
    await page.locator(".back").tap();
    await page.locator(".person", { hasText: "dan" }).tap();
    await page.locator(".talk-head").getByRole("button", { name: "Sobre dan" }).tap();
    await page.getByRole("button", { name: "Bloquear" }).tap();
    await page.getByRole("button", { name: "Desbloquear" }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.locator(".card-close").tap();
    await page.locator("dialog").waitFor({ state: "detached" });
  });

  test("nobody blocks oneself, or a name that nobody has", async () => {
    const { page } = await join(browser, served.port, "fay");
    for (const name of ["fay", "nobody"]) {
      await page.goto(`http://127.0.0.1:${served.port}/#/@${name}`);
      await page.locator(".talk-title h2", { hasText: name }).waitFor();
      await page
        .locator(".talk-head")
        .getByRole("button", { name: `About ${name}` })
        .click();
      await page.locator(".card-status", { hasText: /Active|Unknown/ }).waitFor();
      expect(await page.getByRole("button", { name: "Block", exact: true }).count()).toBe(0);
      await page.locator(".card-close").click();
    }
  });
});
