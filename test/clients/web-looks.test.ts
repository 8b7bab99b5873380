/** The page on other screens, by keyboard alone, in other words, for other senses, and with much in it. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { barriers } from "../support/axe.js";
import { hasBrowser, join, launch, visit, type Person } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

describe.skipIf(!hasBrowser())("the page", () => {
  let redis: TestRedis;
  let port: number;
  let browser: Browser;
  let close: () => Promise<void>;

  beforeAll(async () => {
    redis = await startRedis();
    const served = await node(redis.url);
    ({ port } = served);
    close = () => served.close();
    browser = await launch();
  });
  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await close?.();
    await redis?.close();
  });

  test("at 360 pixels one pane is shown at a time, without overflow", async () => {
    const phone = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
    const { page, says } = await join(browser, port, "ana", phone);
    await says(`https://example.org/${"long".repeat(100)}`);
    await page.locator(".tick").first().waitFor();
    expect(await sticksOut(page)).toBe(0);
    expect(await page.locator(".side").isVisible()).toBe(false);
    await page.getByRole("button", { name: "Back to the list" }).tap();
    await page.locator(".talk").waitFor({ state: "hidden" });
    expect(await sticksOut(page)).toBe(0);
    await page.locator(".conversations .line").first().tap();
    await page.locator("#composer").waitFor();
    expect(await barriers(page)).toEqual([]);
  });

  test("it is dark where the system is dark", async () => {
    const light = await visit(browser, port, { colorScheme: "light" });
    const dark = await visit(browser, port, { colorScheme: "dark" });
    const paper = (person: Person): Promise<string> =>
      person.page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    expect(await paper(light)).toBe("rgb(251, 249, 245)");
    expect(await paper(dark)).toBe("rgb(25, 23, 20)");
  });

  test.each(["light", "dark"] as const)("%s: axe finds nothing serious", async (colorScheme) => {
    const visitor = await visit(browser, port, { colorScheme });
    expect(await barriers(visitor.page)).toEqual([]);
    const { page, says, opens } = await join(browser, port, `b-${colorScheme}`, { colorScheme });
    const other = await join(browser, port, `c-${colorScheme}`, { colorScheme });
    await other.opens(`b-${colorScheme}`);
    await other.says("psst");
    await says("hello https://example.org");
    await page.locator(".badge").first().waitFor();
    await page.getByRole("radio", { name: "Busy" }).check({ force: true });
    await page.locator(".banner").waitFor();
    expect(await barriers(page)).toEqual([]);
    await opens(`c-${colorScheme}`);
    await page
      .getByRole("button", { name: `About c-${colorScheme}` })
      .first()
      .click();
    await page.getByRole("dialog").waitFor();
    expect(await barriers(page)).toEqual([]);
  });

  test("everything can be done without a mouse", async () => {
    await join(browser, port, "eve");
    const { page } = await visit(browser, port);
    const { keyboard } = page;
    await page.locator("input[name=name]:focus").waitFor();
    await keyboard.type("dora");
    await keyboard.press("Enter");
    await page.locator(".chat").waitFor();
    const focus = (): Promise<string> => page.evaluate<string>("document.activeElement.id");
    const focuses = (id: string): Promise<void> =>
      eventually(async () => expect(await focus()).toBe(id));
    await page.locator(".person", { hasText: "eve" }).waitFor();
    await focuses("composer");
    await keyboard.type("typed");
    await keyboard.press("Shift+Enter");
    await keyboard.type("two lines");
    await keyboard.press("Enter");
    await page.locator(".said", { hasText: "two lines" }).waitFor();
    await keyboard.press("Control+k");
    await focuses("search");
    await keyboard.type("ev");
    await keyboard.press("Enter");
    const title = page.locator(".talk-title h2");
    await eventually(async () => expect(await title.innerText()).toBe("eve"));
    await focuses("composer");
    await keyboard.type("private");
    await keyboard.press("Enter");
    await page.locator(".said", { hasText: "private" }).waitFor();
    await keyboard.press("Alt+ArrowUp");
    await eventually(async () => expect(await title.innerText()).toBe("Everybody"));
    await keyboard.press("Alt+ArrowDown");
    await eventually(async () => expect(await title.innerText()).toBe("eve"));
    await keyboard.press("Control+k");
    await focuses("search");
    await keyboard.type("nobody");
    expect(await page.locator("#search").inputValue()).toBe("nobody");
    await keyboard.press("Escape");
    await focuses("composer");
    expect(await page.locator("#search").inputValue()).toBe("");
  });

  test.each([
    ["es-AR", "es", "Tu nombre", "Mensaje para todos"],
    ["en-US", "en", "Your name", "Message to everybody"],
    ["fi-FI", "en", "Your name", "Message to everybody"],
  ])("to a browser in %s it speaks %s", async (locale, language, name, message) => {
    const { page } = await visit(browser, port, { locale });
    await page.getByLabel(name).fill(`fritz ${locale}`);
    await page.locator("button.primary").click();
    await page.getByLabel(message).first().waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe(language);
  });

  test("notifications are requested by a click only, and shown only while nobody looks", async () => {
    const { page } = await visit(browser, port);
    await page.evaluate(`
      globalThis.told = [];
      globalThis.heard = [];
      globalThis.Notification = class extends EventTarget {
        static permission = "default";
        static requestPermission = async () => { told.push("asked"); return (Notification.permission = "granted"); };
        constructor(title, { body, tag, renotify }) {
          super();
          told.push(title + ": " + body);
          heard.push(tag + " " + renotify);
        }
        close() {}
      };`);
    await page.locator("input[name=name]").fill("gina");
    await page.locator("button.primary").click();
    const other = await join(browser, port, "hugo");
    const told = (): Promise<string[]> => page.evaluate<string[]>("told");
    await other.says("seen");
    await page.locator(".said", { hasText: "seen" }).waitFor();
    expect(await told()).toEqual([]);
    await page.getByRole("button", { name: "Notify me" }).click();
    await page.evaluate("document.hasFocus = () => false; dispatchEvent(new Event('blur'))");
    await other.says("unseen");
    await eventually(async () =>
      expect(await told()).toEqual(["asked", "hugo · Everybody: unseen"]),
    );
    await other.says("and another");
    await eventually(async () => expect((await told()).length).toBe(3));
    // one at a time stands there; each of them is heard
    expect(await page.evaluate<string[]>("heard")).toEqual(["~ true", "~ true"]);
  });

  test("of 10,000 messages and 2,000 people only the newest, and those near the screen, are rendered", async () => {
    const context = await browser.newContext({ locale: "en-GB" });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.addInitScript(CROWD);
    // to ask for it takes a browser a fifth of a millisecond
    await page.addInitScript(`
      globalThis.asked = 0;
      Object.defineProperty(Notification, "permission", { get: () => (asked++, "default") });`);
    await page.goto(`http://127.0.0.1:${port}/`);
    await page.locator("input[name=name]").fill("ana");
    await page.locator("button.primary").click();
    await page.locator(".said", { hasText: /^message 10000$/ }).waitFor();
    await page.getByText("2,000 people here").first().waitFor();
    expect(await page.evaluate<number>("asked")).toBeLessThan(100);
    const messages = (): Promise<number> => page.locator(".message").count();
    const people = (): Promise<number> => page.locator(".person").count();
    expect(await messages()).toBeLessThan(1_300);
    expect(await people()).toBeLessThan(100);
    const box = page.locator(".timeline");
    await box.evaluate(scrollTo, 0.5);
    await page.getByRole("button", { name: "To the newest" }).waitFor();
    expect(await messages()).toBeLessThan(1_300);
    await page.locator(".people-box").evaluate(scrollTo, 1);
    await page.locator(".person", { hasText: "user 1999" }).waitFor();
    expect(await people()).toBeLessThan(100);
    await page.locator("#search").fill("user 77");
    await eventually(async () => expect(await page.locator(".person").count()).toBe(11));
  });
});

/** In the page. */
function scrollTo(box: unknown, part: number): void {
  const area = box as { scrollTop: number; readonly scrollHeight: number };
  area.scrollTop = area.scrollHeight * part;
}

