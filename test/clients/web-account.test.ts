/** One's own card on the page: the password, and the devices that are logged in. */
import type { Browser, Page } from "playwright-core";
import { WebSocket } from "ws";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { connect, logIn, register, type Tertulia } from "#tertulia/clients/sdk/tertulia.js";
import { barriers } from "../support/axe.js";
import { hasBrowser, join, launch, visit } from "../support/browser.js";
import { eventually } from "../support/eventually.js";
import { node } from "../support/nodes.js";
import { startRedis, type TestRedis } from "../support/redis.js";

const PASSWORD = "correct horse";
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };

describe.skipIf(!hasBrowser())("one's own card", () => {
  let redis: TestRedis;
  let served: Awaited<ReturnType<typeof node>>;
  let browser: Browser;
  const clients: Tertulia[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    served = await node(redis.url, { IDENTITY: "accounts" });
    browser = await launch();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    for (const context of browser.contexts()) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
    await served?.close();
    await redis?.close();
  });

  const url = (): string => `ws://127.0.0.1:${served.port}/ws`;
  const enters = async (name: string, options = {}): Promise<Page> => {
    await register(url(), { name, password: PASSWORD, WebSocket, client: "the test" });
    const { page } = await visit(browser, served.port, options);
    await page.locator("input[name=name]").fill(name);
    await page.locator("input[name=password]").fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.locator(".chat").waitFor();
    return page;
  };
  const device = async (name: string, client: string): Promise<Tertulia> => {
    const session = await logIn(url(), { name, password: PASSWORD, WebSocket, client });
    const chat = connect(url(), { name, session, WebSocket });
    clients.push(chat);
    await chat.joined();
    return chat;
  };
  const told = (page: Page, what: string): Promise<void> =>
    eventually(async () =>
      expect((await page.locator("dialog [role=status]").allInnerTexts()).join()).toContain(what),
    );

  test("is opened, used and closed by keys, and the focus comes back", async () => {
    const page = await enters("ana");
    await page.locator("#composer:focus").waitFor();
    const name = page.getByRole("button", { name: "ana About you" });
    await name.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog", { name: "ana" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter"); // on what comes first: the password
    await page.locator("input[name=old]").waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    expect(await name.evaluate("document.activeElement.className")).toBe("me-name");
  });

  test("changes the password: the old one must be right, the new one long enough; others are logged out", async () => {
    const page = await enters("bea");
    const other = await device("bea", "phone");
    await page.getByRole("button", { name: "bea About you" }).click();
    await page.locator("summary", { hasText: "Change the password" }).click();
    const change = async (old: string, next: string): Promise<void> => {
      await page.locator("input[name=old]").fill(old);
      await page.locator("input[name=new]").fill(next);
      await page.keyboard.press("Enter");
    };
    await change("wrong horse", "better horse");
    await told(page, "Name and password do not fit together.");
    expect(await page.locator("input[name=old]").getAttribute("aria-invalid")).toBe("true");
    await change(PASSWORD, "short");
    await told(page, "A password needs 8 characters or more.");
    expect(other.state.name).toBe("open");
    await change(PASSWORD, "better horse");
    await told(page, "Changed. All other devices are logged out.");
    expect(await page.locator("input[name=new]").inputValue()).toBe("");
    await eventually(() => expect(other.state).toMatchObject({ name: "closed", code: 4403 }));
    await page.reload();
    await page.locator(".chat").waitFor(); // this one stays
    const wrong = logIn(url(), { name: "bea", password: PASSWORD, WebSocket });
    await expect(wrong).rejects.toMatchObject({ code: "bad_credentials" });
    await logIn(url(), { name: "bea", password: "better horse", WebSocket });
  });

  test("lists the devices that are logged in, and logs out one of them, or all others", async () => {
    const page = await enters("cai");
    const phone = await device("cai", "phone");
    const tablet = await device("cai", "tablet");
    await page.getByRole("button", { name: "cai About you" }).click();
    await page.locator("summary", { hasText: "Devices" }).click();
    const entries = page.locator(".entries li b");
    const list = (...names: unknown[]): Promise<void> =>
      eventually(async () => expect((await entries.allInnerTexts()).toSorted()).toEqual(names));
    const own = expect.stringMatching(/^Chrome, /) as unknown;
    await list(own, "phone", "tablet", "the test");
    expect(await page.locator(".entries li", { hasText: "This device" }).count()).toBe(1);
    await page.getByRole("button", { name: "Log out phone" }).click();
    await list(own, "tablet", "the test");
    await eventually(() => expect(phone.state.name).toBe("closed"));
    expect(tablet.state.name).toBe("open");
    await page.getByRole("button", { name: "Log out all others" }).click();
    await list(own);
    await eventually(() => expect(tablet.state.name).toBe("closed"));
    expect(await page.locator(".chat").getAttribute("data-line")).toBe("open");
  });

  test.each([
    ["light", "en-GB"],
    ["dark", "es-ES"],
  ] as const)("fits on a phone, %s, %s", async (colorScheme, locale) => {
    const page = await enters(`dan ${locale}`, { ...PHONE, colorScheme, locale });
    await device(`dan ${locale}`, "a device with quite a long name that it calls itself");
    await page.locator(".back").tap();
    await page.locator(".me-name").tap();
    for (const fold of await page.locator("dialog summary").all()) {
      await fold.tap();
      await page.locator("details[open] .fold-body").waitFor();
      expect(await barriers(page)).toEqual([]);
      expect(
        await page.evaluate<number>(
          "document.querySelector('dialog').scrollWidth - document.querySelector('dialog').clientWidth",
        ),
      ).toBe(0);
    }
    await page.locator(".card-close").tap();
    await page.locator("dialog").waitFor({ state: "detached" });
  });
});

describe.skipIf(!hasBrowser())("one's own card, where names are open", () => {
  test("says nothing of passwords and devices", async () => {
    const redis = await startRedis();
    const served = await node(redis.url);
    const browser = await launch();
    const { page } = await join(browser, served.port, "eva");
    await page.locator(".me-name").click();
    await page.getByRole("dialog", { name: "eva" }).waitFor();
    expect(await page.getByText(/password|device/i).count()).toBe(0);
    await browser.close();
    await served.close();
    await redis.close();
  });
});
