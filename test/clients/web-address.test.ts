/** Each conversation has an address; Back and Forward lead where people expect them to. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { arrive, enter, hasBrowser, launch, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
/** Each of them can be somebody's name, and is no plain part of an address. */
const NAMES = ["bea", "山田 太郎", "a/b?c#d", "100%", "it's + =&", "x~#", "👩‍💻"];

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  const others: Tertulia[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url);
    browser = await launch();
    const url = `ws://127.0.0.1:${served.port}/ws`;
    for (const name of NAMES) others.push(connect(url, { name, WebSocket }));
    await others[0]!.publish("~", "hello, everybody");
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    for (const each of others) await each.close();
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  async function joined(
    name: string,
    at = "/",
    options: BrowserContextOptions = {},
  ): Promise<Person> {
    const page = await (await browser.newContext({ locale: "en-GB", ...options })).newPage();
    const person = await arrive(page, served.port, at);
    await enter(person, name);
    return person;
  }
  const shows = (page: Page, name: string): Promise<void> =>
    eventually(async () => {
      expect(await page.locator(".talk-title h2").innerText()).toBe(name);
      expect(await page.locator(".talk").isVisible()).toBe(true);
    });
  const showsList = async (page: Page): Promise<void> => {
    await page.locator(".side").waitFor();
    await page.locator(".talk").waitFor({ state: "hidden" });
  };
  const hash = (page: Page): string => new URL(page.url()).hash;

  test("Back leads to the conversation before, and a reload changes nothing", async () => {
    const { page, opens } = await joined("ana");
    expect(hash(page)).toBe("#/");
    await opens("bea");
    expect(hash(page)).toBe("#/@bea");
    await opens("100%");
    await page.keyboard.press("Alt+ArrowDown");
    await shows(page, "bea");
    await page.goBack();
    await shows(page, "100%");
    await page.goBack();
    await shows(page, "bea");
    await page.goBack();
    await shows(page, "Everybody");
    await page.goForward();
    await shows(page, "bea");
    await page.reload();
    await shows(page, "bea");
    await page.getByText("Only you and bea").waitFor();
    await page.goBack();
    await shows(page, "Everybody");
    await page.locator(".said", { hasText: "hello, everybody" }).waitFor();
  });

  test.each(NAMES)(
    "a conversation with %s has an address, which leads there in another browser too",
    async (name) => {
      const cleo = await joined(`cleo of ${name}`);
      await cleo.page.locator("#search").fill(name);
      await cleo.page.locator("#search").press("Enter");
      await shows(cleo.page, name);
      expect(decodeURIComponent(hash(cleo.page))).toBe(`#/@${name}`);
      await cleo.page.reload();
      await shows(cleo.page, name);
      const dan = await joined(`dan of ${name}`, `/${hash(cleo.page)}`);
      await shows(dan.page, name);
      await dan.says("found you");
      await dan.page.locator(".tick", { hasText: "Sent" }).waitFor();
      // the general chat is there as well, though it was never open
      await dan.page.locator(".conversations .line", { hasText: "hello, everybody" }).waitFor();
      expect(dan.complaints).toEqual([]);
    },
  );

  test("an address without a conversation is harmless, before joining and afterwards", async () => {
    const wrong = [
      "#",
      "#/x",
      "#/@",
      "#/@%E4",
      "#/@%00",
      "#/@@bea",
      "#/@ bea",
      `#/@${"x".repeat(65)}`,
      "#name=eva",
    ];
    const { page, complaints } = await joined("eva", `/${wrong[3]}`);
    await shows(page, "Everybody");
    expect(hash(page)).toBe("#/");
    await page.locator(".person", { hasText: "bea" }).first().click();
    await shows(page, "bea");
    for (const each of wrong) {
      await page.evaluate(`location.hash = ${JSON.stringify(each)}`);
      await eventually(() => expect(hash(page)).toBe("#/@bea"));
      await shows(page, "bea");
    }
    await page.evaluate(`location.hash = "#/@nobody-ever"`);
    await shows(page, "nobody-ever");
    await page.goBack();
    await shows(page, "bea");
    expect(await page.locator(".banner").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("on a phone, Back leads to the list first, and Forward back to the conversation", async () => {
    const { page } = await joined("fay", "/", PHONE);
    await shows(page, "Everybody");
    await page.goBack();
    await showsList(page);
    await page.locator(".person", { hasText: "bea" }).first().tap();
    await shows(page, "bea");
    await page.goBack();
    await showsList(page);
    await page.goForward();
    await shows(page, "bea");
    await page.getByRole("button", { name: "Back to the list" }).tap();
    await showsList(page);
    await page.reload();
    await showsList(page);
    await page.locator(".person", { hasText: "100%" }).first().tap();
    await shows(page, "100%");
    await page.reload();
    await shows(page, "100%");
    await page.goBack();
    await showsList(page);
    await page.goBack();
    expect(page.url()).toBe("about:blank"); // where it came from, and nowhere in between
  });

  test("on a phone, Back from a linked conversation leads to the list", async () => {
    const { page } = await joined("gil", "/#/@bea", PHONE);
    await shows(page, "bea");
    await page.goBack();
    await showsList(page);
  });

  test("messages that come while a phone shows the list stay unread", async () => {
    const { page } = await joined("hal", "/#/@bea", PHONE);
    await shows(page, "bea");
    await page.getByRole("button", { name: "Back to the list" }).tap();
    await showsList(page);
    await others[0]!.publish("@hal", "not seen yet");
    const line = page.locator(".conversations .line", { hasText: "not seen yet" });
    await line.locator(".badge", { hasText: "1 unread" }).waitFor();
    await line.tap();
    await shows(page, "bea");
    await line.locator(".badge").waitFor({ state: "detached" });
  });

  test("leaving removes the conversation from the address", async () => {
    const { page } = await joined("ina", "/#/@bea");
    await page.getByRole("button", { name: "Leave" }).click();
    await page.locator("input[name=name]").waitFor();
    expect(hash(page)).toBe("");
    await page.locator("input[name=name]").fill("jo");
    await page.locator("input[name=name]").press("Enter");
    await shows(page, "Everybody");
  });
});