function sticksOut(page: Person["page"]): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth - innerWidth");
}

/** In the page, instead of its WebSocket: a server that has much to tell. */
const CROWD = `
  globalThis.WebSocket = class extends EventTarget {
    constructor() {
      super();
      setTimeout(() => this.dispatchEvent(new Event("open")));
    }
    says(frame) {
      this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(frame) }));
    }
    send(text) {
      const { type, id, name } = JSON.parse(text);
      setTimeout(() => this.answer(type, id, name));
    }
    answer(type, id, user) {
      const conv = { conv: "~", epoch: "a", head: 0, floor: 1, read: 0, unread: 0, after: 0 };
      if (type === "hello") {
        const limits = { text: 100, frame: 65536, perSecond: 50 };
        const conversations = [{ ...conv, recovered: true }];
        this.says({ type: "welcome", id, user, key: "k", node: "n", limits, conversations });
      } else if (type === "presence") {
        const set = Array.from({ length: 2000 }, (_, index) => ["user " + index, "active"]);
        this.says({ type: "ok", id, count: 2000, full: true, set });
      } else if (type === "history") {
        this.says({ ...conv, type: "ok", id, messages: [], more: false });
        for (let seq = 1; seq <= 10000; seq++) {
          const said = { seq, mid: "m" + seq, from: "user " + seq % 7, ts: seq, text: "message " + seq };
          this.says({ type: "message", conv: "~", epoch: "a", ...said });
        }
      } else this.says({ type: "ok", id });
    }
    close() {}
  };`;
